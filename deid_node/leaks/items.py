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
        self._kinds: dict[bytes, tuple[int, str, str, bool, int]] = {}
        self._made: dict[tuple[bytes, bytes], T] = {}
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
            if at + 8 > end:
                return False
            # Tag, VR and length come again in each frame: they are understood once.
            head = stored[at : at + 8]
            known = self._kinds.get(head) or self._understood(head)
            if known is None:
                return False
            length, keyword, vr, is_unknown, width = known
            if width == 12:
                if at + 12 > end:
                    return False
                _, _, _, _, length = self._wide.unpack_from(stored, at)
            at += width
            if at + length > end:
                return False
            value = stored[at : at + length]
            at += length
            if vr != "SQ":
                made = self._made.get((head, value))
                if made is None:
                    made = self._made[head, value] = self._make(keyword, vr, value)
                found.append(made)
                continue
            inner = None if is_unknown else self.values(value, depth + 1)
            if inner is None:
                return False
            found += inner
        return at == end

    def _understood(self, head: bytes) -> tuple[int, str, str, bool, int] | None:
        """Return length, keyword, VR, whether it was sent as UN, and the bytes before the value.

        `head` is the first 8 bytes of an element; the length of those with 12 comes after it.
        """
        group, element, length = self._tags.unpack(head)
        sent, width = b"", 8
        if not self._implicit:
            sent = head[4:6]
            if sent in _NARROW:
                _, _, _, length = self._narrow.unpack(head)
            elif sent in _WIDE:
                width = 12
            else:
                return None
        tag = group << 16 | element
        if tag == _CHARACTER_SET:
            return None
        keyword, vr = self._ask(tag, sent.decode())
        self._kinds[head] = length, keyword, vr, sent == b"UN", width
        return self._kinds[head]
