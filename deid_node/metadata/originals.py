"""The originals of what was changed, locked into the instance for the holder of one key.

Off unless a site names a certificate. The instance is de-identified all the
same: who has the private key can open it, nobody else, this node included. The
key does not belong on the node.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from deid_node.errors import ConfigurationError, MalformedDataset
from deid_node.metadata.encoding.elements import Stored, element_at, elements_of
from deid_node.metadata.plan.attest import ATTESTED

CERTIFICATE_PATH = "metadata.originals.certificate_file"
ENCRYPTED = 0x04000500
MODIFIED = 0x04000550
_CHARACTER_SET = 0x00080005
_PIXEL_GROUP = 0x7FE0
_LEAST_KEY_BITS = 2048

# What these say is about pixels, and pixels are not brought back.
OF_PIXELS = frozenset({0x00082111, 0x00280301})

_SYNTAXES: Final[Mapping[tuple[bool, bool], UID]] = MappingProxyType(
    {
        (True, True): ImplicitVRLittleEndian,
        (False, True): ExplicitVRLittleEndian,
        (False, False): ExplicitVRBigEndian,
    }
)


class Envelope:
    """Locks originals for the holder of a certificate's private key.

    Parameters
    ----------
    certificate
        The recipient's, with an RSA key of 2048 bits or more. The name of its
        issuer and its number stand in every instance in the clear.

    Raises
    ------
    ConfigurationError
        The certificate holds another key, or a shorter one.
    """

    def __init__(self, certificate: x509.Certificate) -> None:
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size < _LEAST_KEY_BITS:
            raise ConfigurationError(
                CERTIFICATE_PATH, f"its key must be RSA with {_LEAST_KEY_BITS} bits or more"
            )
        self._certificate = certificate

    def sealed(self, original: Dataset, cleaned: Dataset) -> DataElement:
        """Return Encrypted Attributes Sequence with all that `cleaned` says otherwise.

        Top-level attributes of `original` that `cleaned` lacks or has with
        another value, sequences as a whole; pixels are never among them. Neither
        argument is written to. Two calls give different bytes: the key inside is
        drawn anew.

        Raises
        ------
        MalformedDataset
            An original cannot be encoded.

        Source
        ------
        PS3.15 E.1.1 (Encrypted Attributes Sequence); PS3.3 C.12.1.1.4; RFC 5652
        (CMS enveloped-data, RSA key transport, AES-256-CBC).
        """
        encoding = _encoding(original)
        outer = Dataset()
        outer[MODIFIED] = DataElement(MODIFIED, "SQ", Items([_modified(original, cleaned)]))
        outer.set_original_encoding(*encoding, original.original_character_set)
        plain = DicomBytesIO()
        plain.is_implicit_VR, plain.is_little_endian = encoding
        try:
            write_dataset(plain, outer)
        except Exception as error:  # noqa: BLE001  # pydicom raises of every kind, and quotes values
            raise MalformedDataset(
                f"the originals cannot be encoded ({type(error).__name__})"
            ) from None
        item = Dataset()
        item.EncryptedContentTransferSyntaxUID = _SYNTAXES[encoding]
        item.EncryptedContent = (
            pkcs7.PKCS7EnvelopeBuilder()
            .set_data(plain.getvalue())
            .add_recipient(self._certificate)
            .set_content_encryption_algorithm(AES256)
            .encrypt(Encoding.DER, [pkcs7.PKCS7Options.Binary])
        )
        return DataElement(ENCRYPTED, "SQ", Items([item]))


def load_envelope(path: Path) -> Envelope:
    """Return the envelope for the certificate (PEM) in the file at `path`.

    Raises
    ------
    ConfigurationError
        The file cannot be read, is no certificate, or its key cannot be used.
    """
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError(CERTIFICATE_PATH, f"{path} holds no certificate (PEM)") from error
    return Envelope(certificate)


def _modified(original: Dataset, cleaned: Dataset) -> Dataset:
    charset = original.original_character_set
    result = Dataset(parent_encoding=charset)
    result.set_original_encoding(*_encoding(original), charset)
    for element in elements_of(original):
        tag = int(element.tag)
        if tag >> 16 == _PIXEL_GROUP or tag == ENCRYPTED:
            continue
        # The character set explains the others; what is attested is written over later.
        if tag in ATTESTED | {_CHARACTER_SET} or not _is_same(element, element_at(cleaned, tag)):
            result[element.tag] = element
    return result


def _is_same(element: Stored, new: Stored | None) -> bool:
    if isinstance(element, RawDataElement) and isinstance(new, RawDataElement):
        return (element.VR, element.value) == (new.VR, new.value)
    if new is None or element.VR == "SQ":
        return False
    return element.VR == new.VR and element.value is new.value


def _encoding(dataset: Dataset) -> tuple[bool, bool]:
    """Return (implicit VR, little endian) of the bytes at hand, explicit little where none are."""
    for element in elements_of(dataset):
        if isinstance(element, RawDataElement):
            return element.is_implicit_VR, element.is_little_endian
    implicit, little = dataset.original_encoding
    return (False, True) if implicit is None or little is None else (implicit, little)
