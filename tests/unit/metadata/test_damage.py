"""Damaged files: withheld for a named reason or scrubbed, never a foreign error."""

import random
from io import BytesIO
from pathlib import Path

import pydicom.data
import pytest
from pydicom import dcmread

from deid_node.errors import CleaningError
from deid_node.leaks.check import LeakCheck
from deid_node.metadata.scrub import Scrubber
from tests.unit.metadata.canary import stored

pytestmark = pytest.mark.slow

FILES = Path(pydicom.data.__file__).parent / "test_files"


@pytest.mark.parametrize(
    "name",
    [
        "CT_small.dcm",
        "reportsi.dcm",
        "rtplan.dcm",
        "MR_small_implicit.dcm",
        "MR_small_bigendian.dcm",
    ],
)
def test_damage_ends_in_an_error_of_ours_or_in_a_result_that_can_be_written(
    cleaning_scrubber: Scrubber, leak_check: LeakCheck, quiet: None, name: str
) -> None:
    whole = (FILES / name).read_bytes()
    draw = random.Random(name)
    outcomes = set()
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(draw.randint(1, 12)):
            place = draw.randrange(340, min(len(whole), 6000))
            damaged[place] = draw.choice((0, 0xFF, 0x5C, draw.randrange(256)))
        try:
            original = dcmread(BytesIO(bytes(damaged)), force=True)
        except Exception:  # noqa: BLE001, S112  # the reader's own tests are elsewhere
            continue
        try:
            scrubbed = cleaning_scrubber.scrub(original).dataset
            leak_check.check(original, scrubbed)
        except CleaningError as error:
            outcomes.add(error.code)
            continue
        assert stored(scrubbed)
        outcomes.add("clean")

    assert "clean" in outcomes
