"""A patient who never lived, and the search for what is left of her.

Her name, id and birth date are drawn into pixels and written into headers by the
demo. Afterwards every byte that left the node is searched for them. What the
search cannot see is a picture: compressed pixels hold no letters, so the
pictures are written for a person to look at.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

_ENCODINGS: Final = ("utf-8", "latin-1", "utf-16-le", "utf-16-be")


@dataclass(frozen=True, slots=True)
class Canary:
    """A fictional patient; `birth_date` is written as a DA value."""

    family_name: str
    given_name: str
    patient_id: str
    birth_date: str

    @property
    def person_name(self) -> str:
        """The name as a PN value."""
        return f"{self.family_name}^{self.given_name}"

    @property
    def printed_birth_date(self) -> str:
        """The birth date as a screen shows it."""
        return f"{self.birth_date[6:]}.{self.birth_date[4:6]}.{self.birth_date[:4]}"

    @property
    def lines(self) -> tuple[str, ...]:
        """What a scanner would burn into a corner of her images."""
        return (
            f"{self.family_name}, {self.given_name}",
            f"ID {self.patient_id}",
            f"*{self.printed_birth_date}",
        )

    @property
    def needles(self) -> tuple[str, ...]:
        """Every spelling that must not be found afterwards."""
        year, month, day = self.birth_date[:4], self.birth_date[4:6], self.birth_date[6:]
        return (
            self.family_name,
            self.given_name,
            self.patient_id,
            self.birth_date,
            self.printed_birth_date,
            f"{year}-{month}-{day}",
        )


CANARY: Final = Canary("Canaryson", "Fictitia", "DEMO-FICTION-0042", "19310213")


def traces_in(content: bytes, canary: Canary = CANARY) -> tuple[str, ...]:
    """Return what of the canary stands in `content`, in any of four encodings and either case."""
    folded = content.lower()
    return tuple(
        needle
        for needle in canary.needles
        if any(needle.lower().encode(encoding) in folded for encoding in _ENCODINGS)
    )


def traces_below(folder: Path, canary: Canary = CANARY) -> Mapping[Path, tuple[str, ...]]:
    """Return the files below `folder` (or the file `folder`) in which the canary is found.

    Names of files count as content.
    """
    return MappingProxyType(
        {
            path: found
            for path in _files(folder)
            if (found := traces_in(str(path).encode() + b"\n" + path.read_bytes(), canary))
        }
    )


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder
    else:
        yield from sorted(path for path in folder.rglob("*") if path.is_file())
