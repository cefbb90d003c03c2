"""Who may associate, by user name and passcode; only hashes are kept.

Each line of the users file is ``name:scrypt$N$r$p$salt$hash`` (base64), or
``name:`` for a user who needs no passcode. A name or passcode that was shown is
never logged and never counted by.
"""

import threading
from enum import IntEnum
from pathlib import Path
from typing import Final, Self

from deid_node.errors import ConfigurationError
from deid_node.values.passcode import HashedPasscode, require_name

USERS_PATH: Final = "receive.user_identity.users_file"


class IdentityType(IntEnum):
    """What a caller shows to be known by. Source: PS3.7 Table D.3-14."""

    NAME = 1
    NAME_AND_PASSCODE = 2
    KERBEROS = 3
    SAML = 4
    JSON_WEB_TOKEN = 5


class Users:
    """The users of a site. To look is slow by design, and one caller at a time does it."""

    def __init__(self, hashes: dict[str, HashedPasscode | None]) -> None:
        self._hashes = hashes
        self._one_at_a_time = threading.Lock()
        # To know whether a name exists must take as long as to know whether a passcode is right.
        self._nobody = HashedPasscode.of_nobody()

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
    require_name(name)
    return f"{name}:{HashedPasscode.of(passcode.encode())}"
