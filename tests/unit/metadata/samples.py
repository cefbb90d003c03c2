"""Real files: those of the pydicom package, and the shared ones where they lie."""

import os
from collections.abc import Iterator
from pathlib import Path

import pydicom.data
from pydicom import Dataset, dcmread

ROOT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("DEID_NODE_SHARED", ROOT.parent / "shared" / "data"))
ZOO = SHARED / "dicom_zoo"
STANDARD = SHARED / "standard"


def sample_files() -> list[Path]:
    """Return every sample file, by name."""
    # Listed from the folder: pydicom's own listing fetches more files from the network.
    packaged = Path(pydicom.data.__file__).parent
    found = [path for path in packaged.rglob("*") if path.is_file() and path.suffix != ".py"]
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
