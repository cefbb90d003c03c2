"""Encrypted files of the spool: AES-256-GCM by the piece, written in one go, read anywhere.

A file is a header of 32 bytes and its content in pieces of 64 KiB, each 16 bytes longer
by its tag; the last piece is the one that is shorter, full or empty:

========  =====  ==================================================================
place     bytes  what stands there
========  =====  ==================================================================
0         8      ``DNBLOB``, 0, and 1, the version of this format
8         8      which key it is, made from the key and from nothing else
16        16     salt, random for each file
32        ...    piece 0, piece 1, ...
========  =====  ==================================================================

The key of a file is HKDF-SHA-256 of the site's key with its salt, so that no two files
share one and the nonce of a piece can be its number (11 bytes, big-endian) and whether
it is the last (1 byte). The header is authenticated with each piece. So a piece that
was changed, moved, cut off or taken from another file is not taken for the content.
Whether this is the file that was asked for is not said here: the journal knows its sum.

Source: NIST SP 800-38D (GCM); RFC 5869 (HKDF); Hoang, Reyhanitabar, Rogaway, Vizar:
Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance, 2015 (STREAM).
"""

import errno
import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from deid_node.dicom.bulk import Bulk
from deid_node.dicom.new_file import PlainFile

MAGIC: Final = b"DNBLOB\x00\x01"
HEADER_BYTES: Final = 32
PIECE_BYTES: Final = 1 << 16
TAG_BYTES: Final = 16

_ID_BYTES: Final = 8
_SALT_BYTES: Final = 16
_STORED_BYTES: Final = PIECE_BYTES + TAG_BYTES
_CONTENT_LABEL: Final = b"deid_node spool content"
_ID_LABEL: Final = b"deid_node spool key id"


class SpoolKey:
    """The site's key for its spool; it does not show itself.

    Parameters
    ----------
    secret
        32 random bytes or more.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret: Final = secret
        self.id: Final = _derived(secret, length=_ID_BYTES, salt=b"", label=_ID_LABEL)
        """Which key it is: stands in each file, and may be told."""

    def __repr__(self) -> str:
        return f"SpoolKey({self.id.hex()})"

    def new_header(self) -> bytes:
        """Return the header of a new file."""
        return MAGIC + self.id + secrets.token_bytes(_SALT_BYTES)

    def cipher(self, header: bytes) -> AESGCM:
        """Return the cipher of the file that begins with `header`."""
        salt = header[-_SALT_BYTES:]
        return AESGCM(_derived(self._secret, length=32, salt=salt, label=_CONTENT_LABEL))


def key_id_of(head: bytes) -> bytes | None:
    """Return which key the file that begins with `head` is encrypted with; None if with none."""
    if not head.startswith(MAGIC):
        return None
    return head[len(MAGIC) : len(MAGIC) + _ID_BYTES]


class EncryptedNewFile:
    """The new file at `path`, encrypted while it is written; a `NewFile`.

    At most one piece of the content is held in memory. Raises `OSError`, also where
    there is such a file.
    """

    def __init__(self, path: Path, key: SpoolKey, mode: int = 0o600) -> None:
        self._header: Final = key.new_header()
        self._cipher: Final = key.cipher(self._header)
        self._held: Final = bytearray()
        self._pieces = self._size = 0
        self._is_ended = False
        self._file: Final = PlainFile(path, mode)
        self._file.write(self._header)

    def write(self, piece: bytes | bytearray | memoryview, /) -> int:
        """Take `piece`."""
        view = memoryview(piece)
        self._size += len(view)
        while len(self._held) + len(view) > PIECE_BYTES:
            # A piece is written only when more follows: the last one is marked.
            if self._held:
                taken = PIECE_BYTES - len(self._held)
                self._held.extend(view[:taken])
                self._put(self._held, is_last=False)
                self._held.clear()
            else:
                taken = PIECE_BYTES
                self._put(view[:taken], is_last=False)
            view = view[taken:]
        self._held.extend(view)
        return len(piece)

    def tell(self) -> int:
        """Return how many bytes were taken."""
        return self._size

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Refuse: what is encrypted is not written over."""
        return self._file.seek(offset, whence)

    def end(self) -> None:
        """Hand the last piece to the system."""
        if not self._is_ended and not self._file.closed:
            self._put(self._held, is_last=True)
            self._held.clear()
            self._is_ended = True
        self._file.end()

    def finish(self) -> None:
        """Write the last piece, put the file on disk and close."""
        if not self._file.closed:
            self.end()
            self._file.finish()

    def close(self) -> None:
        """Close without a last piece: nobody can read it as a whole file."""
        self._file.close()

    def _put(self, content: bytearray | memoryview, *, is_last: bool) -> None:
        nonce = _nonce(self._pieces, is_last=is_last)
        self._file.write(self._cipher.encrypt(nonce, content, self._header))
        self._pieces += 1


class EncryptedFile:
    """The content of an encrypted file, at any place; a `Source` of `Bulk`.

    The piece that was read last is kept: headers are read a few bytes at a time. The
    last piece of the file is read at once, since it says whether the file is whole.
    Raises `OSError` where the file is cut or encrypted with another key.
    """

    def __init__(self, stored: Bulk, key: SpoolKey) -> None:
        self._stored: Final = stored
        self._header: Final = stored[:HEADER_BYTES]
        if key_id_of(self._header) != key.id:
            raise _damage("a file of the spool is encrypted with another key")
        body = len(stored) - HEADER_BYTES
        self._pieces: Final = max(1, -(-body // _STORED_BYTES))
        self.length: Final = body - self._pieces * TAG_BYTES
        """How many bytes the content has."""
        if self.length < (self._pieces - 1) * PIECE_BYTES:
            raise _damage("an encrypted file of the spool breaks off")
        self._cipher: Final = key.cipher(self._header)
        self._last_read: tuple[int, bytes] = (-1, b"")
        self._piece(self._pieces - 1)

    def read_at(self, place: int, size: int) -> bytes:
        """Return the bytes of the content from `place` on, fewer than `size` at its end.

        Raises `OSError` where they are not those that were written.
        """
        stop = min(place + size, self.length)
        first, behind = place // PIECE_BYTES, -(-stop // PIECE_BYTES)
        content = b"".join(self._piece(number) for number in range(first, behind))
        begin = place - first * PIECE_BYTES
        return content[begin : begin + max(0, stop - place)]

    def _piece(self, number: int) -> bytes:
        held, content = self._last_read
        if held == number:
            return content
        begin = HEADER_BYTES + number * _STORED_BYTES
        stored = self._stored[begin : begin + _STORED_BYTES]
        nonce = _nonce(number, is_last=number == self._pieces - 1)
        try:
            content = self._cipher.decrypt(nonce, stored, self._header)
        except InvalidTag:
            raise _damage("an encrypted file of the spool is not what was written") from None
        self._last_read = (number, content)
        return content


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes((is_last,))


def _derived(secret: bytes, *, length: int, salt: bytes, label: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=label).derive(secret)


def _damage(text: str) -> OSError:
    """Return the error: what cannot be decrypted is, to who reads, what cannot be read."""
    return OSError(errno.EBADMSG, text)
