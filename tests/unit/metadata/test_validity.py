"""dciodvfy reports no error on a scrubbed instance that it does not report on the original."""

import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from pydicom import dcmread

from deid_node.errors import CleaningError
from deid_node.metadata.plan.attest import attest
from deid_node.metadata.plan.options import Option
from deid_node.metadata.scrub import Scrubber
from tests.unit.metadata.samples import sample_files

pytestmark = pytest.mark.slow

VERIFIER = shutil.which("dciodvfy")

# The original ends in the middle of a value: the verifier says so and stops there.
TRUNCATED = {
    "MR_truncated.dcm",
    "broken__truncated_pixels.dcm",
    "pydicom__MR_truncated.dcm",
    "pydicom__rtplan_truncated.dcm",
    "rtplan_truncated.dcm",
}
# Deflated pixels, PS3.5 A.4.11: pydicom 3.0 does not know the syntax and cannot write it.
UNWRITABLE = {"1.2.840.10008.1.2.8.1"}
# The verifier gave up on the original, so its silence proves nothing.
GAVE_UP = re.compile(r"Tags out of order|Information Object Not found")
# Values change; that two of them are equal, or that one is not listed, is the same error.
VALUES = re.compile(r"<[0-9.]+>|UID [0-9.]+$")


def errors(path: Path) -> Counter[str]:
    """Return the errors that dciodvfy reports, without values."""
    assert VERIFIER is not None
    done = subprocess.run(
        [VERIFIER, str(path)], capture_output=True, text=True, errors="replace", check=False
    )
    lines = (done.stdout + done.stderr).splitlines()
    return Counter(VALUES.sub("", line) for line in lines if line.startswith("Error"))


@pytest.fixture(scope="session", autouse=True)
def _verifier() -> None:
    if VERIFIER is None:
        if os.environ.get("CI") == "true":
            pytest.fail("dciodvfy (Debian package dicom3tools) is missing in CI")
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")


@pytest.mark.peer("dciodvfy")
@pytest.mark.parametrize("path", sample_files(), ids=lambda path: path.name)
def test_no_new_error(scrubber: Scrubber, quiet: None, tmp_path: Path, path: Path) -> None:
    if path.name in TRUNCATED:
        pytest.skip("the original is truncated")
    try:
        original = dcmread(path)
        scrubbed = scrubber.scrub(original).dataset
    except CleaningError as error:
        pytest.skip(f"withheld: {error.code}")
    except Exception as error:  # noqa: BLE001
        pytest.skip(f"pydicom cannot open it: {type(error).__name__}")
    if scrubbed.file_meta.TransferSyntaxUID in UNWRITABLE:
        pytest.skip("a transfer syntax that pydicom cannot write")
    before = errors(path)
    if any(GAVE_UP.search(error) for error in before):
        pytest.skip("dciodvfy cannot read the original")
    attest(
        scrubbed,
        options=frozenset({Option.CLEAN_PIXEL_DATA}),
        pixels_looked_at=True,
        second_look_clean=True,
    )
    output = tmp_path / "scrubbed.dcm"
    scrubbed.save_as(output, enforce_file_format=True)

    assert errors(output) - before == Counter()
