"""Which pseudonym key the instances of a spool were cleaned under.

Under another key the next study of a patient gets other pseudonyms and other UIDs, and
nobody can link it to the last one. So the journal remembers the key by a fingerprint,
and a start under another key is refused until a person says that it is meant.
"""

from typing import Final

from deid_node.errors import ConfigurationError
from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody

_NAME: Final = "pseudonym_key_fingerprint"


class KeyMark:
    """Remembers one fingerprint; it says nothing of the key but whether it is the same.

    A `project` with a key of its own has a mark of its own.
    """

    def __init__(
        self, custody: Custody, fingerprint: str, *, setting: str, project: str = ""
    ) -> None:
        self._custody = custody
        self._name = f"{_NAME}:{project}" if project else _NAME
        self._fingerprint = fingerprint
        self._setting = setting

    def require(self) -> None:
        """Return if the spool knows no key, or this one.

        Raises `ConfigurationError` for another, and `CustodyError`.
        """
        found = self._custody.read("SELECT value FROM facts WHERE name = ?", (self._name,))
        if found and found[0]["value"] != self._fingerprint:
            raise ConfigurationError(
                self._setting,
                f"the spool was used with the key {found[0]['value']}, and this one is"
                f" {self._fingerprint}: put the old key back, or let serve --new-key take this"
                " one, and patients get other pseudonyms from now on",
            )

    def write(self) -> None:
        """Remember this key from now on; on disk when it returns. Raises `CustodyError`."""

        def write(transaction: Transaction) -> None:
            transaction.connection.execute(
                "INSERT INTO facts (name, value) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (self._name, self._fingerprint),
            )

        if self._custody.read(
            "SELECT 1 FROM facts WHERE name = ? AND value = ?", (self._name, self._fingerprint)
        ):
            return
        self._custody.write(write)
