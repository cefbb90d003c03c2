"""From the options of a destination to its TLS, and how long that will do."""

import ssl

from deid_node.dicom.certificates import earliest_expiry
from deid_node.dicom.tls import client_context
from deid_node.forward.options import CStoreOptions
from deid_node.observe.collectors import Certificate


def build_tls(name: str, options: CStoreOptions) -> ssl.SSLContext | None:
    """Return the context for calling destination `name`, None where it is plain.

    Raises `ConfigurationError` where a file cannot be used.
    """
    tls = options.tls
    if tls is None:
        return None
    return client_context(
        certificate_file=tls.certificate_file,
        key_file=tls.key_file,
        ca_file=tls.ca_file,
        check_host_name=tls.check_host_name,
        path=f"forward.destinations.{name}.tls",
    )


def certificates_of(name: str, options: CStoreOptions) -> tuple[Certificate, ...]:
    """Return when the certificates for destination `name` expire; call it after `build_tls`."""
    if options.tls is None:
        return ()
    files = {"certificate_file": options.tls.certificate_file, "ca_file": options.tls.ca_file}
    return tuple(
        Certificate(f"forward_{name}", setting, earliest_expiry(file))
        for setting, file in files.items()
        if file is not None
    )
