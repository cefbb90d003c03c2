"""A file that is written and read at any place, and tells nothing to who finds it on the disk."""

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deid_node.dicom import passing_file
from deid_node.dicom.passing_file import PassingFile

_LONGEST = 400


@pytest.fixture(autouse=True)
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passing_file, "UNIT_BYTES", 32)


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.integers(0, _LONGEST),
            st.binary(max_size=150),
            st.tuples(st.integers(0, _LONGEST + 150), st.integers(0, 150)),
        ),
        max_size=12,
    )
)
def test_what_was_written_last_is_read_wherever_it_was_put(
    steps: list[tuple[int, bytes, tuple[int, int]]],
) -> None:
    file, expected = PassingFile(None), bytearray(_LONGEST + 400)

    for place, piece, (begin, size) in steps:
        file.write_at(place, piece)
        expected[place : place + len(piece)] = piece

        assert file.read_at(begin, size) == expected[begin : begin + size]
    assert file.read_at(0, len(expected)) == expected


def test_nothing_of_it_lies_on_the_disk_in_the_clear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named: list[Path] = []

    def kept(**_settings: Any) -> Any:
        named.append(tmp_path / "seen")
        return named[0].open("x+b", buffering=0)

    monkeypatch.setattr(tempfile, "TemporaryFile", kept)
    file = PassingFile(tmp_path)

    file.write_at(0, b"DOE^JANE" * 100)
    file.write_at(3, b"ROE^MARY" * 50)

    stored = named[0].read_bytes()
    assert len(stored) > 400
    assert b"DOE^JANE" not in stored
    assert b"ROE^MARY" not in stored
    assert len({stored[begin : begin + 32] for begin in range(0, len(stored), 32)}) > 20


def test_it_has_no_name(tmp_path: Path) -> None:
    file = PassingFile(tmp_path)

    file.write_at(0, os.urandom(100))

    assert not list(tmp_path.iterdir())
