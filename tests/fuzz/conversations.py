"""What a caller may say to the port: sound PDUs and messages, and lies of every kind in them.

Most conversations begin with an association that is accepted, because behind
the negotiation is where most of the code is.
"""

import json
import struct
from dataclasses import dataclass
from functools import cache
from typing import Final

from hypothesis import strategies as st
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.dsutils import encode

from tests.fuzz.elements import UNDEFINED
from tests.unit.metadata.canary import UID_ROOT
from tests.wire.canary_study import AE_TITLE, report
from tests.wire.scripted_caller import APPLICATION_CONTEXT, CT

REPORT: Final = "1.2.840.10008.5.1.4.1.1.88.11"
VERIFICATION: Final = "1.2.840.10008.1.1"
COMMITMENT: Final = "1.2.840.10008.1.20.1"
_STORE, _ECHO, _ACTION = 1, 3, 5
_SOUND_CONTEXTS: Final = ((_STORE, REPORT), (_ECHO, VERIFICATION), (_ACTION, COMMITMENT))
_TEMPLATE_UID: Final = f"{UID_ROOT}.3.10000000"
_NUMBERS: Final = st.integers(10_000_000, 99_999_999)
_LENGTHS: Final = (0, 1, 2, 3, 5, 68, 0xFFFF, 1 << 20, 1 << 30, UNDEFINED)


@dataclass(frozen=True)
class Utterance:
    """Bytes that are sent in one go; then the caller waits for an answer, or goes on at once."""

    kind: str
    content: bytes
    waits: bool


@dataclass(frozen=True)
class Conversation:
    """Everything that one caller says, and how it leaves: close, half, reset, or stay."""

    said: tuple[Utterance, ...]
    leaves: str

    @property
    def kinds(self) -> tuple[str, ...]:
        """What it is made of."""
        return (*(one.kind for one in self.said), f"leaves by {self.leaves}")

    def to_json(self) -> bytes:
        """Return it as it is kept."""
        said = [[one.kind, one.content.hex(), one.waits] for one in self.said]
        return json.dumps({"said": said, "leaves": self.leaves}).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "Conversation":
        """Return what `to_json` kept."""
        kept = json.loads(content)
        said = tuple(Utterance(kind, bytes.fromhex(part), w) for kind, part, w in kept["said"])
        return cls(said, kept["leaves"])


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """Draw a conversation."""
    said = [draw(st.one_of(_sound_request(), _sound_request(), _sound_request(), _odd_request()))]
    # What is stored before the nonsense must still be there after it.
    said += draw(st.lists(_POLITE, max_size=3))
    said += draw(st.lists(_UTTERANCES, max_size=4))
    if draw(st.integers(0, 7)) == 7:
        at = draw(st.integers(0, len(said) - 1))
        said[at] = draw(_bent(said[at]))
    return Conversation(tuple(said), draw(st.sampled_from(("close", "half", "reset", "stay"))))


# Upper layer PDUs. Source: PS3.8 section 9.3.


def pdu(kind: int, body: bytes, length: int | None = None) -> bytes:
    """Return a PDU; `length` is what it claims to be long."""
    return struct.pack(">BxL", kind, len(body) if length is None else length) + body


def item(kind: int, content: bytes, length: int | None = None) -> bytes:
    """Return an item of an A-ASSOCIATE-RQ; `length` is what it claims to be long."""
    return (
        struct.pack(">BxH", kind, (len(content) if length is None else length) & 0xFFFF) + content
    )


def request(
    items: bytes, *, called: bytes = b"DEIDNODE", calling: bytes = b"", v: int = 1
) -> bytes:
    """Return an A-ASSOCIATE-RQ."""
    names = called.ljust(16)[:16] + (calling or AE_TITLE.encode()).ljust(16)[:16]
    return pdu(1, struct.pack(">H2x", v) + names + bytes(32) + items)


def context(number: int, abstract: str, *syntaxes: str) -> bytes:
    """Return a proposed presentation context."""
    inside = struct.pack(">B3x", number) + item(0x30, abstract.encode())
    return item(0x20, inside + b"".join(item(0x40, one.encode()) for one in syntaxes))


def user_information(*more: bytes) -> bytes:
    """Return the user information, `more` being further sub-items."""
    longest = item(0x51, struct.pack(">L", 16384))
    return item(0x50, longest + item(0x52, b"2.25.1") + b"".join(more))


