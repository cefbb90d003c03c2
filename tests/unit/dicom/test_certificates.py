"""The dates of certificates, whatever stands in the file beside them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from deid_node.dicom.certificates import earliest_expiry
from tests.fakes.certificates import Authority

KEY = ec.generate_private_key(ec.SECP256R1())


def moment(year: int) -> datetime:
    return datetime(year, 1, 2, tzinfo=UTC)


def pem(expires: datetime, name: str = "scanner") -> bytes:
    names = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder(names, names, KEY.public_key(), 1, moment(1980), expires)
    return made.sign(KEY, hashes.SHA256()).public_bytes(Encoding.PEM)


@settings(deadline=None, max_examples=50)
@given(
    st.integers(int(moment(1981).timestamp()), int(moment(9999).timestamp())),
    st.text("aé", min_size=1, max_size=32),
)
def test_the_end_of_any_certificate_is_read_to_the_second(seconds: int, name: str) -> None:
    """From 2050 on, dates are written in another type (RFC 5280 section 4.1.2.5)."""
    expires = datetime.fromtimestamp(seconds, UTC)
    with NamedTemporaryFile(suffix=".pem") as file:
        file.write(pem(expires, name))
        file.flush()

        assert earliest_expiry(Path(file.name)) == expires


def test_of_several_certificates_the_first_to_expire_counts(tmp_path: Path) -> None:
    soon, later = moment(2027), moment(2037)
    path = tmp_path / "chain.pem"
    path.write_bytes(b"some words\n" + pem(later) + b"\n" + pem(soon) + pem(later))

    assert earliest_expiry(path) == soon


def test_a_certificate_of_an_authority_is_read_too(tmp_path: Path) -> None:
    authority = Authority(tmp_path)

    days = earliest_expiry(authority.file) - datetime.now(UTC)

    assert timedelta(364) < days < timedelta(366)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nMIIF\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nMA==A\n-----END CERTIFICATE-----\n",
        pem(moment(2027)).replace(b"-----END", b"-----AND"),
    ],
    ids=["empty", "no content", "cut off", "no base64", "no end"],
)
def test_what_holds_no_certificate_is_told_apart(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.pem"
    path.write_bytes(content)

    with pytest.raises(ValueError):  # noqa: PT011 - any of them
        earliest_expiry(path)
