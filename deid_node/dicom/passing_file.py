"""A file for the length of a process: without a name, and encrypted with a key of its own.

The key is made with the file, lies in memory alone and is forgotten with it, so that
what the disk keeps of the file tells nothing. It says nothing of damage: who reads the
file is who wrote it. Whole units are encrypted (AES-256-XTS, as disks are), since parts
of a file may be written over.

Source: IEEE 1619; NIST SP 800-38E.
"""

import os
import secrets
import tempfile
import threading
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import XTS

from deid_node.dicom.bulk import Bulk, Descriptor

UNIT_BYTES: Final = 1 << 16
_TWO_KEYS_BYTES: Final = 64
_TWEAK_BYTES: Final = 16


class PassingFile:
    """Bytes to be written and read at any place; what was never written is zero.

    One unit is held in memory: the one that was touched last, and it may be written
    to the disk later. Any thread may call. Raises `OSError` where the disk does not take it.

    Parameters
    ----------
    folder
        Where the file lies; None takes the system's folder for temporary files.
    """

    def __init__(self, folder: Path | None) -> None:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            self._descriptor: Final = Descriptor(file.fileno())
        self._keys: Final = AES(secrets.token_bytes(_TWO_KEYS_BYTES))
        self._on_disk: Final[set[int]] = set()
        self._number = -1
        self._held = bytearray(UNIT_BYTES)
        self._is_newer = False
        self._lock: Final = threading.Lock()

    def write_at(self, place: int, piece: bytes | memoryview) -> None:
        """Put `piece` over what begins at `place`."""
        view = memoryview(piece)
        with self._lock:
            while view:
                number, begin = divmod(place, UNIT_BYTES)
                taken = min(len(view), UNIT_BYTES - begin)
                if taken == UNIT_BYTES and number != self._number:
                    self._put(number, view[:taken])
                else:
                    self._hold(number)
                    self._held[begin : begin + taken] = view[:taken]
                    self._is_newer = True
                view, place = view[taken:], place + taken

    def read_at(self, place: int, size: int) -> bytes:
        """Return the `size` bytes from `place` on."""
        stop = place + size
        first, behind = place // UNIT_BYTES, -(-stop // UNIT_BYTES)
        with self._lock:
            if behind - first == 1:
                # Headers and lines are read a few bytes at a time.
                self._hold(first)
            content = b"".join(self._unit(number) for number in range(first, behind))
        begin = place - first * UNIT_BYTES
        return content[begin : begin + size]

    def _hold(self, number: int) -> None:
        if number == self._number:
            return
        if self._is_newer:
            self._put(self._number, self._held)
            self._is_newer = False
        self._held[:] = self._unit(number)
        self._number = number

    def _unit(self, number: int) -> bytes | bytearray:
        if number == self._number:
            return self._held
        if number not in self._on_disk:
            return bytes(UNIT_BYTES)
        begin = number * UNIT_BYTES
        stored = Bulk(self._descriptor, begin, UNIT_BYTES)[:]
        return self._cipher(number).decryptor().update(stored)

    def _put(self, number: int, content: bytearray | memoryview) -> None:
        view = memoryview(self._cipher(number).encryptor().update(content))
        place = number * UNIT_BYTES
        while view:
            written = os.pwrite(self._descriptor.number, view, place)
            view, place = view[written:], place + written
        self._on_disk.add(number)

    def _cipher(self, number: int) -> Cipher[XTS]:
        return Cipher(self._keys, XTS(number.to_bytes(_TWEAK_BYTES, "little")))