def sound_request(*, called: str = "DEIDNODE") -> bytes:
    """Return a request that is accepted."""
    contexts = b"".join(
        context(number, uid, ExplicitVRLittleEndian, ImplicitVRLittleEndian)
        for number, uid in _SOUND_CONTEXTS
    )
    items = item(0x10, APPLICATION_CONTEXT.encode()) + contexts + user_information()
    return request(items, called=called.encode())


def _sound_request() -> st.SearchStrategy[Utterance]:
    return st.just(Utterance("associate", sound_request(), waits=True))


_UIDS: Final = st.sampled_from(
    ("", "1", CT, REPORT, VERIFICATION, COMMITMENT, "1.2.840.10008.1.2", "1.2." + "9" * 80,
     "not a uid", "1..2", "\u00e9", "1.2.3\0\0\0", "1.2.840.10008.5.1.4.31")
)  # fmt: skip
_ITEM_LENGTHS: Final = st.none() | st.sampled_from((0, 1, 3, 0xFFFF))
_SUB_ITEMS: Final = st.one_of(
    st.builds(item, st.just(0x51), st.sampled_from((b"", b"\0" * 4, b"\xff" * 4, b"\0\0\0\7"))),
    st.builds(item, st.just(0x52), _UIDS.map(str.encode)),
    st.builds(item, st.just(0x53), st.binary(max_size=6)),
    st.builds(item, st.just(0x54), st.binary(max_size=80), _ITEM_LENGTHS),
    st.builds(item, st.just(0x55), st.binary(max_size=40), _ITEM_LENGTHS),
    st.builds(item, st.just(0x56), st.binary(max_size=80), _ITEM_LENGTHS),
    st.builds(item, st.just(0x57), st.binary(max_size=80), _ITEM_LENGTHS),
    st.builds(
        lambda kind, name, code: item(
            0x58,
            struct.pack(">BBH", kind, 1, len(name)) + name + struct.pack(">H", len(code)) + code,
        ),
        st.integers(0, 255),
        st.binary(max_size=60),
        st.binary(max_size=60),
    ),
    st.builds(item, st.integers(0, 255), st.binary(max_size=300), _ITEM_LENGTHS),
)
_CONTEXTS: Final = st.builds(
    lambda number, abstract, syntaxes: context(number, abstract, *syntaxes),
    st.integers(0, 255),
    _UIDS,
    st.lists(_UIDS, max_size=4),
)
_ITEMS: Final = st.one_of(
    st.just(item(0x10, APPLICATION_CONTEXT.encode())),
    st.builds(item, st.just(0x10), _UIDS.map(str.encode), _ITEM_LENGTHS),
    _CONTEXTS,
    _CONTEXTS.map(lambda one: one * 130),
    st.lists(_SUB_ITEMS, max_size=5).map(lambda more: user_information(*more)),
    st.builds(item, st.just(0x50), st.lists(_SUB_ITEMS, max_size=3).map(b"".join), _ITEM_LENGTHS),
    st.builds(item, st.integers(0, 255), st.binary(max_size=60), _ITEM_LENGTHS),
)


@st.composite
def _odd_request(draw: st.DrawFn) -> Utterance:
    items = draw(st.lists(_ITEMS, max_size=6))
    if draw(st.booleans()):
        # Something to accept, so that the odd items are met by more of the negotiation.
        proposed = context(_STORE, REPORT, ExplicitVRLittleEndian)
        items = [item(0x10, APPLICATION_CONTEXT.encode()), proposed, user_information(), *items]
    content = request(
        b"".join(items),
        called=draw(st.sampled_from((b"DEIDNODE", b"DEIDNODE", b"", b"\xff" * 16, b"deidnode"))),
        calling=draw(st.sampled_from((b"", b"\0" * 16, b"\xe9" * 16, b"A\\B"))),
        v=draw(st.sampled_from((1, 1, 0, 3, 0xFFFF))),
    )
    return Utterance("odd associate", content, waits=True)


# Messages. Source: PS3.7 sections 6.3, 9.3, E.1.

_FIELDS: Final = (0x0001, 0x8001, 0x0010, 0x0020, 0x0021, 0x0030, 0x8030, 0x0100, 0x8100, 0x0110,
                  0x0120, 0x0130, 0x0140, 0x0150, 0x0FFF, 0x0000, 0xFFFF)  # fmt: skip


_FOREIGN_NUMBERS: Final = (0, 0x0005, 0x0600, 0x0900, 0x0902, 0x1001, 0x1030, 0x5010, 0xFFFF)


