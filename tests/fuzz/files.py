"""Damage to a Part 10 file, aimed at its structure.

The elements that say who the patient is are damaged only by what happens beside
them: a file that names nobody as its patient leaves nothing to compare with.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st

from tests.fuzz.corpus import Sound
from tests.fuzz.elements import PREAMBLE_BYTES, UNDEFINED, Element

_ANCHORS: Final = frozenset(
    {0x00100010, 0x00100020, 0x00100030, 0x0020000D, 0x0020000E, 0x00080018, 0x00020003}
)
_VRS: Final = (
    b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN "
    b"UR US UT UV ?? ab \0\0"
).split(b" ")
_TAGS: Final = (
    0x00080005, 0x00080060, 0x00100010, 0x00280002, 0x00280008, 0x00280010, 0x00280100, 0x00281052,
    0x00091001, 0x00110010, 0x00200010, 0x0040A730, 0x04000561, 0x50003000, 0x60003000, 0x7FE00008,
    0x7FE00010, 0x7FE10010, 0x88880001, 0xFFFCFFFC, 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD, 0xFFFFFFFF,
    0x00000000, 0x00020010, 0x00080000,
)  # fmt: skip
_LENGTHS: Final = (0, 1, 2, 3, 0x7FFE, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFE, 0xFFFFFFFE, UNDEFINED)
_VALUES: Final = (
    b"",
    b"\\" * 64,
    b"\0" * 32,
    b"\xff" * 33,
    b"9" * 400,
    b"-1",
    b"1E400",
    b"\x1b$B\x1b(B^\x1b$)C=Canarybird",
    b"Canarybird^Tweety=\xe9\x87\x91\xe7\xb3\xb8=",
    b"ISO 2022 IR 6\\ISO 2022 IR 87",
    b"ISO_IR 192",
    b"GB18030",
    b"NO SUCH SET\\\\ISO_IR 100",
    b"1.2.840.10008.1.2.4.50",
    b"1.2.840.10008.1.2.1.99",
    b"\x01\x00",
    b"\x00\x00\xff\xff",
    b"19510213000000.000000&ZZ99",
)
_PIXELS: Final = (
    0x00280002, 0x00280004, 0x00280006, 0x00280008, 0x00280010, 0x00280011, 0x00280100, 0x00280101,
    0x00280102, 0x00280103, 0x00020010, 0x7FE00010,
)  # fmt: skip


@dataclass(frozen=True)
class DamagedFile:
    """A file to be walked through the corridor, and in words what was done to it."""

    name: str
    kinds: tuple[str, ...]
    content: bytes


Damage = Callable[[st.DrawFn, Sound, bytearray], bytearray]


@st.composite
def damaged_files(draw: st.DrawFn, sounds: Sequence[Sound]) -> DamagedFile:
    """Draw a file and one to three kinds of damage."""
    sound = draw(st.sampled_from(sounds))
    chosen = draw(st.lists(st.sampled_from(sorted(DAMAGES)), min_size=1, max_size=3))
    content = bytearray(sound.content)
    for kind in chosen:
        content = DAMAGES[kind](draw, sound, content)
    return DamagedFile(sound.name, tuple(chosen), bytes(content))


def _place(
    draw: st.DrawFn, sound: Sound, content: bytearray, tags: Sequence[int] = ()
) -> Element | None:
    """Draw an element that still lies where the sound file has it."""
    standing = [
        one
        for one in sound.elements
        if one.tag not in _ANCHORS
        and (not tags or one.tag in tags)
        and content[one.start : one.value] == sound.content[one.start : one.value]
    ]
    return draw(st.sampled_from(standing)) if standing else None


def _tag(draw: st.DrawFn, sound: Sound, content: bytearray) -> bytearray:
    element = _place(draw, sound, content)
    if element is not None:
        tag = draw(st.sampled_from(_TAGS) | st.integers(0, UNDEFINED))
        struct.pack_into(sound.byte_order + "HH", content, element.start, tag >> 16, tag & 0xFFFF)
    return content


def _vr(draw: st.DrawFn, sound: Sound, content: bytearray) -> bytearray:
    element = _place(draw, sound, content)
    if element is not None:
        at = element.start + 4
        content[at : at + 2] = draw(st.sampled_from(_VRS))
    return content


def _length(draw: st.DrawFn, sound: Sound, content: bytearray) -> bytearray:
    element = _place(draw, sound, content)
    if element is None:
        return content
    code, most = ("L", UNDEFINED) if element.length_bytes == 4 else ("H", 0xFFFF)
    (length,) = struct.unpack_from(sound.byte_order + code, content, element.length_at)
    new = draw(
        st.sampled_from(_LENGTHS)
        | st.integers(-4, 4).map(lambda change: length + change)
        # So long that exactly one or a few of the next elements are swallowed.
        | st.sampled_from([one.end - element.value for one in _following(sound, element)] or [0])
    )
    struct.pack_into(sound.byte_order + code, content, element.length_at, min(max(new, 0), most))
    return content


def _following(sound: Sound, element: Element) -> Sequence[Element]:
    return [one for one in sound.elements if one.start >= element.end][:5]


def _value(draw: st.DrawFn, sound: Sound, content: bytearray) -> bytearray:
    element = _place(draw, sound, content)
    return content if element is None else _replaced(draw, sound, content, element)


def _picture(draw: st.DrawFn, sound: Sound, content: bytearray) -> bytearray:
    """Contradict what the pixels are."""
    element = _place(draw, sound, content, _PIXELS)
    if element is None:
        return content
    if element.tag >> 16 == 0x0028 and element.end - element.value == 2:
        number = draw(st.sampled_from((0, 1, 7, 15, 16, 17, 255, 0x7FFF, 0xFFFF)))
        struct.pack_into(sound.byte_order + "H", content, element.value, number)
        return content
    return _replaced(draw, sound, content, element)


def _replaced(draw: st.DrawFn, sound: Sound, content: bytearray, element: Element) -> bytearray:
    value = draw(st.sampled_from(_VALUES) | st.binary(max_size=40))
    value += b" " * (len(value) % 2)
    code = sound.byte_order + ("L" if element.length_bytes == 4 else "H")
    struct.pack_into(code, content, element.length_at, len(value))
    return content[: element.value] + value + content[element.end :]


def _fragment(draw: st.DrawFn, sound: Sound, content: bytearray) -> bytearray:
    """Lie about an item of a sequence, or about a fragment of the pixels."""
    items = [one for one in sound.elements if one.tag >> 16 == 0xFFFE and one.end <= len(content)]
    if not items:
        return content
    item = draw(st.sampled_from(items))
    lie = draw(st.sampled_from(("length", "gone", "twice", "empty", "noise")))
    if lie == "length":
        length = draw(st.sampled_from(_LENGTHS) | st.integers(0, 1 << 16))
        struct.pack_into(sound.byte_order + "L", content, item.length_at, length)
    elif lie == "gone":
        del content[item.start : item.end]
    elif lie == "twice":
        content[item.start : item.start] = content[item.start : item.end]
    elif lie == "empty":
        content[item.start : item.end] = struct.pack(sound.byte_order + "HHL", 0xFFFE, 0xE000, 0)
    else:
        for at in draw(
            st.lists(st.integers(item.value, max(item.value, item.end - 1)), max_size=8)
        ):
            if at < len(content):
                content[at] ^= draw(st.integers(1, 255))
    return content


def _gone(draw: st.DrawFn, sound: Sound, content: bytearray) -> bytearray:
    element = _place(draw, sound, content)
    if element is not None:
        del content[element.start : element.end]
    return content


def _twice(draw: st.DrawFn, sound: Sound, content: bytearray) -> bytearray:
    element = _place(draw, sound, content)
    if element is not None:
        content[element.end : element.end] = content[element.start : element.end]
    return content


def _elsewhere(draw: st.DrawFn, sound: Sound, content: bytearray) -> bytearray:
    """Move an element to where another one stands: out of order, or into a sequence."""
    element, other = _place(draw, sound, content), _place(draw, sound, content)
    if element is None or other is None:
        return content
    piece = bytes(content[element.start : element.end])
    content[other.start : other.start] = piece
    return content


def _nested(draw: st.DrawFn, sound: Sound, content: bytearray) -> bytearray:
    """Put sequences within sequences where an element stands, closed or left open."""
    element = _place(draw, sound, content)
    if element is None or element.depth or element.tag >> 16 <= 2:
        return content
    order, depth = sound.byte_order, draw(st.sampled_from((1, 2, 5, 40, 400)))
    vr = b"" if sound.implicit else b"SQ\0\0"
    begin = struct.pack(order + "HH", 0x0008, 0x1115) + vr + struct.pack(order + "L", UNDEFINED)
    begin += struct.pack(order + "HHL", 0xFFFE, 0xE000, UNDEFINED)
    end = struct.pack(order + "HHLHHL", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    closed = draw(st.integers(0, depth) | st.just(depth))
    inside = bytes(content[element.start : element.end])
    content[element.start : element.start] = begin * depth + inside + end * closed
    return content


def _meta(draw: st.DrawFn, sound: Sound, content: bytearray) -> bytearray:
    """Say another transfer syntax than the dataset has, or another length of the group."""
    if len(content) > PREAMBLE_BYTES + 12 and draw(st.booleans()):
        struct.pack_into("<L", content, PREAMBLE_BYTES + 8, draw(st.sampled_from(_LENGTHS)))
        return content
    element = _place(draw, sound, content, (0x00020010,))
    if element is None or element.length_bytes != 2:
        return content
    syntax = draw(
        st.sampled_from(
            ("", ".1", ".2", ".5", ".1.99", ".4.50", ".4.70", ".4.80", ".4.90", ".4.100", ".4.201")
        )
    )
    value = f"1.2.840.10008.1.2{syntax}".encode()
    value += b"\0" * (len(value) % 2)
    struct.pack_into("<H", content, element.length_at, len(value))
    return content[: element.value] + value + content[element.end :]


def _bytes(draw: st.DrawFn, sound: Sound, content: bytearray) -> bytearray:
    places = draw(st.lists(st.integers(PREAMBLE_BYTES, max(PREAMBLE_BYTES, len(content) - 1)),
                           min_size=1, max_size=12))  # fmt: skip
    for at in places:
        if at < len(content) and not _is_anchored(sound, at):
            content[at] = draw(st.sampled_from((0, 0xFF, 0x5C, 0x1B, 0x0A)) | st.integers(0, 255))
    return content


def _is_anchored(sound: Sound, at: int) -> bool:
    return any(one.start <= at < one.end for one in sound.elements if one.tag in _ANCHORS)


def _cut(draw: st.DrawFn, sound: Sound, content: bytearray) -> bytearray:
    return content[: draw(st.integers(0, len(content)))]


def _longer(draw: st.DrawFn, sound: Sound, content: bytearray) -> bytearray:
    return content + draw(st.binary(min_size=1, max_size=64) | st.just(b"\0" * 70_000))


DAMAGES: Final[dict[str, Damage]] = {
    "tag": _tag,
    "vr": _vr,
    "length": _length,
    "value": _value,
    "picture": _picture,
    "fragment": _fragment,
    "gone": _gone,
    "twice": _twice,
    "elsewhere": _elsewhere,
    "nested": _nested,
    "meta": _meta,
    "bytes": _bytes,
    "cut": _cut,
    "longer": _longer,
}
