"""Under the options that judge values: no new error of dciodvfy, no alarm of the second look."""

from collections import Counter
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from deid_node.errors import CleaningError
from deid_node.leaks.check import LeakCheck
from deid_node.metadata.scrub import Scrubber
from tests.unit.metadata.reports import presentation_state, report
from tests.unit.metadata.samples import sample_files
from tests.unit.metadata.test_validity import GAVE_UP, TRUNCATED, UNWRITABLE, VERIFIER, errors

pytestmark = pytest.mark.slow


@pytest.mark.peer("dciodvfy")
@pytest.mark.parametrize(
    "original",
    [report(), presentation_state("Lesion, Canarybird", "Tweety")],
    ids=["report", "presentation state"],
)
def test_a_cleaned_object_of_text_has_no_error_at_all(
    cleaning_scrubber: Scrubber, tmp_path: Path, original: Dataset
) -> None:
    if VERIFIER is None:
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    before, after = tmp_path / "before.dcm", tmp_path / "after.dcm"
    original.save_as(before, enforce_file_format=True)

    cleaning_scrubber.scrub(original).dataset.save_as(after, enforce_file_format=True)

    assert errors(before) == Counter()
    assert errors(after) == Counter()


@pytest.mark.parametrize("path", sample_files(), ids=lambda path: path.name)
def test_a_cleaned_sample_is_as_valid_as_before_and_raises_no_alarm(
    cleaning_scrubber: Scrubber, leak_check: LeakCheck, quiet: None, tmp_path: Path, path: Path
) -> None:
    try:
        original = dcmread(path)
        cleaned = cleaning_scrubber.scrub(original).dataset
    except CleaningError as error:
        pytest.skip(f"withheld: {error.code}")
    except Exception as error:  # noqa: BLE001
        pytest.skip(f"pydicom cannot open it: {type(error).__name__}")
    leak_check.check(original, cleaned)
    if cleaned.file_meta.TransferSyntaxUID in UNWRITABLE or path.name in TRUNCATED:
        return
    output = tmp_path / "cleaned.dcm"
    cleaned.save_as(output, enforce_file_format=True)
    if VERIFIER is None:
        return
    before = errors(path)
    if not any(GAVE_UP.search(error) for error in before):
        assert errors(output) - before == Counter()