def fragment(number: int, control: int, content: bytes, length: int | None = None) -> bytes:
    """Return a presentation data value; `length` is what it claims to be long."""
    claimed = len(content) + 2 if length is None else length
    return struct.pack(">LBB", claimed & UNDEFINED, number & 0xFF, control & 0xFF) + content


def element(number: int, value: bytes, *, group: int = 0, length: int | None = None) -> bytes:
    """Return an element of a command set; `length` is what it claims to be long."""
    claimed = len(value) if length is None else length
    return struct.pack("<HHL", group, number, claimed & UNDEFINED) + value


def command_set(elements: list[bytes]) -> bytes:
    """Return a command set with its group length before `elements`."""
    inside = b"".join(elements)
    return element(0, struct.pack("<L", len(inside))) + inside


def echo() -> bytes:
    """Return a C-ECHO request as one PDU."""
    return pdu(4, fragment(_ECHO, 3, command_set(_command(0x0030, VERIFICATION, None))))


def store(number: int) -> bytes:
    """Return a C-STORE request of the canary's report; `number`, of eight digits, ends its UID."""
    uid = f"{UID_ROOT}.3.{number}"
    command = command_set(_command(0x0001, REPORT, uid))
    return pdu(4, fragment(_STORE, 3, command)) + pdu(4, fragment(_STORE, 2, dataset(uid)))


def dataset(uid: str) -> bytes:
    """Return the canary's report, encoded in Explicit VR Little Endian."""
    return _template().replace(_TEMPLATE_UID.encode(), uid.encode())


@cache
def _template() -> bytes:
    told = report(1)
    told.SOPInstanceUID = _TEMPLATE_UID
    content = encode(told, False, True)
    assert content is not None
    return content


def _command(field: int, sop_class: str, instance: str | None) -> list[bytes]:
    elements = [
        element(0x0002, _even(sop_class)),
        element(0x0100, struct.pack("<H", field)),
        element(0x0110, struct.pack("<H", 7)),
        element(0x0700, struct.pack("<H", 0)),
        element(0x0800, struct.pack("<H", 0x0101 if instance is None else 0)),
    ]
    return elements if instance is None else [*elements, element(0x1000, _even(instance))]


def _even(uid: str) -> bytes:
    return uid.encode() + b"\0" * (len(uid.encode()) % 2)


_FOREIGN_ELEMENTS: Final = st.builds(
    lambda number, value, group: element(number, value, group=group),
    st.sampled_from(_FOREIGN_NUMBERS),
    st.binary(max_size=20),
    st.sampled_from((0, 0, 2, 8, 0xFFFF)),
)


@st.composite
def _odd_store(draw: st.DrawFn) -> Utterance:
    """A C-STORE whose command or fragments are not as they should be."""
    uid = f"{UID_ROOT}.3.{draw(_NUMBERS)}"
    elements = _command(0x0001, REPORT, uid)
    for _ in range(draw(st.integers(0, 2))):
        elements = draw(_odd_elements(elements))
    command = draw(st.sampled_from((command_set(elements), b"".join(elements))))
    content = dataset(uid)
    if draw(st.booleans()):
        content = draw(_damaged(content))
    pieces = [*draw(_fragments(command, 1)), *draw(_fragments(content, 0))]
    if draw(st.integers(0, 3)) == 3:
        pieces = list(draw(st.permutations(pieces[:12]))) + pieces[12:]
    if draw(st.integers(0, 3)) == 3:
        # Another message begins before this one is whole.
        pieces.insert(draw(st.integers(0, len(pieces))), echo())
    return Utterance("odd store", b"".join(pieces), waits=draw(st.booleans()))


@st.composite
def _odd_elements(draw: st.DrawFn, elements: list[bytes]) -> list[bytes]:
    at = draw(st.integers(0, len(elements) - 1))
    before, odd, after = elements[:at], elements[at], elements[at + 1 :]
    match draw(st.sampled_from(("gone", "twice", "huge", "value", "length", "more", "field"))):
        case "gone":
            return before + after
        case "twice":
            return [*before, odd, odd, *after]
        case "huge":
            return [*before, odd[:4] + struct.pack("<L", 200_000) + b"1" * 200_000, *after]
        case "value":
            value = draw(st.binary(max_size=70) | _UIDS.map(str.encode))
            return [*before, odd[:4] + struct.pack("<L", len(value)) + value, *after]
        case "length":
            length = struct.pack("<L", draw(st.sampled_from(_LENGTHS)))
            return [*before, odd[:4] + length + odd[8:], *after]
        case "more":
            return [*before, draw(_FOREIGN_ELEMENTS), odd, *after]
        case _:
            field = element(0x0100, struct.pack("<H", draw(st.sampled_from(_FIELDS))))
            return [elements[0], field, *elements[2:]]


