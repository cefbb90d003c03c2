"""The values inside a sequence that is still bytes: the second look's own reader.

It reads what is as plain as the standard has it, and says so where it is not;
then the library takes the items apart. Items that come again, byte for byte,
are read once.
"""

from collections.abc import Callable
from struct import Struct
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_ITEM = 0xFFFEE000
_UNDEFINED = 0xFFFFFFFF
_CHARACTER_SET = 0x00080005
_DEEPEST = 64
_WIDE = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_NARROW = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())

_PLAIN: Final = (Struct("<HHL"), Struct("<HH2sH"), Struct("<HH2sHL"))
_SWAPPED: Final = (Struct(">HHL"), Struct(">HH2sH"), Struct(">HH2sHL"))


class ItemReader(Generic[T]):
    """Reads the items of one instance, in one encoding and one character set.

    Parameters
    ----------
    kind
        Returns the keyword and the VR of a tag that was sent with a VR (empty:
        with none).
    make
        Makes what is returned of keyword, VR and bytes.
    implicit, little
        How the bytes are encoded.
    """

    def __init__(
        self,
        kind: Callable[[int, str], tuple[str, str]],
        make: Callable[[str, str, bytes], T],
        *,
        implicit: bool,
        little: bool,
    ) -> None:
        self._ask = kind
        self._make = make
        self._implicit = implicit
        self._tags, self._narrow, self._wide = _PLAIN if little else _SWAPPED
        self._known: dict[tuple[int, bytes], tuple[str, str]] = {}
        self._read: dict[bytes, list[T] | None] = {}

    def values(self, stored: bytes, depth: int = 0) -> list[T] | None:
        """Return every value in a sequence, made by `make`; None where it is not plain.

        Source
        ------
        PS3.5 7.1, 7.5.
        """
        if stored not in self._read:
            self._read[stored] = self._items(stored, depth)
        return self._read[stored]

    def _items(self, stored: bytes, depth: int) -> list[T] | None:
        found: list[T] = []
        at, end = 0, len(stored)
        while at < end:
            if at + 8 > end or depth > _DEEPEST:
                return None
            group, element, length = self._tags.unpack_from(stored, at)
            at += 8
            if group << 16 | element != _ITEM or length == _UNDEFINED or at + length > end:
                return None
            if not self._level(stored, at, at + length, found, depth):
                return None
            at += length
        return found

    def _level(self, stored: bytes, at: int, end: int, found: list[T], depth: int) -> bool:
        """Add the values of one item to `found`; False where it is not plain."""
        while at < end:
            header = self._header(stored, at, end)
            if header is None:
                return False
            tag, sent, length, at = header
            if at + length > end or tag == _CHARACTER_SET:
                return False
            known = self._known.get((tag, sent))
            if known is None:
                known = self._known[tag, sent] = self._ask(tag, sent.decode())
            keyword, vr = known
            value = stored[at : at + length]
            at += length
            if vr != "SQ":
                found.append(self._make(keyword, vr, value))
                continue
            inner = self.values(value, depth + 1) if sent != b"UN" else None
            if inner is None:
                return False
            found += inner
        return at == end

    def _header(self, stored: bytes, at: int, end: int) -> tuple[int, bytes, int, int] | None:
        """Return tag, VR as sent, length and where the value begins."""
        if at + 8 > end:
            return None
        if self._implicit:
            group, element, length = self._tags.unpack_from(stored, at)
            return group << 16 | element, b"", length, at + 8
        sent = stored[at + 4 : at + 6]
        if sent in _NARROW:
            group, element, _, length = self._narrow.unpack_from(stored, at)
            return group << 16 | element, sent, length, at + 8
        if sent in _WIDE and at + 12 <= end:
            group, element, _, _, length = self._wide.unpack_from(stored, at)
            return group << 16 | element, sent, length, at + 12
        return None
