"""Under which terms a back-file is cleaned: what must be the same when it is gone on with.

Half a study under one key and half under another would be two patients.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Terms:
    """What outcomes depend on: each by the name that a person knows it by.

    `facts` are texts that tell a change, such as a fingerprint; a key itself is none.
    """

    facts: Mapping[str, str]

    def written(self) -> str:
        """Return them as the work list keeps them."""
        return json.dumps(dict(self.facts), sort_keys=True)

    @classmethod
    def read(cls, text: str) -> "Terms":
        """Return what `written` has written."""
        return cls(json.loads(text))

    def changed_from(self, before: "Terms") -> tuple[str, ...]:
        """Return the names of what differs from `before`, in order."""
        names = {*self.facts, *before.facts}
        return tuple(
            sorted(name for name in names if self.facts.get(name) != before.facts.get(name))
        )
