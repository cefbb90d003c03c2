"""The order of the tags in a file, looked at in its bytes.

A tag may stand once in a data set, and tags ascend. Where one stands twice, one
reader takes the first and another the last, and the library that reads here
says nothing of it: a name could stay behind the one that was removed, or an
instance arrive under a UID that nobody looked at. So the bytes are walked
once by code that shares nothing with the reader, and both must have seen as
many elements. Values are stepped over, not read.

Source: PS3.5 7.1 (elements and their order), 7.5 (sequences), 6.2.2 (UN), A.4.
"""

import struct
from dataclasses import dataclass
from typing import Final

from pydicom.datadict import keyword_for_tag

from deid_node.dicom.bulk import Content, pieces
from deid_node.dicom.elements import (
    HEADER_BYTES,
    ITEM,
    ITEM_END,
    SEQUENCE_END,
    UNDEFINED,
    Coding,
    Element,
    Header,
    Headers,
    coding_of,
    is_known,
    is_vr,
    item_of,
    tag_bytes,
)
from deid_node.errors import MalformedDataset, NotDicom, RepeatedTag

DEEPEST: Final = 64
"""How deep sequences may be nested; planning and reports of the standard stay below twenty."""

_PREFIX_AT: Final = 128
_PREFIX: Final = b"DICM"
_META_GROUP, _COMMAND_GROUP = 0x0002, 0x0000
_TRANSFER_SYNTAX_UID: Final = 0x00020010


@dataclass(frozen=True, slots=True)
class Walk:
    """What was seen of a file whose tags ascend.

    `end` is where the data set ends: only zeros follow. `elements` counts those of the
    data set at every depth.
    """

    end: int
    elements: int


def walk(content: Content) -> Walk:
    """Look at every element of the Part 10 file in `content`, at every depth.

    Raises
    ------
    RepeatedTag
        Tags do not ascend strictly, in the file meta information, the data set or an item.
    MalformedDataset
        The elements do not follow each other up to the end.
    NotDicom
        No Part 10 file.
    """
    walker = Walker(content)
    place, meta = _walked_meta(walker, content)
    syntax = meta.get(_TRANSFER_SYNTAX_UID)
    if syntax is None:
        coding = walker.guessed(place)
    else:
        uid = bytes(content[syntax.start : syntax.stop])
        coding = coding_of(uid.decode("ascii", "replace").strip("\x00 "))
    walker.elements = 0
    place, _ = walker.group(place, _COMMAND_GROUP, Coding(implicit=True))
    end = walker.level(place, len(content), coding, depth=0)
    return Walk(end, walker.elements)


def walk_meta(content: Content) -> None:
    """Look at the file meta information alone, for what follows is deflated; raises as `walk`."""
    _walked_meta(Walker(content), content)


def _walked_meta(walker: "Walker", content: Content) -> tuple[int, dict[int, Element]]:
    behind = _PREFIX_AT + len(_PREFIX)
    if content[_PREFIX_AT:behind] != _PREFIX:
        raise NotDicom
    return walker.group(behind, _META_GROUP, Coding(implicit=False))


