"""How the files of blobs are made and opened: as they are, or encrypted with the site's key.

What a file is stands in its beginning, not in the configuration: a spool may hold
both kinds, after the option was switched on or off.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deid_node.dicom.bulk import Bulk, file_at
from deid_node.dicom.new_file import NewFile, PlainFile
from deid_node.errors import ConfigurationError
from deid_node.spool.encryption import (
    HEADER_BYTES,
    EncryptedFile,
    EncryptedNewFile,
    SpoolKey,
    key_id_of,
)

KEY_SETTING = "spool.encryption_key_file"


@dataclass(frozen=True, slots=True)
class BlobFiles:
    """Makes and opens files; picklable, and with `key` it holds the site's secret.

    `key` opens what was encrypted with it; with `encrypts`, what is made is encrypted
    too. `mode` is that of new files, before the umask.
    """

    key: SpoolKey | None = None
    encrypts: bool = False
    mode: int = 0o600

    def __post_init__(self) -> None:
        if self.encrypts and self.key is None:
            raise ValueError("nothing is encrypted without a key")

    def create(self, path: Path) -> NewFile:
        """Return the new file at `path`; raises `OSError`."""
        if self.encrypts and self.key is not None:
            return EncryptedNewFile(path, self.key, self.mode)
        return PlainFile(path, self.mode)

    def open(self, path: Path) -> Bulk:
        """Return the content of the file at `path`, of which nothing is read yet.

        Raises `OSError`, also where it is encrypted and not with this key.
        """
        stored = file_at(path)
        if key_id_of(stored[:HEADER_BYTES]) is None:
            return stored
        if self.key is None:
            raise OSError("a file of the spool is encrypted, and there is no key")
        content = EncryptedFile(stored, self.key)
        return Bulk(content, 0, content.length)

    def require_key_of(self, folders: Iterable[Path]) -> None:
        """Return if the key of every encrypted file in `folders` is at hand.

        Raises
        ------
        ConfigurationError
            There is one of another key, or there is no key: all that is encrypted would
            be taken for damaged.
        OSError
            One cannot be read.
        """
        for folder in folders:
            with os.scandir(folder) as entries:
                for entry in entries:
                    self._require_key_of(entry.path)

    def _require_key_of(self, path: str) -> None:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a hundred thousand of them
            found = key_id_of(file.read(HEADER_BYTES))
        if found is None or (self.key is not None and found == self.key.id):
            return
        mine = (
            "none is configured" if self.key is None else f"that of the file is {self.key.id.hex()}"
        )
        raise ConfigurationError(
            KEY_SETTING, f"the spool holds files of the key {found.hex()}, and {mine}"
        )


PLAIN: Final = BlobFiles()
"""Files as they are; an encrypted one cannot be read."""
