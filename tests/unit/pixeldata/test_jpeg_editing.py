"""Blocks of a baseline JPEG: what is touched is new, everything else is as it was."""

import contextlib
import io
import itertools

import imagecodecs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from deid_node.pixeldata.jpeg.editing import Fill, edited
from deid_node.pixeldata.jpeg.huffman import Huffman, NotEditable
from deid_node.pixeldata.jpeg.segments import parts_of, segment
from tests.unit.pixeldata import jpeg_reference
from tests.unit.pixeldata.instances import Array

SAMPLINGS = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}


def jpeg(
    frame: Array,
    *,
    quality: int = 85,
    sampling: str = "4:4:4",
    restart: int = 0,
    optimize: bool = False,
) -> bytes:
    """Return `frame` as a baseline JPEG; `restart` counts MCUs, 0: none."""
    buffer = io.BytesIO()
    extra: dict[str, int] = {"restart_marker_blocks": restart} if restart else {}
    if frame.ndim == 3:
        extra["subsampling"] = SAMPLINGS[sampling]
    Image.fromarray(frame).save(buffer, "JPEG", quality=quality, optimize=optimize, **extra)
    return buffer.getvalue()


def texture(rows: int, columns: int, *, colour: bool, seed: int = 3) -> Array:
    """Return something between a picture and noise."""
    draw = np.random.default_rng(seed)
    shape = (rows, columns, 3) if colour else (rows, columns)
    ramp = np.add.outer(np.arange(rows) * 2, np.arange(columns))
    ramp = ramp[..., None] if colour else ramp
    return np.asarray((ramp + draw.integers(0, 60, shape)) % 256).astype(np.uint8)


def painted(frame: Array, mask: Array, value: int = 77) -> Array:
    result = frame.copy()
    result[mask] = value
    return result


def side_of(sampling: str, *, colour: bool) -> tuple[int, int]:
    """Return rows and columns of an MCU."""
    if not colour:
        return 8, 8
    return {"4:4:4": (8, 8), "4:2:2": (8, 16), "4:2:0": (16, 16)}[sampling]


def touched_blocks(
    reference: jpeg_reference.Decoded, number: int, mask: Array, mcu: tuple[int, int]
) -> Array:
    """Return which blocks of component `number` lie in `mask`, by the place of their first pixel.

    Blocks beyond the frame count as the last ones within.
    """
    rows, columns = reference.blocks[number].shape[:2]
    across, down = reference.factors[number] if len(reference.factors) > 1 else (1, 1)
    high, wide = mcu[0] // down, mcu[1] // across
    y = np.minimum(np.arange(rows) * high, mask.shape[0] - 1)
    x = np.minimum(np.arange(columns) * wide, mask.shape[1] - 1)
    return mask[np.ix_(y, x)]


CASES = st.tuples(
    st.integers(1, 70),
    st.integers(1, 70),
    st.booleans(),
    st.sampled_from(sorted(SAMPLINGS)),
    st.sampled_from([10, 60, 90, 100]),
    st.sampled_from([0, 1, 3]),
    st.booleans(),
    st.lists(st.tuples(*[st.integers(0, 5)] * 2, *[st.integers(1, 3)] * 2), max_size=3),
)


@pytest.mark.slow
@pytest.mark.req("REQ-PX-04")
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CASES)
def test_only_the_touched_blocks_get_other_coefficients(
    case: tuple[int, int, bool, str, int, int, bool, list[tuple[int, int, int, int]]],
) -> None:
    rows, columns, colour, sampling, quality, restart, optimize, places = case
    mcu = side_of(sampling, colour=colour)
    frame = texture(rows, columns, colour=colour)
    stream = jpeg(frame, quality=quality, sampling=sampling, restart=restart, optimize=optimize)
    mask = np.zeros((rows, columns), np.bool_)
    for top, left, down, across in places:
        high, wide = mcu
        mask[top * high : (top + down) * high, left * wide : (left + across) * wide] = True

    result = edited(stream, Fill(painted(frame, mask), mask, ybr=colour))

    before, after = jpeg_reference.decoded(stream), jpeg_reference.decoded(result)
    assert (after.steps, after.factors, after.restart) == (
        before.steps,
        before.factors,
        before.restart,
    )
    for number, blocks in before.blocks.items():
        inside = touched_blocks(before, number, mask, mcu)
        assert np.array_equal(after.blocks[number][~inside], blocks[~inside])
        assert not after.blocks[number][inside][:, 1:].any()


