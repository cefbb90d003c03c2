"""Under the options that retain: no new error of dciodvfy, no alarm of the second look."""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from pydicom import dcmread

from deid_node.errors import CleaningError
from deid_node.leaks.check import LeakCheck
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.plan.attest import attest
from deid_node.metadata.plan.options import DateOptions, Option
from deid_node.metadata.plan.plan import build_plan
from deid_node.metadata.scrub import Scrubber
from tests.unit.metadata.canary import KEY
from tests.unit.metadata.samples import sample_files
from tests.unit.metadata.test_validity import GAVE_UP, TRUNCATED, UNWRITABLE, VERIFIER, errors

pytestmark = pytest.mark.slow

ALONE = frozenset(
    {
        Option.RETAIN_PATIENT_CHARACTERISTICS,
        Option.RETAIN_DEVICE_IDENTITY,
        Option.RETAIN_UIDS,
        Option.RETAIN_INSTITUTION_IDENTITY,
    }
)
CHOSEN = {
    "full dates": ALONE | {Option.RETAIN_LONGITUDINAL_FULL_DATES},
    "modified dates": ALONE | {Option.RETAIN_LONGITUDINAL_MODIFIED_DATES},
    "modified dates alone": frozenset({Option.RETAIN_LONGITUDINAL_MODIFIED_DATES}),
}


@cache
def scrubber_of(name: str) -> Scrubber:
    plan = build_plan(CHOSEN[name], moves_birth_date=True)
    return Scrubber(plan, Pseudonyms(KEY), dates=DateOptions())


@cache
def errors_before(path: Path) -> Counter[str]:
    return errors(path)


@pytest.mark.req("REQ-MD-17")
@pytest.mark.parametrize("name", CHOSEN)
@pytest.mark.parametrize("path", sample_files(), ids=lambda path: path.name)
def test_a_sample_is_as_valid_as_before_and_raises_no_alarm(
    leak_check: LeakCheck, quiet: None, tmp_path: Path, path: Path, name: str
) -> None:
    chosen = CHOSEN[name]
    scrubber = scrubber_of(name)
    try:
        original = dcmread(path)
        cleaned = scrubber.scrub(original).dataset
    except CleaningError as error:
        pytest.skip(f"withheld: {error.code}")
    except Exception as error:  # noqa: BLE001
        pytest.skip(f"pydicom cannot open it: {type(error).__name__}")
    attest(cleaned, options=chosen, pixels_looked_at=False, second_look_clean=False)
    leak_check.check(original, cleaned, retained=chosen)
    if cleaned.file_meta.TransferSyntaxUID in UNWRITABLE or path.name in TRUNCATED:
        return
    output = tmp_path / "cleaned.dcm"
    cleaned.save_as(output, enforce_file_format=True)
    if VERIFIER is None:
        return
    before = errors_before(path)
    if not any(GAVE_UP.search(error) for error in before):
        assert errors(output) - before == Counter()
