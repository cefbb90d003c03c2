"""The parts of a body, however it is cut on its way."""

import itertools
from collections.abc import Mapping, Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deid_node.receive.stow.multipart import MalformedBody, Multipart
from tests.builders.stow import body

BOUNDARY = "b-7"
# What is nearly a boundary, in every way, and what is none.
TRICKY = st.lists(
    st.sampled_from(
        [b"\r", b"\n", b"-", b"\r\n", b"\r\n--", b"\r\n--b", b"\r\n--b-", b"--b-7", b"b-7", b"x"]
    ),
    max_size=30,
).map(b"".join)
CONTENT = st.one_of(TRICKY, st.binary(max_size=60)).filter(
    lambda one: f"\r\n--{BOUNDARY}".encode() not in b"\r\n" + one
)


class Kept:
    """Parts that are remembered; a `Parts`."""

    def __init__(self) -> None:
        self.whole: list[tuple[Mapping[str, str], bytes]] = []
        self.amid: tuple[Mapping[str, str], bytearray] | None = None

    def begin(self, headers: Mapping[str, str]) -> None:
        assert self.amid is None
        self.amid = dict(headers), bytearray()

    def write(self, piece: memoryview) -> None:
        assert self.amid is not None
        self.amid[1].extend(piece)

    def end(self) -> None:
        assert self.amid is not None
        self.whole.append((self.amid[0], bytes(self.amid[1])))
        self.amid = None


def fed(content: bytes, cuts: Sequence[int]) -> tuple[Kept, Multipart]:
    kept = Kept()
    multipart = Multipart(BOUNDARY, kept)
    edges = [0, *sorted(cut % (len(content) + 1) for cut in cuts), len(content)]
    for begin, end in itertools.pairwise(edges):
        multipart.feed(content[begin:end])
    return kept, multipart


@given(st.lists(CONTENT, max_size=4), st.lists(st.integers(0, 10_000), max_size=40))
def test_any_split_gives_the_same_parts(parts: list[bytes], cuts: list[int]) -> None:
    kept, multipart = fed(body(parts, boundary=BOUNDARY), cuts)

    assert [content for _, content in kept.whole] == parts
    assert all(headers == {"content-type": "application/dicom"} for headers, _ in kept.whole)
    assert multipart.is_complete
    assert kept.amid is None


@given(st.lists(CONTENT, min_size=1, max_size=3))
def test_byte_by_byte_gives_the_same_parts(parts: list[bytes]) -> None:
    content = body(parts, boundary=BOUNDARY)

    kept, multipart = fed(content, range(len(content)))

    assert [one for _, one in kept.whole] == parts
    assert multipart.is_complete


@given(st.lists(CONTENT, min_size=1, max_size=3), st.integers(0, 10_000))
def test_what_is_cut_gives_whole_parts_from_the_beginning_and_is_not_complete(
    parts: list[bytes], cut: int
) -> None:
    content = body(parts, boundary=BOUNDARY)

    # Without the delimiter's last dash, which comes before the last line break.
    kept, multipart = fed(content[: cut % (len(content) - 2)], [])

    whole = [one for _, one in kept.whole]
    assert whole == parts[: len(whole)]
    assert not multipart.is_complete


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=10))
def test_noise_is_taken_or_refused_and_nothing_else(content: bytes, cuts: list[int]) -> None:
    kept = Kept()
    with suppress(MalformedBody):
        kept, _ = fed(content, cuts)

    assert kept.whole == []


def test_white_space_behind_a_boundary_is_padding() -> None:
    kept, multipart = fed(b"--b-7\r\n\r\none\r\n--b-7 \t\r\n\r\ntwo\r\n--b-7--", [])

    assert [one for _, one in kept.whole] == [b"one", b"two"]
    assert multipart.is_complete


def test_headers_are_told_by_their_names_in_lower_case() -> None:
    headers = [("CONTENT-Type", "  application/dicom; x=y "), ("Content-Location", "a/b")]

    kept, _ = fed(body([b"x"], boundary=BOUNDARY, headers=headers), [3, 11, 30])

    assert kept.whole == [
        ({"content-type": "application/dicom; x=y", "content-location": "a/b"}, b"x")
    ]


def test_more_parts_than_anybody_sends_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deid_node.receive.stow.multipart.MOST_PARTS", 3)

    assert len(fed(body([b""] * 3, boundary=BOUNDARY), [])[0].whole) == 3
    with pytest.raises(MalformedBody, match="too many parts"):
        fed(body([b""] * 4, boundary=BOUNDARY), [])