@pytest.mark.parametrize("quality", [20, 75, 95])
@pytest.mark.parametrize("colour", [False, True])
def test_what_is_painted_is_what_is_decoded(colour: bool, quality: int) -> None:
    frame = texture(64, 80, colour=colour)
    stream = jpeg(frame, quality=quality, sampling="4:4:4")
    draw = np.random.default_rng(5)
    mask = np.zeros((64, 80), np.bool_)
    mask[16:48, 24:64] = True
    smooth = np.add.outer(np.arange(64), np.arange(80)).astype(np.uint8)
    new = np.stack([smooth, smooth // 2, 200 - smooth], 2) if colour else smooth
    new = new + draw.integers(0, 2, new.shape).astype(np.uint8)

    result = imagecodecs.jpeg8_decode(edited(stream, Fill(new, mask, ybr=colour)))

    again = imagecodecs.jpeg8_decode(jpeg(new, quality=quality, sampling="4:4:4"))
    ours = np.abs(result[mask].astype(int) - new[mask]).mean()
    theirs = np.abs(again[mask].astype(int) - new[mask]).mean()
    assert ours <= theirs + 0.1


def test_a_scan_of_more_than_one_chunk_is_walked_to_its_end() -> None:
    frame = np.random.default_rng(1).integers(0, 256, (640, 640)).astype(np.uint8)
    stream = jpeg(frame, quality=95)
    assert len(stream) > 3 * 2**16
    mask = np.zeros((640, 640), np.bool_)
    mask[600:640, 8:640], mask[0:8, 0:8] = True, True

    result = edited(stream, Fill(painted(frame, mask), mask, ybr=False))

    old, new = imagecodecs.jpeg8_decode(stream), imagecodecs.jpeg8_decode(result)
    assert np.array_equal(old[~mask], new[~mask])
    assert np.abs(new[mask].astype(int) - 77).max() <= 1


def test_scans_of_one_component_each_are_edited_too() -> None:
    """Chroma blocks that lie wholly outside the frame are not in such a scan."""
    frame = texture(40, 40, colour=True)
    interleaved = jpeg(frame, sampling="4:2:0")
    stream = one_scan_a_component(interleaved)
    assert np.array_equal(imagecodecs.jpeg8_decode(stream), imagecodecs.jpeg8_decode(interleaved))
    mask = np.zeros((40, 40), np.bool_)
    mask[16:40, 0:32] = True

    result = edited(stream, Fill(painted(frame, mask), mask, ybr=True))

    assert np.array_equal(
        imagecodecs.jpeg8_decode(result),
        imagecodecs.jpeg8_decode(edited(interleaved, Fill(painted(frame, mask), mask, ybr=True))),
    )


def one_scan_a_component(stream: bytes) -> bytes:
    """Return `stream`, of 40 x 40 pixels in 4:2:0, with a scan for each component."""
    found = jpeg_reference.decoded(stream)
    tables: dict[int, dict[int, str]] = {}
    head = []
    for part in parts_of(stream):
        body = stream[part.body : part.data]
        if part.marker == 0xC4:
            kind, counts, symbols = body[0], body[1:17], body[17:]
            codes = jpeg_reference._codes(counts, symbols)
            tables[kind] = {symbol: f"{code:0{n}b}" for (n, code), symbol in codes.items()}
        if part.marker == 0xDA:
            break
        head.append(stream[part.start : part.stop])
    scans = []
    for number, blocks in found.blocks.items():
        chroma = int(number != 1)
        across, down = found.factors[number]
        rows, columns = -(-40 * down // 2 // 8), -(-40 * across // 2 // 8)
        bits, last = "", 0
        for block in blocks[:rows, :columns].reshape(-1, 64):
            bits += tables[chroma][(size := abs(int(block[0]) - last).bit_length())]
            bits += extra(int(block[0]) - last, size)
            last = int(block[0])
            run = 0
            for value in np.trim_zeros(block[1:], "b"):
                if value == 0:
                    run += 1
                    continue
                bits += tables[0x10 | chroma].get(0xF0, "") * (run // 16)
                size = abs(int(value)).bit_length()
                bits += tables[0x10 | chroma][run % 16 << 4 | size] + extra(int(value), size)
                run = 0
            bits += tables[0x10 | chroma][0] if block[63] == 0 else ""
        bits += "1" * (-len(bits) % 8)
        data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")
        scans.append(segment(0xDA, bytes([1, number, chroma << 4 | chroma, 0, 63, 0])) + data)
    return b"".join([*head, *scans, b"\xff\xd9"])


def extra(value: int, size: int) -> str:
    return f"{value if value >= 0 else value + (1 << size) - 1:0{size}b}" if size else ""


def broken_or_other() -> dict[str, bytes]:
    grey = texture(32, 32, colour=False)
    plain = jpeg(grey)
    progressive = io.BytesIO()
    Image.fromarray(grey).save(progressive, "JPEG", progressive=True)
    cut = plain[:-200] + b"\xff\xd9"
    scrambled = bytearray(plain)
    start = plain.index(b"\xff\xda") + 40
    scrambled[start : start + 60] = b"\xfe" * 60
    return {
        "empty": b"",
        "no jpeg": b"\x00" * 64,
        "progressive": progressive.getvalue(),
        "lossless": bytes(imagecodecs.jpeg8_encode(grey, lossless=True, predictor=1)),
        # Twelve bits make it an extended one, whatever its frame header says.
        "twelve bits": bytes(
            imagecodecs.jpeg8_encode(grey.astype(np.uint16) * 16, bitspersample=12)
        ).replace(b"\xff\xc1", b"\xff\xc0"),
        "cut": cut,
        "scrambled": bytes(scrambled),
        "no tables": plain.replace(b"\xff\xc4", b"\xff\xe9"),
        "no steps": plain.replace(b"\xff\xdb", b"\xff\xe9"),
        "two frames": plain.replace(b"\xff\xc4", plain[plain.index(b"\xff\xc0") :][:13], 1),
        "another size": plain.replace(b"\x00\x20\x00\x20", b"\x00\x28\x00\x20"),
    }


@pytest.mark.parametrize("name", broken_or_other())
def test_what_is_of_another_kind_or_broken_is_not_edited(name: str) -> None:
    stream = broken_or_other()[name]
    mask = np.zeros((32, 32), np.bool_)
    mask[24:32, 24:32] = True

    with pytest.raises(NotEditable):
        edited(stream, Fill(texture(32, 32, colour=False), mask, ybr=False))


def test_a_mask_that_cuts_through_a_block_is_not_edited() -> None:
    frame = texture(32, 32, colour=True)
    mask = np.zeros((32, 32), np.bool_)
    mask[0:8, 0:16] = True

    with pytest.raises(NotEditable):
        edited(jpeg(frame, sampling="4:2:0"), Fill(frame, mask, ybr=True))


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 8))
def test_a_broken_stream_is_edited_or_refused_and_nothing_else(seed: int, count: int) -> None:
    draw = np.random.default_rng(seed)
    frame = texture(40, 40, colour=True)
    stream = bytearray(jpeg(frame, sampling="4:2:0", restart=2))
    for place in draw.integers(0, len(stream), count):
        stream[place] = draw.integers(0, 256)
    mask = np.zeros((40, 40), np.bool_)
    mask[0:16, 16:32] = True

    with contextlib.suppress(NotEditable):
        edited(bytes(stream), Fill(frame, mask, ybr=True))


def test_a_table_takes_further_symbols_and_keeps_its_codes() -> None:
    table = Huffman(bytes([0, 2, 1, *[0] * 13]), b"\x01\x02\x03")

    wider = table.with_symbols({0x02, 0x7F, 0x05})

    assert {symbol: wider.codes[symbol] for symbol in (1, 2, 3)} == table.codes
    assert [len(wider.codes[n]) for n in (0x05, 0x7F)] == [16, 16]
    assert all("0" in code for code in wider.codes.values())


@pytest.mark.parametrize("wanted", [{99}, {99, 98, 97}, set(range(40, 240))])
def test_a_full_table_makes_room_by_one_longer_code(wanted: set[int]) -> None:
    full = Huffman(bytes([1] * 16), bytes(range(16)))

    wider = full.with_symbols(wanted)

    longer = [n for n in range(16) if len(wider.codes[n]) != len(full.codes[n])]
    assert len(longer) == 1
    assert len(wider.codes[longer[0]]) == len(full.codes[longer[0]]) + 1
    assert set(wider.codes) == wanted | set(range(16))
    assert all("0" in code for code in wider.codes.values())
    assert not wider.extends(full)
    ordered = sorted(wider.codes.values())
    assert not any(b.startswith(a) for a, b in itertools.pairwise(ordered))


def test_a_table_without_a_shorter_code_takes_no_symbol() -> None:
    with pytest.raises(NotEditable):
        Huffman(bytes([*[0] * 15, 255]), bytes(range(255))).with_symbols({255})


def test_a_scan_that_was_coded_by_the_old_table_gets_it_back() -> None:
    """Both scans of chroma go by one table, and what is new is in both."""
    frame = texture(40, 40, colour=True)
    stream = one_scan_a_component(jpeg(frame, sampling="4:2:0", optimize=True))
    mask = np.zeros((40, 40), np.bool_)
    mask[16:32, 16:32] = True
    new = painted(frame, mask)
    new[mask] = (0, 255, 0)

    result = edited(stream, Fill(new, mask, ybr=True))

    before, after = jpeg_reference.decoded(stream), jpeg_reference.decoded(result)
    assert result.count(b"\xff\xc4") > stream.count(b"\xff\xc4") + 1
    for number, blocks in before.blocks.items():
        side = 2 if number == 1 else 1
        inside = np.zeros(blocks.shape[:2], np.bool_)
        inside[side : 2 * side, side : 2 * side] = True
        assert np.array_equal(after.blocks[number][~inside], blocks[~inside])
        assert not after.blocks[number][inside][:, 1:].any()


@pytest.mark.parametrize(
    ("counts", "symbols"),
    [
        (bytes([3, *[0] * 15]), b"\x00\x01\x02"),
        (bytes([2, *[0] * 15]), b"\x01\x01"),
        (bytes(16), b"\x01"),
    ],
)
def test_a_table_with_more_codes_than_fit_is_none(counts: bytes, symbols: bytes) -> None:
    with pytest.raises(NotEditable):
        Huffman(counts, symbols)
