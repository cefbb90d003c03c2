"""A passcode as it is kept: a salted hash, never itself.

Each line of a file of users spells it as ``scrypt$N$r$p$salt$hash`` (base64).
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Final, Self

_COST: Final = 1 << 14
_BLOCK: Final = 8
_PARALLEL: Final = 1
_SALT_BYTES: Final = 16
_DIGEST_BYTES: Final = 32
_MOST_COST: Final = 1 << 17
# For N = 2^17 and r = 8, with room.
_MEMORY_BYTES: Final = 1 << 28


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
    def of_nobody(cls) -> Self:
        """Return the hash of what nobody knows: to ask it takes as long as to ask another.

        It is drawn, and not the hash of anything: to make it takes no time.
        """
        salt, digest = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_DIGEST_BYTES)
        return cls(_COST, _BLOCK, _PARALLEL, salt, digest)

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


def require_name(name: str) -> None:
    """Raise `ValueError` for what cannot name a user in a file of users."""
    if not name or name != name.strip() or name.startswith("#") or not name.isprintable():
        raise ValueError("a user name has no space around it and does not begin with #")


def _digest(passcode: bytes, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    return hashlib.scrypt(
        passcode, salt=salt, n=cost, r=block, p=parallel, maxmem=_MEMORY_BYTES, dklen=_DIGEST_BYTES
    )


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("no base64") from None
