# ruff: noqa: INP001  # a script, not a package
"""Draw what each arm puts where text stood: one sheet to look at.

``python scripts/restoration_sheet.py`` writes ``docs/images/restoration.jpg`` from pictures
inside the installed pydicom package that no weight was trained on. The sheets that
``deid-lab evaluate restoration`` writes show other data, and stay outside the repository.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import cv2

ROOT: Final = Path(__file__).resolve().parents[1]
SHEET: Final = ROOT / "docs" / "images" / "restoration.jpg"
HELD_OUT: Final = ("J2K_pixelrep_mismatch.dcm", "examples_overlay.dcm")
_HOLES: Final = 2  # of each picture
_SEED: Final = 2
_QUALITY: Final = 80


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the sheet and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=SHEET)
    parser.add_argument("--steps", type=int, help="denoising steps; the model's own")
    chosen = parser.parse_args(arguments)
    from deid_node.pixels.fill.options import StableDiffusionOptions
    from deid_node_lab.evaluation.restoration.build import build_arms
    from deid_node_lab.evaluation.restoration.sheet import sheet_of

    arms, left_out = build_arms(StableDiffusionOptions(steps=chosen.steps))
    for why in left_out:
        sys.stderr.write(f"left out: {why}\n")
    sheet = cv2.cvtColor(sheet_of(tuple(_holes()), arms), cv2.COLOR_RGB2BGR)
    _, coded = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_bytes(coded.tobytes())
    return 0


def _holes() -> Iterator[Any]:
    """Yield holes over anatomy on the pictures as a person would be shown them."""
    from pydicom.data import get_testdata_file

    from deid_node.dicom import part10
    from deid_node.pixeldata.picture import shown_frame
    from deid_node_lab.evaluation.restoration.holes import ANATOMY, holes_on
    from deid_node_lab.evaluation.restoration.pictures import picture_of
    from deid_node_lab.training.backgrounds import Background

    for name in HELD_OUT:
        dataset = part10.read(Path(str(get_testdata_file(name))))
        shown = shown_frame(dataset)
        picture = picture_of(Background(name, str(dataset.Modality), "MIT", shown, name))
        found = holes_on([picture] * (2 * _HOLES), (), seed=_SEED)
        yield from [hole for hole in found if hole.background == ANATOMY][:_HOLES]


if __name__ == "__main__":
    # The package lies beside this folder, installed or not.
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
