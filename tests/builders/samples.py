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


# Comments, the boxes of a JP2 file or padding that is none stand in their codestreams.
COMMENTED = frozenset(
    {
        "GDCMJ2K_TextGBR.dcm",
        "SC_rgb_jls_lossy_line.dcm",
        "SC_rgb_jls_lossy_sample.dcm",
        "pydicom__GDCMJ2K_TextGBR.dcm",
        "pydicom__SC_rgb_jls_lossy_line.dcm",
        "pydicom__SC_rgb_jls_lossy_sample.dcm",
        "pydicom-data__JPGLosslessP14SV1_1s_1f_8b.dcm",
        "fo-dicom__GH184.dcm",
        "fo-dicom__HasFragmentSequence.dcm",
        "fo-dicom__IM-0001-0001-0001.dcm",
        "healthcare-dic__example.dcm",
        "healthcare-dic__example2.dcm",
        "healthcare-dic__example-mg.dcm",
        "healthcare-dic__example-redacted-jp2k.dcm",
        "healthcare-dic__example-redacted-mg-jp2k.dcm",
        "healthcare-dic__example-redacted-moved-jp2k.dcm",
    }
)


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
