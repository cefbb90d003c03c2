"""A code of bars or squares carries an identifier: after cleaning no program decodes it."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from deid_node.errors import ResidualText
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.pixels.text.find.build import build_finder
from deid_node.pixels.text.find.options import CrnnOptions
from deid_node_lab.evaluation.cases import dataset_of

zxingcpp = pytest.importorskip("zxingcpp", reason="zxing-cpp is not installed")

_SIDE = 512
_CODES = {
    "Code128": "PID-4711-0815",
    "Code39": "PID4711",
    "ITF": "4711081512",
    "EAN13": "4006381333931",
    "QRCode": "DOE^JOHN 19510213",
    "DataMatrix": "DOE^JOHN 19510213",
    "PDF417": "DOE^JOHN 19510213",
}


@pytest.fixture(scope="module")
def cleaner() -> PixelCleaner:
    return PixelCleaner(build_finder(CrnnOptions(device="cpu")), SolidInpainter())


def ground(kind: str) -> NDArray[np.uint8]:
    """Return a screen of black, or soft anatomy, ``(512, 512)``."""
    if kind == "black":
        return np.zeros((_SIDE, _SIDE), np.uint8)
    noise = np.random.default_rng(5).normal(0, 1, (_SIDE, _SIDE)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 20)
    return np.asarray(90 + 60 * soft / np.abs(soft).max(), np.uint8)


def code(name: str, scale: int) -> NDArray[np.uint8]:
    """Return a code with its quiet zone, black on white."""
    made = zxingcpp.create_barcode(_CODES[name], getattr(zxingcpp.BarcodeFormat, name))
    plain = np.asarray(made.to_image(scale=scale), np.uint8)
    return np.pad(plain, 6, constant_values=255)


def placed() -> Iterator[tuple[str, str, int, int]]:
    for name in _CODES:
        for kind, scale, degrees in (
            ("black", 2, 0),
            ("soft", 2, 0),
            ("soft", 1, 0),
            ("soft", 3, 30),
        ):
            if (name, scale) not in {("QRCode", 1), ("DataMatrix", 1), ("PDF417", 1)}:
                yield name, kind, scale, degrees


@pytest.mark.parametrize(("name", "kind", "scale", "degrees"), list(placed()))
def test_no_code_can_be_decoded_from_what_leaves(
    cleaner: PixelCleaner, name: str, kind: str, scale: int, degrees: int
) -> None:
    picture, label = ground(kind), code(name, scale)
    label = label[:, : _SIDE - 40]
    rows, columns = label.shape
    picture[60 : 60 + rows, 20 : 20 + columns] = label
    if degrees:
        turn = cv2.getRotationMatrix2D((_SIDE / 2, _SIDE / 2), degrees, 0.8)
        turned = cv2.warpAffine(picture, turn, (_SIDE, _SIDE), borderMode=cv2.BORDER_REFLECT)
        picture = np.asarray(turned, np.uint8)
    if not zxingcpp.read_barcodes(picture):
        pytest.skip("the decoder cannot read it before either")

    try:
        cleaned = cleaner.clean(dataset_of(picture), seed=1).dataset
    except ResidualText:
        return  # withheld whole: nothing leaves
    left = np.frombuffer(cleaned.PixelData, np.uint8)[: _SIDE * _SIDE].reshape(_SIDE, _SIDE)

    assert [found.text for found in zxingcpp.read_barcodes(left)] == []
