"""Real files: those inside the installed pydicom package, and the shared ones where they lie.

The shared folder is ``../shared`` beside the checkout, or what the environment
variable ``DEID_NODE_SHARED`` names. Tests that need it skip where it is missing.
"""

import os
from pathlib import Path

import pydicom.data

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("DEID_NODE_SHARED", ROOT.parent / "shared")) / "data"
STANDARD = SHARED / "standard"
BURNED_IN = SHARED / "burned_in"


def packaged_files() -> list[Path]:
    """Return the sample files that pydicom ships, sorted.

    Listed from the folder: the library's own listing fetches more files from the network.
    """
    folder = Path(pydicom.data.__file__).parent / "test_files"
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".py")


def packaged(name: str) -> Path:
    """Return the sample file `name` that pydicom ships."""
    (path,) = (path for path in packaged_files() if path.name == name)
    return path


def zoo_files() -> list[Path]:
    """Return the shared awkward files, sorted; none where the shared folder is missing."""
    return sorted((SHARED / "dicom_zoo").glob("*.dcm"))
