"""Who may associate, by user name and passcode; only hashes are kept.

Each line of the users file is ``name:scrypt$N$r$p$salt$hash`` (base64), or
``name:`` for a user who needs no passcode. A name or passcode that was shown is
never logged and never counted by.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Final, Self

from deid_node.errors import ConfigurationError

USERS_PATH: Final = "receive.user_identity.users_file"
_COST: Final = 1 << 14
_BLOCK: Final = 8
_PARALLEL: Final = 1
_SALT_BYTES: Final = 16
_MOST_COST: Final = 1 << 17
# For N = 2^17 and r = 8, with room.
_MEMORY_BYTES: Final = 1 << 28


class IdentityType(IntEnum):
    """What a caller shows to be known by. Source: PS3.7 Table D.3-14."""

    NAME = 1
    NAME_AND_PASSCODE = 2
    KERBEROS = 3
    SAML = 4
    JSON_WEB_TOKEN = 5


@dataclass(frozen=True, slots=True)
class HashedPasscode:
    """A salted scrypt of a passcode (RFC 7914), as costly as it says."""

    cost: int
    block: int
    parallel: int
    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)

    @classmethod
    def of(cls, passcode: bytes) -> Self:
        """Return the hash of a new passcode."""
        salt = secrets.token_bytes(_SALT_BYTES)
        return cls(
            _COST, _BLOCK, _PARALLEL, salt, _digest(passcode, salt, _COST, _BLOCK, _PARALLEL)
        )

    @classmethod
    def parsed(cls, text: str) -> Self:
        """Return the hash that `text` spells; raise `ValueError`."""
        method, *costs, salt, digest = text.split("$")
        cost, block, parallel = map(int, costs)
        if method != "scrypt" or not 2 <= cost <= _MOST_COST or cost & (cost - 1):
            raise ValueError("not a hash of the kind that is kept here")
        return cls(cost, block, parallel, _decoded(salt), _decoded(digest))

    def __str__(self) -> str:
        """Return it as it stands in the file."""
        costs = f"{self.cost}${self.block}${self.parallel}"
        return f"scrypt${costs}${_encoded(self.salt)}${_encoded(self.digest)}"

    def is_of(self, passcode: bytes) -> bool:
        """Return whether this is the hash of `passcode`; takes some 50 ms by design."""
        found = _digest(passcode, self.salt, self.cost, self.block, self.parallel)
        return hmac.compare_digest(found, self.digest)


class Users:
    """The users of a site. To look is slow by design, and one caller at a time does it."""

    def __init__(self, hashes: dict[str, HashedPasscode | None]) -> None:
        self._hashes = hashes
        self._one_at_a_time = threading.Lock()
        # To know whether a name exists must take as long as to know whether a passcode is right.
        self._nobody = HashedPasscode.of(secrets.token_bytes(_SALT_BYTES))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the users in the file at `path`.

        Raises
        ------
        ConfigurationError
            It cannot be read, is open to others, names nobody, or has a wrong line.
        """
        try:
            mode = path.stat().st_mode
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            raise ConfigurationError(USERS_PATH, "cannot be read") from None
        if mode & 0o077:
            raise ConfigurationError(USERS_PATH, "is open to others; use chmod 600")
        hashes: dict[str, HashedPasscode | None] = {}
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            name, _, text = line.strip().rpartition(":")
            passcode = None
            try:
                passcode = HashedPasscode.parsed(text) if text else None
            except ValueError:
                name = ""
            if not name or name in hashes:
                raise ConfigurationError(
                    USERS_PATH, f"line {number} is not name:hash, or names a user again"
                )
            hashes[name] = passcode
        if not hashes:
            raise ConfigurationError(USERS_PATH, "names no user")
        return cls(hashes)

    def knows(self, kind: int, name: bytes, passcode: bytes) -> bool:
        """Return whether a caller who shows this is one of the users.

        A user who has a passcode must show it. Other kinds of identity than name
        and passcode are not understood: nobody is known by them.
        """
        if kind not in {IdentityType.NAME, IdentityType.NAME_AND_PASSCODE}:
            return False
        spelt = name.decode("utf-8", errors="replace")
        known = spelt in self._hashes
        expected = self._hashes.get(spelt)
        if expected is None and (known or kind == IdentityType.NAME):
            return known
        if kind == IdentityType.NAME:
            return False
        with self._one_at_a_time:
            return (expected or self._nobody).is_of(passcode) and known


def user_line(name: str, passcode: str) -> str:
    """Return the line of the users file for a user; raise `ValueError` for an impossible name."""
    if not name or name != name.strip() or name.startswith("#") or not name.isprintable():
        raise ValueError("a user name has no space around it and does not begin with #")
    return f"{name}:{HashedPasscode.of(passcode.encode())}"


def _digest(passcode: bytes, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    return hashlib.scrypt(
        passcode, salt=salt, n=cost, r=block, p=parallel, maxmem=_MEMORY_BYTES, dklen=32
    )


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("no base64") from None
