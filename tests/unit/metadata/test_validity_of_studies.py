"""dcentvfy finds no new contradiction between the instances of a study after they were cleaned.

It compares what instances of one patient, study, series and frame of reference say
of it: two cleaned instances must agree wherever the two originals did.
"""

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import UID

from deid_node.errors import CleaningError
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.clean.option_cleaners import JUDGED, OptionCleaning
from deid_node.metadata.plan.options import DateOptions, Option
from deid_node.metadata.plan.plan import build_plan
from deid_node.metadata.scrub import Scrubber
from tests.builders.samples import zoo_files
from tests.unit.metadata.canary import KEY
from tests.unit.metadata.samples import sample_instances

VERIFIER = shutil.which("dcentvfy")
CHOSEN = {
    "basic profile": frozenset[Option](),
    "options that judge values": frozenset(JUDGED),
    "moved dates and characteristics": frozenset(
        {Option.RETAIN_LONGITUDINAL_MODIFIED_DATES, Option.RETAIN_PATIENT_CHARACTERISTICS}
    ),
}

pytestmark = [
    pytest.mark.peer("dcentvfy"),
    pytest.mark.slow,
    pytest.mark.xdist_group("validity_of_studies"),
]


@pytest.fixture(scope="module", autouse=True)
def _verifier() -> None:
    if VERIFIER is None:
        if os.environ.get("CI") == "true":
            pytest.fail("dcentvfy (Debian package dicom3tools) is missing in CI")
        pytest.skip("dcentvfy (Debian package dicom3tools) is not installed")


@pytest.mark.shared
@pytest.mark.skipif(not zoo_files(), reason="needs the shared sample files (DEID_NODE_SHARED)")
@pytest.mark.parametrize("name", CHOSEN)
def test_instances_of_a_study_agree_as_they_did(name: str, quiet: None, tmp_path: Path) -> None:
    scrubber = _scrubber(CHOSEN[name])
    compared = 0
    for study, files in enumerate(_studies()):
        cleaned = _cleaned(files, scrubber, tmp_path / f"{study}")
        if len(cleaned) > 1:
            compared += len(cleaned)
            before, after = _contradictions(list(cleaned)), _contradictions(list(cleaned.values()))
            assert after - before == Counter(), f"a study of {files[0].name}"

    assert compared > 100


def test_a_contradiction_is_found(quiet: None, tmp_path: Path) -> None:
    """Shows that the silence above means something."""
    files = [tmp_path / "first.dcm", tmp_path / "second.dcm"]
    for number, file in enumerate(files, start=1):
        dataset = dcmread(_studies()[0][0])
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(
            f"2.25.{number}"
        )
        dataset.PatientSex = "FM"[number - 1]
        dataset.save_as(file, enforce_file_format=True)

    assert sum(_contradictions(files).values()) == 1


@cache
def _studies() -> tuple[tuple[Path, ...], ...]:
    """Return the files of each study that has several instances, one file an instance."""
    found: dict[str, dict[str, Path]] = {}
    for path, dataset in sample_instances():
        study, instance = _uid(dataset, "StudyInstanceUID"), _uid(dataset, "SOPInstanceUID")
        if study and instance and not _contradictions([path]):
            found.setdefault(study, {}).setdefault(instance, path)
    return tuple(tuple(files.values()) for files in found.values() if len(files) > 1)


def _uid(dataset: Dataset, keyword: str) -> str:
    return str(dataset.get(keyword) or "")


def _scrubber(chosen: frozenset[Option]) -> Scrubber:
    plan = build_plan(chosen, moves_birth_date=Option.RETAIN_LONGITUDINAL_MODIFIED_DATES in chosen)
    return Scrubber(plan, Pseudonyms(KEY), cleaning=OptionCleaning(chosen), dates=DateOptions())


def _cleaned(files: Sequence[Path], scrubber: Scrubber, folder: Path) -> Mapping[Path, Path]:
    """Return where the cleaned instance of each file lies; withheld ones have none."""
    folder.mkdir()
    written: dict[Path, Path] = {}
    for number, file in enumerate(files):
        output = folder / f"{number}.dcm"
        try:
            scrubber.scrub(dcmread(file)).dataset.save_as(output, enforce_file_format=True)
        except CleaningError:
            continue
        written[file] = output
    return written


def _contradictions(files: Sequence[Path]) -> Counter[str]:
    """Return what dcentvfy objects to, without values and file names."""
    assert VERIFIER is not None
    done = subprocess.run(
        [VERIFIER, *map(str, files)], capture_output=True, text=True, errors="replace", check=False
    )
    lines = (done.stdout + done.stderr).splitlines()
    return Counter(
        line.partition(" for file ")[0].partition(" within file ")[0]
        for line in lines
        if line.startswith("Error") or "Attribute present in one" in line
    )
