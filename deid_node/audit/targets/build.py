"""From options to a target; nothing is opened yet."""

import os
import ssl
from typing import assert_never

from deid_node.audit.message import Source
from deid_node.audit.options import FileAuditOptions, SyslogAuditOptions
from deid_node.audit.targets.base import Target
from deid_node.audit.targets.file import FileTarget
from deid_node.audit.targets.syslog import StreamTarget, UdpTarget
from deid_node.dicom.tls import client_tls


def build_target(
    options: FileAuditOptions | SyslogAuditOptions, source: Source, *, host: str
) -> Target:
    """Return the target that `options` describe; raise `ConfigurationError`.

    `host` is the name of this machine.
    """
    match options:
        case FileAuditOptions():
            return FileTarget(options.file, source)
        case SyslogAuditOptions(transport="udp"):
            return UdpTarget(
                (options.host, options.port), source, host=host, process_id=os.getpid()
            )
        case SyslogAuditOptions():
            return StreamTarget(
                (options.host, options.port),
                source,
                host=host,
                process_id=os.getpid(),
                timeout_seconds=options.timeout_seconds,
                tls=build_tls(options),
            )
        case _:
            assert_never(options)


def build_tls(options: SyslogAuditOptions) -> ssl.SSLContext | None:
    """Return the context for calling the repository, None where it is plain.

    Raises `ConfigurationError` where a file cannot be used.
    """
    return None if options.tls is None else client_tls(options.tls, "audit.tls")
