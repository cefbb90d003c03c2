"""Authorities and certificates of a test, made on the spot."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Kind = Literal["ec", "rsa", "weak"]


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, on disk."""

    certificate: Path
    key: Path

    @property
    def files(self) -> dict[str, str]:
        """The two settings that name it."""
        return {"certificate_file": str(self.certificate), "key_file": str(self.key)}


class Authority:
    """Issues certificates into `folder`."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._key = _new_key("ec")
        self._name = _named(name)
        self.file = folder / f"{name}.crt"
        signed = (
            _unsigned(self._name, self._name, self._key, days=365)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def key_pem(self) -> bytes:
        """Return its private key, for somebody else who issues certificates in its name."""
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def issue(
        self,
        name: str,
        *,
        host: str = "127.0.0.1",
        days: float = 90,
        kind: Kind = "ec",
        passphrase: bytes | None = None,
        also: Sequence[str] = (),
    ) -> Identity:
        """Return a new certificate for `host`, valid for `days` (less than 0: expired).

        `also` are other hosts that it names.
        """
        key = _new_key(kind)
        signed = (
            _unsigned(_named(name), self._name, key, days=days)
            .add_extension(
                x509.SubjectAlternativeName([*map(_general, (host, *also))]), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        made = Identity(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        made.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        made.key.touch(mode=0o600)
        made.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(passphrase)
                if passphrase
                else serialization.NoEncryption(),
            )
        )
        return made


def _new_key(kind: Kind) -> Key:
    if kind == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, 1024 if kind == "weak" else 2048)


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: Key, *, days: float
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=days))
    )
