"""What independent engines still read on the cleaned image, counted.

An engine that reads little of the original cannot say much of the result: the
counts before cleaning stand beside those after.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from deid_node.leaks.identifiers import IdentifierReader, Identifiers
from deid_node.pixeldata.arrays import DisplayFrame
from deid_node_lab.evaluation.cases import Case
from deid_node_lab.evaluation.words import identifiers_readable, readable, seen, words_of
from deid_node_lab.peers.base import Peer

COUNTS: Final = (
    "images", "words", "readable_before", "readable_after", "seen_before", "seen_after",
    "identifiers_before", "identifiers_after",
)  # fmt: skip


class Residue:
    """Reads each case once as it came and once as each arm left it."""

    def __init__(self, readers: Sequence[Peer]) -> None:
        self._readers = tuple(readers)
        self._header = IdentifierReader()
        self._counts: dict[str, dict[str, Counter[str]]] = {}

    def count(self, case: Case, cleaned: Mapping[str, DisplayFrame]) -> None:
        """Read the picture of `case` and what each arm, by name, made of it."""
        asked = words_of(item.text for item in case.items if not item.optional)
        identifiers = self._header.read(case.dataset)
        for reader in self._readers:
            before = _counted(reader, case.picture, asked, identifiers)
            for arm, picture in cleaned.items():
                after = _counted(reader, picture, asked, identifiers)
                total = self._counts.setdefault(arm, {}).setdefault(reader.name, Counter())
                total.update({"images": 1, "words": len(asked)})
                total.update({f"{kind}_before": n for kind, n in before.items()})
                total.update({f"{kind}_after": n for kind, n in after.items()})

    def told(self, arm: str) -> list[dict[str, object]]:
        """Return the counts of an arm, an engine at a time."""
        return [
            {"engine": engine, **{kind: counts[kind] for kind in COUNTS}}
            for engine, counts in self._counts.get(arm, {}).items()
        ]


def _counted(
    reader: Peer, picture: DisplayFrame, asked: Sequence[str], identifiers: Identifiers
) -> dict[str, int]:
    texts = reader.texts(picture)
    return {
        "readable": readable(asked, texts),
        "seen": seen(texts),
        "identifiers": identifiers_readable(identifiers, texts),
    }
