"""How long the certificates in a PEM file are valid.

Only the dates are read here, for metrics and health. Whether a certificate is
to be trusted is decided by OpenSSL, never by this module.
"""

from datetime import datetime
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificates


def earliest_expiry(path: Path) -> datetime:
    """Return when the first of the certificates in the PEM file at `path` expires.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        It holds no certificate, or one that cannot be read.
    """
    return min(one.not_valid_after_utc for one in load_pem_x509_certificates(path.read_bytes()))
