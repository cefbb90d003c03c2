"""Real files: those of the pydicom package, and the shared ones where they lie."""

import os
from collections.abc import Iterator
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_files

ROOT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("DEID_NODE_SHARED", ROOT.parent / "shared" / "data"))
ZOO = SHARED / "dicom_zoo"
STANDARD = SHARED / "standard"


def sample_files() -> list[Path]:
    """Return every sample file, by name."""
    packaged = [Path(name) for name in get_testdata_files("*")]
    found = [path for path in packaged if path.is_file()]
    if ZOO.is_dir():
        found += ZOO.glob("*.dcm")
    return sorted(found)


def sample_instances() -> Iterator[tuple[Path, Dataset]]:
    """Yield every sample file that pydicom can open."""
    for path in sample_files():
        try:
            yield path, dcmread(path)
        except Exception:  # noqa: BLE001, S112  # broken on purpose: the door's tests are about them
            continue
