"""The way back, for the holder of the private key: originals out of the instance.

Nothing of the node uses this. It works on one file, by hand, and what it writes
is patient data.
"""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from types import MappingProxyType

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs7
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from deid_node.errors import InputError
from deid_node.metadata.apply.filemeta import new_file_meta
from deid_node.metadata.encoding.elements import element_at, elements_of, items_of
from deid_node.metadata.originals import ENCRYPTED, MODIFIED, OF_PIXELS
from deid_node.metadata.plan.attest import ATTESTED

_RECORD_OF_PRIVATE = 0x00080300
_ENCODINGS = MappingProxyType(
    {
        str(ImplicitVRLittleEndian): (True, True),
        str(ExplicitVRLittleEndian): (False, True),
        str(ExplicitVRBigEndian): (False, False),
    }
)


class Opener:
    """Opens what was locked for one certificate; its repr tells nothing of the key."""

    __slots__ = ("_certificate", "_key")

    def __init__(self, key: rsa.RSAPrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self._certificate = certificate

    def restored(self, dataset: Dataset) -> Dataset:
        """Return a new dataset with the originals in the place of what was made of them.

        Pixels, and what is said about them, stay as they were cleaned. `dataset`
        is not written to.

        Raises
        ------
        InputError
            Nothing is locked into the instance, or not for this key.

        Source
        ------
        PS3.15 E.1.2 (re-identifier).
        """
        locked = element_at(dataset, ENCRYPTED)
        if locked is None:
            raise InputError("nothing is locked into this instance")
        originals = self._opened(items_of(locked, dataset))
        made = (ATTESTED - OF_PIXELS) | {ENCRYPTED, _RECORD_OF_PRIVATE}
        result = Dataset()
        for element in elements_of(dataset):
            if int(element.tag) not in made:
                result[element.tag] = element
        for element in elements_of(originals):
            if int(element.tag) not in OF_PIXELS or element.tag not in result:
                result[element.tag] = element
        implicit, little = dataset.original_encoding
        result.set_original_encoding(implicit, little, originals.original_character_set)
        result.file_meta = new_file_meta(
            sop_class_uid=str(result.SOPClassUID),
            sop_instance_uid=str(result.SOPInstanceUID),
            transfer_syntax_uid=str(dataset.file_meta.TransferSyntaxUID),
        )
        result.preamble = b"\0" * 128
        return result

    def _opened(self, items: Sequence[Dataset]) -> Dataset:
        for item in items:
            plain = self._plain(item)
            modified = None if plain is None else element_at(plain, MODIFIED)
            if plain is not None and modified is not None:
                (originals,) = items_of(modified, plain)
                return originals
        raise InputError("this key does not open the instance")

    def _plain(self, item: Dataset) -> Dataset | None:
        try:
            content = pkcs7.pkcs7_decrypt_der(
                _unpadded(bytes(item.EncryptedContent)), self._certificate, self._key, []
            )
            implicit, little = _ENCODINGS[str(item.EncryptedContentTransferSyntaxUID)]
            return read_dataset(BytesIO(content), implicit, little)
        # A wrong key gives noise, and noise breaks whatever reads it, in any way.
        except Exception:  # noqa: BLE001
            return None


def load_opener(key_file: Path, certificate_file: Path | None = None) -> Opener:
    """Return the opener for a private key (PEM, without passphrase).

    Parameters
    ----------
    key_file
        The private key; the certificate may stand in the same file.
    certificate_file
        The certificate, where it is in a file of its own.

    Raises
    ------
    InputError
        A file cannot be read, or holds no RSA key, or no certificate of that key.
    """
    try:
        key = load_pem_private_key(key_file.read_bytes(), password=None)
        certificate = x509.load_pem_x509_certificate((certificate_file or key_file).read_bytes())
    except (OSError, TypeError, ValueError):
        raise InputError("the private key or its certificate cannot be read (PEM)") from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.public_key() != certificate.public_key():
        raise InputError("the certificate is not that of the private key")
    return Opener(key, certificate)


def _unpadded(content: bytes) -> bytes:
    """Return `content` without the byte that makes its length even (DER tells its length)."""
    first = content[1]
    count = first & 0x7F if first & 0x80 else 0
    length = int.from_bytes(content[2 : 2 + count], "big") if count else first
    return content[: 2 + count + length]
