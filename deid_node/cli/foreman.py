"""``deid-node foreman``: give nodes places at models of a Ray cluster, on a machine of it."""

import argparse
import os
import signal
import sys
import threading
from importlib.util import find_spec

from deid_node.cli.arguments import Commands
from deid_node.cli.status import ExitStatus
from deid_node.errors import InputError

_LOOK_SECONDS = 1.0


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "foreman",
        help="on a Ray cluster: give nodes places at models; needs deid-node[ray]",
    )
    parser.add_argument(
        "--address", required=True, metavar="HOST:PORT", help="where the head of the cluster is"
    )
    parser.add_argument("--host", default="0.0.0.0", help="where to listen for nodes")  # noqa: S104
    parser.add_argument("--port", type=int, default=7443, help="and on which port")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Work until told to stop; the certificates are those that Ray itself uses.

    Raises
    ------
    InputError
        Ray is not installed, or the head is out of reach, or does not let us in.
    """
    if find_spec("ray") is None:
        raise InputError("ray is not installed; it comes with the extra deid-node[ray]")
    from deid_node.cluster.crew import Crew
    from deid_node.cluster.foreman import Foreman
    from deid_node.cluster.join import Membership, join
    from deid_node.cluster.protections import HeadDenies, HeadUnreachable, tls_files
    from deid_node.lines.channel import called_context

    context = called_context(tls_files(os.environ), "")
    try:
        refusal = join(arguments.address)
    except HeadUnreachable:
        raise InputError("the head of the cluster is out of reach") from None
    except HeadDenies:
        raise InputError(
            "the head of the cluster does not let this machine in: it has another token, "
            "or its certificate is of another authority"
        ) from None
    foreman = Foreman(
        Crew(), context=context, host=arguments.host, port=arguments.port, refusal=refusal
    )
    # After Ray, which has handlers of its own: they would end us in the middle of a word.
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    foreman.start()
    if refusal is not None:
        sys.stderr.write(f"no node may work with this cluster: {refusal}\n")
    sys.stdout.write(f"foreman listens on port {foreman.port}\n")
    sys.stdout.flush()
    membership = Membership() if refusal is None else None
    while not told.wait(_LOOK_SECONDS):
        if membership is not None and membership.is_lost:
            sys.stderr.write("the cluster is lost\n")
            sys.stderr.flush()
            # At once: to take leave of a cluster that is gone takes Ray minutes.
            os._exit(1)
    foreman.close()
    return ExitStatus.DONE
