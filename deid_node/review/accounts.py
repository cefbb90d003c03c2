"""Who may sign in at the desk, and what they may do there.

Each line of the users file is ``name:role:scrypt$N$r$p$salt$hash``. There is nobody
without a passcode, and no way in beside the file.
"""

import threading
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

from deid_node.errors import ConfigurationError
from deid_node.values.passcode import HashedPasscode, require_name

USERS_PATH: Final = "review.users_file"


class Role(StrEnum):
    """Each may do what the one before it may."""

    VIEWER = "viewer"
    """Sees the work-list and the pictures."""

    REVIEWER = "reviewer"
    """Decides."""

    ADMIN = "admin"
    """Is shown what stands in attributes, if they ask."""

    def includes(self, other: "Role") -> bool:
        """Return whether who has this role may do what `other` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


class Accounts:
    """The users of the desk. To look is slow by design, and one at a time does it."""

    def __init__(self, entries: dict[str, tuple[Role, HashedPasscode]]) -> None:
        self._entries = entries
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
        entries: dict[str, tuple[Role, HashedPasscode]] = {}
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            try:
                name, role, text = line.strip().rsplit(":", 2)
                require_name(name)
                known = Role(role), HashedPasscode.parsed(text)
            except ValueError:
                name, known = "", None
            if known is None or name in entries:
                raise ConfigurationError(
                    USERS_PATH, f"line {number} is not name:role:hash, or names a user again"
                )
            entries[name] = known
        if not entries:
            raise ConfigurationError(USERS_PATH, "names no user")
        return cls(entries)

    def role_of(self, name: str, passcode: str) -> Role | None:
        """Return the role of who shows this name and passcode; None where they are not known."""
        role, expected = self._entries.get(name, (None, self._nobody))
        with self._one_at_a_time:
            return role if expected.is_of(passcode.encode()) else None


def account_line(name: str, role: Role, passcode: str) -> str:
    """Return the line of the users file for a user; raise `ValueError` for an impossible name."""
    require_name(name)
    return f"{name}:{role}:{HashedPasscode.of(passcode.encode())}"
