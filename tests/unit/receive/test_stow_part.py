"""A file on its way into custody, however it is cut; nothing of it is held but its beginning."""

import itertools
import tracemalloc
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deid_node.receive.intake import Refused
from deid_node.receive.stow.part_ten import PartTen
from deid_node.receive.stow.report import SopReference
from deid_node.spool.arrivals import Acceptance
from deid_node.values.origin import Http, Origin
from tests.builders.stow import CT, packaged_file, part_ten
from tests.fakes.stow_house import StowHouse, stow_house


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StowHouse]:
    with stow_house(tmp_path_factory.mktemp("house") / "spool") as built:
        yield built


def taken(house: StowHouse, pieces: Sequence[bytes]) -> tuple[Acceptance | Refused, PartTen]:
    part = PartTen(house.intake, _origin, study_instance_uid="")
    for piece in pieces:
        part.write(memoryview(piece))
    return part.end(), part


def _origin(syntax: str) -> Origin:
    return Origin("any", Http("x", "127.0.0.1"), "r1234567a", datetime.now(UTC), syntax)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.integers(0, 1200), max_size=12), st.sampled_from([0, 300, 3000]))
def test_any_split_gives_the_same_file(house: StowHouse, cuts: list[int], filling: int) -> None:
    content = part_ten(f"1.2.{filling + 1}", filling=filling)
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]

    result, part = taken(house, [content[a:b] for a, b in itertools.pairwise(edges)])

    assert isinstance(result, Acceptance)
    assert part.reference == SopReference(CT, f"1.2.{filling + 1}")
    blob = house.custody.blobs.received / result.instance.blob.name
    begin = 144 + int.from_bytes(content[140:144], "little")
    assert blob.read_bytes().endswith(content[begin:])
    # However it was cut, it is the same file: all but the first were repeats of it.
    assert len(house.kept()) <= 3


def test_byte_by_byte_is_the_same_as_at_once(house: StowHouse) -> None:
    content = packaged_file("MR_small_RLE.dcm")

    first, _ = taken(house, [content])
    again, _ = taken(house, [content[n : n + 1] for n in range(len(content))])

    assert isinstance(first, Acceptance)
    assert isinstance(again, Acceptance)
    assert again.repeated


@pytest.mark.parametrize("length", [0, 10, 132, 200])
def test_what_ends_before_its_dataset_is_refused(house: StowHouse, length: int) -> None:
    result, part = taken(house, [part_ten()[:length]])

    assert result == Refused("dataset_unreadable", 0xC000)
    assert part.reference is None


def test_a_large_file_is_not_held_in_memory(tmp_path: Path) -> None:
    piece = bytes(1 << 18)
    with stow_house(tmp_path / "spool") as house:
        part = PartTen(house.intake, _origin, study_instance_uid="")
        part.write(memoryview(part_ten()))
        tracemalloc.start()
        for _ in range(256):
            part.write(memoryview(piece))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        part.discard()

    assert peak < 4 << 20