@st.composite
def _fragments(draw: st.DrawFn, content: bytes, control: int) -> list[bytes]:
    """Draw the PDUs that carry `content`, whole or with something wrong about one of them."""
    size = draw(st.sampled_from((1 << 20, 1 << 20, 16000, 700, 64)))
    parts = [content[at : at + size] for at in range(0, len(content), size)] or [b""]
    values = [
        fragment(_STORE, control | (2 if at == len(parts) - 1 else 0), part)
        for at, part in enumerate(parts)
    ]
    if draw(st.booleans()):
        at = draw(st.integers(0, len(values) - 1))
        values[at] = fragment(
            draw(st.sampled_from((_STORE, _ECHO, 0, 2, 99, 255))),
            draw(st.sampled_from((0, 1, 2, 3, 0xFC, 0xFF))),
            draw(st.sampled_from((parts[at], b"", b"\0"))),
            draw(st.none() | st.sampled_from(_LENGTHS)),
        )
    if draw(st.booleans()):
        return [pdu(4, value) for value in values]
    return [pdu(4, b"".join(values), draw(st.none() | st.sampled_from(_LENGTHS)))]


@st.composite
def _damaged(draw: st.DrawFn, content: bytes) -> bytes:
    damaged = bytearray(content)
    for at in draw(st.lists(st.integers(0, len(content) - 1), max_size=6)):
        damaged[at] = draw(st.integers(0, 255))
    return bytes(damaged[: draw(st.just(len(damaged)) | st.integers(0, len(damaged)))])


@st.composite
def _odd_message(draw: st.DrawFn) -> Utterance:
    """A message of any kind on any context, with elements of its own."""
    elements = [element(0x0100, struct.pack("<H", draw(st.sampled_from(_FIELDS))))]
    for number in (0x0002, 0x0003, 0x0110, 0x0120, 0x0700, 0x0800, 0x1000, 0x1001, 0x1008):
        if draw(st.booleans()):
            value = draw(st.sampled_from((b"", b"\1\0", b"\0\0", b"\1\1")) | _UIDS.map(str.encode))
            elements.append(element(number, value))
    number = draw(st.sampled_from((_STORE, _ECHO, _ACTION, 7)))
    said = pdu(4, fragment(number, 3, command_set(elements)))
    if draw(st.booleans()):
        said += pdu(4, fragment(number, 2, draw(st.binary(max_size=60))))
    return Utterance("odd message", said, waits=draw(st.booleans()))


@st.composite
def _lying_header(draw: st.DrawFn) -> Utterance:
    body = draw(st.binary(max_size=100))
    content = pdu(draw(st.integers(0, 255)), body, draw(st.sampled_from(_LENGTHS)))
    return Utterance("lying header", content, waits=False)


@st.composite
def _bent(draw: st.DrawFn, sound: Utterance) -> Utterance:
    return Utterance(f"bent {sound.kind}", draw(_damaged(sound.content or b"\0")), sound.waits)


_POLITE: Final = st.one_of(
    st.builds(lambda number: Utterance("store", store(number), waits=True), _NUMBERS),
    st.builds(lambda number: Utterance("store", store(number), waits=True), _NUMBERS),
    st.just(Utterance("echo", echo(), waits=True)),
)
_UTTERANCES: Final = st.one_of(
    _POLITE,
    st.builds(lambda number: Utterance("store", store(number), waits=False), _NUMBERS),
    _odd_store(),
    _odd_message(),
    _lying_header(),
    st.just(Utterance("associate again", sound_request(), waits=False)),
    st.just(Utterance("release", pdu(5, bytes(4)), waits=True)),
    st.just(Utterance("release answer", pdu(6, bytes(4)), waits=False)),
    st.just(Utterance("abort", pdu(7, bytes(4)), waits=False)),
    st.just(Utterance("accept", pdu(2, sound_request()[6:]), waits=False)),
    st.just(Utterance("reject", pdu(3, b"\0\1\1\1"), waits=False)),
    st.builds(lambda noise: Utterance("noise", noise, waits=False), st.binary(max_size=400)),
)
