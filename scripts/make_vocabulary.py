# ruff: noqa: INP001  # a script, not a package
"""Write the vocabulary of words that free text may keep.

Usage: ``python scripts/make_vocabulary.py [CSV]``

The file has one word a row: what kind of word it is, whether it is also somebody's
name, and where it comes from. Rows with the source ``own`` were written by hand
and stay as they are. Rows with the source ``PS3.16`` are written anew: the words
of the meanings in the context groups below, which name body parts, positions,
views, procedures and agents. A word counts only if a terminology writes it in
lower case somewhere: an eponym is somebody's name and never is.

Which words are names was looked up in lists of given and family names of many
countries (``--names``, one name a line; the lists are not part of this house).
A mark in the file stays, whatever the lists say: some were set by hand.
"""

import argparse
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pydicom.sr._cid_dict import cid_concepts
from pydicom.sr._concepts_dict import concepts

ROOT = Path(__file__).resolve().parents[1]
DEFAULT_FILE = ROOT / "deid_node/metadata/data/vocabulary.csv"
COLUMNS = ("word", "kind", "also_name", "source")

# PS3.16 context groups by what their meanings name.
GROUPS: Final = MappingProxyType(
    {
        "anatomy": (
            4, 3010, 3014, 3015, 3827, 3829, 3839, 3840, 4009, 4013, 4016, 4028, 4029, 4030, 4031,
            4040, 4042, 4209, 4211, 6108, 6110, 6111, 6112, 6113, 6114, 6115, 6116, 6117, 6149,
            6170, 6300, 7140, 7152, 7153, 7154, 7155, 7156, 7160, 7166, 7167, 7170, 7192, 7304,
            7600, 7601, 7602, 7701, 7702, 7704, 7706, 7710, 8103, 8134, 9514, 10044, 10060, 12020,
            12023, 12103, 12104, 12105, 12107, 12108, 12109, 12110, 12111, 12113, 12115, 12125,
            12140, 12141, 12236, 12280,
        ),
        "position": (
            2, 19, 20, 92, 212, 244, 245, 246, 1000, 1001, 1010, 6020, 6121, 6152, 6206, 7184, 7185,
            12116, 12117, 12118, 12130, 12131, 12237, 12281,
        ),
        "view": (26, 27, 501, 502, 4005, 4010, 4011, 4014, 4015, 6312, 7302, 7484, 12226),
        "procedure": (
            9, 29, 32, 33, 100, 101, 646, 800, 3049, 3104, 3106, 3108, 3110, 3200, 3206, 3241, 3261,
            3428, 3470, 3739, 3757, 3820, 4409, 6050, 6058, 6060, 6061, 6082, 6083, 8109, 8110,
            8111, 8130, 8131, 9511, 9522, 9524, 9577, 10005, 12001, 12002,
        ),
        "contrast": (11, 12, 13, 18, 25, 63, 3107, 3111, 3204, 3850, 4021, 4200, 10014, 12030),
        "technique": (91, 93, 94, 7260, 7262, 7263, 9263, 9264, 9265, 9266, 9273, 10013, 10033),
    }
)  # fmt: skip
_LEAST = 4  # letters; shorter ones are written by hand
# First of all names of people and colours, and no loss.
_LEFT_OUT: Final = frozenset(
    {
        "anca", "bengal", "blue", "brown", "constant", "gray", "green", "horn", "iris", "nail",
        "red", "rose", "white", "young",
    }
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")


def plain(word: str) -> str:
    """Return `word` in lower case and without accents, as the vocabulary spells it."""
    return "".join(
        c for c in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(c)
    )


def written_small() -> frozenset[str]:
    """Return every word that some meaning of a terminology writes in lower case."""
    meanings = (
        meaning
        for scheme in ("SCT", "FMA", "NEU", "RADLEX", "NCIt", "UMLS")
        for codes in concepts[scheme].values()
        for meaning, _ in codes.values()
    )
    return frozenset(
        word for meaning in meanings for word in _WORD.findall(meaning) if word.islower()
    )


def words_of_the_standard() -> Iterator[tuple[str, str]]:
    """Yield ``(word, kind)`` for the context groups, in order of their kinds."""
    small = written_small() - _LEFT_OUT
    for kind, groups in GROUPS.items():
        for group in groups:
            for scheme, names in cid_concepts[group].items():
                for name in names:
                    for meaning, _ in concepts[scheme][name].values():
                        for word in _WORD.findall(meaning.lower()):
                            if len(word) >= _LEAST and word in small:
                                yield plain(word), kind


def vocabulary(rows: Iterable[dict[str, str]], names: frozenset[str]) -> list[dict[str, str]]:
    """Return the rows of the new file, sorted by word."""
    old = {row["word"]: row for row in rows}
    result = {word: row for word, row in old.items() if row["source"] == "own"}
    for word, kind in words_of_the_standard():
        result.setdefault(word, {"word": word, "kind": kind, "also_name": "", "source": "PS3.16"})
    for word, row in result.items():
        marked = bool(old.get(word, {}).get("also_name"))
        row["also_name"] = "Y" if marked or word in names else ""
    return [result[word] for word in sorted(result)]


def main() -> None:
    """Write the file anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT_FILE)
    parser.add_argument("--names", type=Path, help="names of people, one a line")
    arguments = parser.parse_args()
    names: frozenset[str] = frozenset()
    if arguments.names is not None:
        lines = arguments.names.read_text("utf-8").splitlines()
        names = frozenset(plain(line.strip()) for line in lines)
    rows = list(csv.DictReader(arguments.file.read_text("utf-8").splitlines()))
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(vocabulary(rows, names))
    arguments.file.write_text(text.getvalue(), "utf-8")


if __name__ == "__main__":
    main()
