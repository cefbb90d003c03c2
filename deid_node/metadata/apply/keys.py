"""The site's secrets: files that only the node's own user can read.

Whoever has the key and a list of patient ids can link pseudonyms back, so a key
that others can read is refused rather than warned about.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from deid_node.errors import ConfigurationError
from deid_node.machine import read_private

KEY_PATH = "metadata.pseudonym_key_file"
LEAST_BYTES = 32


def read_key_file(path: Path, *, setting: str = KEY_PATH) -> bytes:
    """Return the key in the file at `path`, every byte of it.

    `setting` is the YAML path that names the file.

    Raises
    ------
    ConfigurationError
        The file is missing or unreadable, shorter than 32 bytes, or readable by
        its group or by others.
    """
    key = read_private(path, setting=setting)
    require_long_enough(key, where=str(path), setting=setting)
    return key


def require_long_enough(key: bytes, *, where: str, setting: str = KEY_PATH) -> None:
    """Return if `key` has at least 32 bytes, the length that HMAC-SHA-256 and AES-256 ask for.

    Raises
    ------
    ConfigurationError
        It is shorter.
    """
    if len(key) < LEAST_BYTES:
        raise ConfigurationError(setting, f"{where} has fewer than {LEAST_BYTES} bytes")


def fingerprint_of(key: bytes) -> str:
    """Return 16 digits that tell one key from another, and nothing of either."""
    # A domain of its own, beside those of the pseudonyms.
    return hmac.new(key, b"deid_node/fingerprint\0", hashlib.sha256).hexdigest()[:16]


def new_key() -> bytes:
    """Return a fresh random key."""
    return secrets.token_bytes(LEAST_BYTES)


def new_key_file(path: Path) -> None:
    """Write a fresh random key to a new file with mode 0600.

    Raises
    ------
    ConfigurationError
        The file exists already (a key is never overwritten) or cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(new_key())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ConfigurationError(KEY_PATH, f"{path} cannot be created") from error