class Walker:
    """Walks elements in `content`; counts those that it has seen.

    A `tolerant` one keeps the first `doubt` instead of raising it. Levels and sequences
    are told where they have to end, and return where they do: the same place, unless a
    delimiter ends them.
    """

    def __init__(self, content: Content, *, tolerant: bool = False) -> None:
        self._content = content
        self._size = len(content)
        self._headers = Headers(content)
        self.elements = 0
        self.doubt: RepeatedTag | None = None
        self._tolerant = tolerant

    def group(self, place: int, group: int, coding: Coding) -> tuple[int, dict[int, Element]]:
        """Walk the elements of `group` from `place` on; return where they end, and them."""
        coding = self._coding_at(place, self._size, coding, depth=0)
        found: dict[int, Element] = {}
        before = -1
        while True:
            head = self._headers.bytes_at(place)
            if self._is_end(place, head, coding) or head[:2] != _number(group, coding):
                return place, found
            element = self.element(place, self._size, coding, depth=0)
            before = self._in_order(before, element.tag)
            found[element.tag] = element
            place = element.stop

    def guessed(self, place: int) -> Coding:
        """Return how the data set at `place` is encoded where nobody says so."""
        head = self._headers.bytes_at(place)
        if not is_vr(head[4:6]):
            return Coding(implicit=True)
        # No group of the beginning is that high, unless its bytes are swapped.
        return Coding(implicit=False, order=">" if head[1] >= 4 else "<")

    def coding_in_fact(self, coding: Coding) -> Coding:
        """Return how a data set without a file around it is encoded that should be in `coding`."""
        return self._coding_at(0, self._size, coding, depth=0)

    def element(self, place: int, stop: int, coding: Coding, *, depth: int) -> Element:
        """Return the element at `place`; its value is walked where it is a sequence.

        What is wrong inside of it is told with the name of the outermost element.
        """
        header = self._headers.at(place, stop, coding)
        if depth:
            return self._walked(header, stop, coding, depth)
        try:
            return self._walked(header, stop, coding, depth)
        except MalformedDataset as error:
            raise MalformedDataset(f"{_name(header.tag)}: {error}") from None

    def _walked(self, header: Header, stop: int, coding: Coding, depth: int) -> Element:
        if header.length == UNDEFINED:
            end = self._undefined(header, stop, coding, depth)
            return Element(header.tag, header.start, end)
        end = header.start + header.length
        if end > stop:
            raise MalformedDataset("the file breaks off inside a value")
        if header.is_sequence:
            self._sequence(header.start, end, coding, depth=depth)
        elif header.is_untold:
            self._look_into(header.start, end, coding, depth)
        return Element(header.tag, header.start, end)

    def level(
        self, place: int, stop: int, coding: Coding, *, depth: int, is_delimited: bool = False
    ) -> int:
        """Walk the data set of the file or of an item, from `place` on; return where it ends."""
        if depth > DEEPEST:
            raise MalformedDataset("the dataset is nested beyond any use")
        coding = self._coding_at(place, stop, coding, depth=depth)
        before = -1
        while place < stop or is_delimited:
            head = self._headers.bytes_at(place)
            if depth == 0 and self._is_end(place, head, coding):
                return place
            if is_delimited and head[:4] == tag_bytes(ITEM_END, coding):
                return _within(place + HEADER_BYTES, stop)
            if depth == 0 and head[:4] in {tag_bytes(tag, coding) for tag in (ITEM, SEQUENCE_END)}:
                place = self._behind_stray(place, head, coding)
                continue
            element = self.element(place, stop, coding, depth=depth)
            before = self._in_order(before, element.tag)
            place = element.stop
        if place != stop:
            raise MalformedDataset("an element is longer than its item")
        return place

    def _sequence(
        self, place: int, stop: int, coding: Coding, *, depth: int, is_delimited: bool = False
    ) -> int:
        while place < stop or is_delimited:
            head = self._headers.bytes_at(place)
            if len(head) < HEADER_BYTES or place + HEADER_BYTES > stop:
                raise MalformedDataset("the file breaks off inside a sequence")
            tag, length = item_of(head, coding)
            place += HEADER_BYTES
            if tag == SEQUENCE_END and is_delimited:
                return place
            if tag != ITEM:
                raise MalformedDataset("the items of a sequence do not follow each other")
            delimited = length == UNDEFINED
            end = stop if delimited else _within(place + length, stop)
            place = self.level(place, end, coding, depth=depth + 1, is_delimited=delimited)
        return place

    def _undefined(self, header: Header, stop: int, coding: Coding, depth: int) -> int:
        """Return where a value of undefined length ends, its delimiter included."""
        is_sequence = header.vr in {"SQ", "UN"} or header.is_sequence
        if header.is_untold:
            # Where an item begins, a reader takes what it does not know for a sequence.
            first = self._headers.bytes_at(header.start, 4)
            is_sequence = is_sequence or first == tag_bytes(ITEM, coding)
        if is_sequence:
            return self._sequence(header.start, stop, coding, depth=depth, is_delimited=True)
        return self._behind_fragments(header.start, stop, coding)

    def _behind_fragments(self, start: int, stop: int, coding: Coding) -> int:
        place = start
        while place + HEADER_BYTES <= stop:
            tag, length = item_of(self._headers.bytes_at(place), coding)
            place += HEADER_BYTES
            if tag == SEQUENCE_END:
                return place
            if tag != ITEM or length > stop - place:
                break
            place += length
        return self._behind_delimiter(start, stop, coding)

    def _behind_delimiter(self, start: int, stop: int, coding: Coding) -> int:
        """Return where a value ends that is not of items: behind the first delimiter."""
        wanted = tag_bytes(SEQUENCE_END, coding)
        place, rest = start, b""
        for piece in pieces(self._content, start):
            looked = rest + bytes(piece)
            found = looked.find(wanted)
            if found >= 0:
                return _within(place - len(rest) + found + HEADER_BYTES, stop)
            place += len(piece)
            rest = looked[-len(wanted) + 1 :]
        raise MalformedDataset("the file breaks off")

    def _look_into(self, start: int, stop: int, coding: Coding, depth: int) -> None:
        """Walk a value whose VR nobody told as a sequence, if it is one from end to end.

        A reader that knows the private attribute reads it so.
        """
        first = self._headers.bytes_at(start, 4)
        codings = [Coding(coding.implicit, order) for order in "<>"]
        fitting = [one for one in codings if first == tag_bytes(ITEM, one)]
        if start == stop or not fitting:
            return
        guess = Walker(self._content, tolerant=True)
        try:
            guess._sequence(start, stop, fitting[0], depth=depth)
        except MalformedDataset:
            return
        if guess.doubt is not None:
            self._doubt_of(guess.doubt)

    def _in_order(self, before: int, tag: int) -> int:
        """Count an element, and return its tag: the next one is higher."""
        self.elements += 1
        if tag <= before:
            self._doubt_of(RepeatedTag(_name(tag)))
        return tag

    def _doubt_of(self, error: RepeatedTag) -> None:
        if not self._tolerant:
            raise error
        self.doubt = self.doubt or error

    def _coding_at(self, place: int, stop: int, coding: Coding, *, depth: int) -> Coding:
        """Return how the elements from `place` on are encoded in fact, told by the first VR.

        Items of an explicit data set may be implicit (PS3.5 6.2.2), not the other way round;
        the data set of a file may contradict its transfer syntax either way.
        """
        if (depth and coding.implicit) or place + HEADER_BYTES > stop:
            return coding
        return Coding(not is_vr(self._headers.bytes_at(place)[4:6]), coding.order)

    def _behind_stray(self, place: int, head: bytes, coding: Coding) -> int:
        """Step over an item or a delimiter that belongs to no sequence: it is no element."""
        if len(head) < HEADER_BYTES:
            raise MalformedDataset("the file breaks off")
        _, length = item_of(head, coding)
        end = place + HEADER_BYTES + length
        if end > self._size:
            raise MalformedDataset("the file breaks off inside an item")
        return end

    def _is_end(self, place: int, head: bytes, coding: Coding) -> bool:
        """Return whether only zeros follow: some writers fill up a file or a block.

        Tags of big-endian files begin with a zero, so one alone may be what is left of one.
        """
        if len(head) == 1 and coding.order == ">":
            return False
        return not any(head) and not any(map(any, pieces(self._content, place)))


def _within(place: int, stop: int) -> int:
    if place > stop:
        raise MalformedDataset("an item is longer than its sequence")
    return place


def _number(group: int, coding: Coding) -> bytes:
    return struct.pack(f"{coding.order}H", group)


def _name(tag: int) -> str:
    return (is_known(tag) and keyword_for_tag(tag)) or f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
