"""Every sample file is cleaned or withheld with a code; none ends in a foreign exception."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from deid_node.dicom import part10
from deid_node.dicom.silence import silenced
from deid_node.errors import CleaningError
from deid_node.pixeldata.bits import values_of
from deid_node.pixeldata.frames import Frames
from deid_node.pixeldata.layout import pixel_keyword
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.auto import AutoInpainter
from deid_node.pixels.fill.build import backends
from deid_node.pixels.fill.choice import CHOICE
from deid_node.values.geometry import Box
from tests.builders.samples import COMMENTED, packaged_files, zoo_files
from tests.fakes.finder import finds_always, finds_nothing
from tests.unit.pixeldata.instances import BASELINE, EXTENDED, decoded_elsewhere, outside, reread

pytestmark = pytest.mark.slow

ZOO = zoo_files()
SHIPPED = packaged_files()

BOX = Box(2, 2, 40, 14)
AUTO = AutoInpainter(backends(), CHOICE)

# What these are withheld for, seen by hand.
CODES = {
    "MR_truncated.dcm": "malformed_dataset",
    "JPEG2000-embedded-sequence-delimiter.dcm": "undecodable",
    "badVR.dcm": "malformed_dataset",
    "meta_missing_tsyntax.dcm": "malformed_dataset",
    "nested_priv_SQ.dcm": "malformed_dataset",
    "DICOMDIR": "unsupported_object",
    "README.txt": "not_dicom",
    "no_meta.dcm": "not_dicom",
    "broken__truncated_pixels.dcm": "malformed_dataset",
    "broken__empty.dcm": "not_dicom",
    "fo-dicom__GH1146.dcm": "undecodable",
    "visual-nlp-wor__DICOM_PDF_Deid_Deidentification_0.dcm": "unsupported_object",
}


def test_a_finder_that_finds_nothing_leaves_every_sample_as_it_is() -> None:
    _, cleaned = _over(SHIPPED, PixelCleaner(finds_nothing(), AUTO))

    assert cleaned > 100


@pytest.mark.req("REQ-PX-04")
def test_a_finder_that_always_finds_spares_every_pixel_outside() -> None:
    codes, cleaned = _over(SHIPPED, _always())

    assert cleaned > 100
    assert {name: code for name, code in codes.items() if name in CODES} == {
        name: code for name, code in CODES.items() if name in codes
    }


@pytest.mark.shared
@pytest.mark.skipif(not ZOO, reason="needs the shared sample files (DEID_NODE_SHARED)")
@pytest.mark.parametrize("always", [False, True], ids=["finds-nothing", "finds-always"])
def test_the_shared_samples_too(always: bool) -> None:
    codes, cleaned = _over(ZOO, _always() if always else PixelCleaner(finds_nothing(), AUTO))

    assert cleaned > 200
    assert all(codes[name] == code for name, code in CODES.items() if name in codes)


def _always() -> PixelCleaner:
    return PixelCleaner(finds_always(BOX), AUTO, second_look=finds_nothing())


def _over(paths: list[Path], cleaner: PixelCleaner) -> tuple[dict[str, str], int]:
    codes, cleaned, filled, judged = {}, 0, 0, 0
    with silenced():
        for path in paths:
            try:
                result = _clean(path, cleaner)
                cleaned += 1
                filled += result is not None
                judged += result is True
            except CleaningError as error:
                codes[path.name] = error.code
    # The judge must be able to read most of what was written, or it judges nothing.
    assert judged >= 0.9 * filled
    return codes, cleaned


def _clean(path: Path, cleaner: PixelCleaner) -> bool | None:
    """Clean one file; return whether another decoder agreed, None where nothing was filled."""
    dataset = part10.read(path)
    cleaned = cleaner.clean(dataset, seed=1)
    keyword = pixel_keyword(dataset)
    if keyword is None:
        assert not cleaned.changed
        return None
    same = cleaned.dataset[keyword].value == dataset[keyword].value
    if not cleaned.regions and (same or path.name not in COMMENTED):
        assert same, path.name
        return None
    before, after = Frames(dataset, keyword), Frames(cleaned.dataset, keyword)
    assert len(before) == len(after) == cleaned.frames, path.name
    for index in range(len(before)):
        boxes = [region.box for region in cleaned.regions if region.frame == index]
        keep = outside(before.layout.shape[:2], boxes)
        old = values_of(before[index], before.layout)[keep]
        new = values_of(after[index], after.layout)[keep]
        assert np.array_equal(old, new), path.name
    return _same_elsewhere(path, cleaned.dataset, after)


def _same_elsewhere(path: Path, dataset: Dataset, after: Frames) -> bool:
    """Read what was written with pydicom's decoders; False where they cannot."""
    blocks = dataset.file_meta.TransferSyntaxUID in {BASELINE, EXTENDED}
    try:
        theirs = decoded_elsewhere(reread(dataset), raw=not blocks)
    # Whatever pydicom cannot write or decode has no second opinion.
    except Exception:  # noqa: BLE001
        return False
    ours = np.stack([values_of(words, after.layout) for words in after])
    if blocks:
        # Colour is converted by another arithmetic there.
        assert np.abs(theirs.astype(int) - ours).max() <= 1, path.name
        return True
    assert np.array_equal(theirs, ours, equal_nan=ours.dtype.kind == "f"), path.name
    return True
