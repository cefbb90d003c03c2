import subprocess
import sys
from pathlib import Path

import pytest

from deid_node.dicom.syntaxes import Family

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "family",
    [
        *(Family.RLE, Family.JPEG, Family.JPEG_LOSSLESS, Family.JPEG_LS),
        *(Family.JPEG_2000, Family.HTJ2K),
    ],
)
def test_broken_streams_are_refused_without_a_crash_or_a_hang(family: Family) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.unit.pixeldata.broken_streams", family, "400"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert run.returncode == 0, f"{family}: {run.returncode}"
    assert run.stdout.strip().endswith("refused")
