"""From options to a target; nothing is opened yet."""

import os
import ssl
from collections.abc import Sequence
from typing import assert_never

from deid_node.audit.message import Source
from deid_node.audit.options import AuditTlsOptions, FileAuditOptions, SyslogAuditOptions
from deid_node.audit.targets.base import Target
from deid_node.audit.targets.file import FileTarget
from deid_node.audit.targets.syslog import StreamTarget, UdpTarget
from deid_node.dicom.certificates import earliest_expiry
from deid_node.dicom.tls import client_context
from deid_node.observe.collectors import Certificate


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
    """Return the context for calling the repository, None where it is plain."""
    if options.tls is None:
        return None
    return client_context(
        certificate_file=options.tls.certificate_file,
        key_file=options.tls.key_file,
        ca_file=options.tls.ca_file,
        check_host_name=options.tls.check_host_name,
        path="audit.tls",
    )


def certificates_of_target(tls: AuditTlsOptions) -> Sequence[Certificate]:
    """Return when the certificates for the repository expire; call it after `build_tls`."""
    files = {"certificate_file": tls.certificate_file, "ca_file": tls.ca_file}
    return [
        Certificate("audit", setting, earliest_expiry(file))
        for setting, file in files.items()
        if file is not None
    ]
