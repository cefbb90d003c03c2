"""Sequences rewritten as the bytes that they are, without a dataset for each item.

A multi-frame object has tens of thousands of items, and most of what stands in
them stays. Here the bytes that stay are copied in one piece. Whatever is not as
plain as the standard has it raises `NotPlain`, and the items are taken apart by
the library instead: this is a way to be fast, never another way to decide.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from struct import Struct
from typing import Final

_ITEM = 0xFFFEE000
_ITEM_END = 0xFFFEE00D
_SEQUENCE_END = 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF
_LONG_VRS = frozenset(
    vr.encode() for vr in ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT",
                           "UV")
)  # fmt: skip
_SHORT_VRS = frozenset(
    vr.encode() for vr in ("AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT",
                           "PN", "SH", "SL", "SS", "ST", "TM", "UI", "UL", "US")
)  # fmt: skip


class NotPlain(Exception):
    """The bytes are to be taken apart by the library."""


class Fate(Enum):
    """What happens to an element inside an item."""

    STAYS = auto()
    STAYS_IF_FIT = auto()
    """It stays where its value is of its VR, and else is replaced."""
    GOES = auto()
    IS_LOOKED_INTO = auto()
    """A sequence that stays: its items are rewritten."""
    IS_REPLACED = auto()


@dataclass(frozen=True, slots=True)
class Rewriting:
    """How the elements of one encoding are rewritten.

    `fate_of` is asked for the fate of a tag with its VR (empty where VRs are
    implicit), and may raise `NotPlain`. `fits` tells whether a value may stay.
    `replaced` returns the new bytes of an element, or None where it goes.
    `implicit` and `little` tell how the bytes are encoded.
    """

    fate_of: Callable[[int, bytes], Fate]
    replaced: Callable[[int, bytes, bytes], bytes | None]
    implicit: bool
    little: bool
    fits: Callable[[int, bytes, bytes], bool] = lambda *_: True
    _heads: dict[bytes, tuple[int, bytes, int, int]] = field(default_factory=dict, init=False)

    def items(self, value: bytes, depth: int) -> bytes:
        """Return the bytes of a sequence with its items rewritten.

        `depth` is how many levels deeper sequences may be nested.

        Raises
        ------
        NotPlain
            The bytes are not as plain as they should be.

        Source
        ------
        PS3.5 7.5 (nesting of data sets).
        """
        new, _ = self._items(value, 0, len(value), depth, closed=False)
        return new

    def _items(
        self, value: bytes, start: int, end: int, depth: int, *, closed: bool
    ) -> tuple[bytes, int]:
        """Return the new items, and where they ended; `closed` by an end of sequence."""
        if depth < 0:
            raise NotPlain
        tags = _TAG_LENGTH_LITTLE if self.little else _TAG_LENGTH_BIG
        parts: list[bytes] = []
        at = start
        while at < end:
            if at + 8 > end:
                raise NotPlain
            group, element, length = tags.unpack_from(value, at)
            tag = group << 16 | element
            if tag == _SEQUENCE_END and closed:
                return b"".join(parts), at + 8
            if tag != _ITEM:
                raise NotPlain
            stop = end if length == _UNDEFINED else at + 8 + length
            if stop > end:
                raise NotPlain
            content, at = self._level(value, at + 8, stop, depth, closed=length == _UNDEFINED)
            parts.append(tags.pack(0xFFFE, 0xE000, len(content)))
            parts.append(content)
        if closed or at != end:
            raise NotPlain
        return b"".join(parts), at

    def _level(
        self, value: bytes, start: int, end: int, depth: int, *, closed: bool
    ) -> tuple[bytes, int]:
        """Return the content of one item, and where it ended; `closed` by an end of item."""
        parts: list[bytes] = []
        # Everything from here on that is not in `parts` yet stays as it is.
        staying = at = start
        before = -1
        while at < end:
            tag, vr, length, content = self._header(value, at, end)
            if tag == _ITEM_END and closed:
                parts.append(value[staying:at])
                return b"".join(parts), content
            if tag <= before:
                raise NotPlain
            before, fate = tag, self.fate_of(tag, vr)
            if length == _UNDEFINED and fate is not Fate.IS_LOOKED_INTO:
                raise NotPlain
            following = content + length
            if fate is Fate.STAYS or (
                fate is Fate.STAYS_IF_FIT and self.fits(tag, vr, value[content:following])
            ):
                at = following
                continue
            parts.append(value[staying:at])
            new: bytes | None = None
            if fate is Fate.IS_LOOKED_INTO:
                new, following = self._inner(value, content, end, length, depth)
            elif fate is not Fate.GOES:
                new = self.replaced(tag, vr, value[content:following])
            if new is not None:
                parts.append(self._element(tag, vr, new))
            staying = at = following
        if closed or at != end:
            raise NotPlain
        parts.append(value[staying:at])
        return b"".join(parts), at

    def _inner(
        self, value: bytes, start: int, end: int, length: int, depth: int
    ) -> tuple[bytes, int]:
        """Return the new items of a sequence inside an item, and where it ended."""
        if length == _UNDEFINED:
            return self._items(value, start, end, depth - 1, closed=True)
        return self._items(value, start, start + length, depth - 1, closed=False)

    def _header(self, value: bytes, at: int, end: int) -> tuple[int, bytes, int, int]:
        """Return tag, VR, length and where the value begins."""
        if at + 8 > end:
            raise NotPlain
        # Tag, VR and length come again in each frame: they are understood once.
        head = value[at : at + 8]
        known = self._heads.get(head)
        if known is None:
            known = self._heads[head] = self._understood(head)
        tag, vr, length, width = known
        if width == 12:
            if at + 12 > end:
                raise NotPlain
            longs = _LONG_LITTLE if self.little else _LONG_BIG
            _, _, _, _, length = longs.unpack_from(value, at)
        content = at + width
        if length != _UNDEFINED and content + length > end:
            raise NotPlain
        return tag, vr, length, content

    def _understood(self, head: bytes) -> tuple[int, bytes, int, int]:
        """Return tag, VR, length and the bytes before the value, of which `head` are 8."""
        tags = _TAG_LENGTH_LITTLE if self.little else _TAG_LENGTH_BIG
        group, element, length = tags.unpack(head)
        tag, vr = group << 16 | element, head[4:6]
        if self.implicit or tag == _ITEM_END:
            return tag, b"", length, 8
        if vr in _SHORT_VRS:
            shorts = _SHORT_LITTLE if self.little else _SHORT_BIG
            _, _, _, length = shorts.unpack(head)
            return tag, vr, length, 8
        if vr in _LONG_VRS:
            return tag, vr, 0, 12
        raise NotPlain

    def _element(self, tag: int, vr: bytes, value: bytes) -> bytes:
        group, element, length = tag >> 16, tag & 0xFFFF, len(value)
        if self.implicit:
            tags = _TAG_LENGTH_LITTLE if self.little else _TAG_LENGTH_BIG
            return tags.pack(group, element, length) + value
        if vr in _LONG_VRS:
            longs = _LONG_LITTLE if self.little else _LONG_BIG
            return longs.pack(group, element, vr, 0, length) + value
        if length > 0xFFFF:
            raise NotPlain
        shorts = _SHORT_LITTLE if self.little else _SHORT_BIG
        return shorts.pack(group, element, vr, length) + value


_TAG_LENGTH_LITTLE: Final = Struct("<HHL")
_TAG_LENGTH_BIG: Final = Struct(">HHL")
_SHORT_LITTLE: Final = Struct("<HH2sH")
_SHORT_BIG: Final = Struct(">HH2sH")
_LONG_LITTLE: Final = Struct("<HH2sHL")
_LONG_BIG: Final = Struct(">HH2sHL")
