"""How a command ends: every fault of the caller is one line and a status, never a stack trace."""

import argparse
import sys

from deid_node.cli.status import ExitStatus
from deid_node.errors import ConfigurationError, CustodyError, DeidNodeError


def carried_out(chosen: argparse.Namespace, program: str) -> int:
    """Run the command that was `chosen` and return the exit status of `program`."""
    # Here, not above: a spawned worker imports the commands again, and must set the number
    # of its threads before numpy and its kin are loaded.
    from deid_node.dicom.silence import silence_libraries
    from deid_node.observe.traces import leave_no_core

    silence_libraries()
    leave_no_core()
    try:
        return int(chosen.run(chosen))
    except DeidNodeError as error:
        match error:
            case ConfigurationError():
                what = "configuration: "
            case CustodyError():
                what = f"{error.code}: "
            case _:
                what = ""
        sys.stderr.write(f"{program}: {what}{error}\n")
        return ExitStatus.MISUSE
    except KeyboardInterrupt:
        sys.stderr.write(f"{program}: interrupted\n")
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough (``| head``).
        sys.stderr.close()
        return ExitStatus.DONE
