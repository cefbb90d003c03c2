"""What a slice shows: no head, whatever its size and what lies beside it, is taken for a trunk."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset

from deid_node.errors import RecognizableFeatures
from deid_node.metadata.faces.judge import require_faceless
from tests.builders.bodies import AIR, BONE, FAT, SOFT, Sheet, ct, mr

PITCHES = st.sampled_from([1.0, 1.5, 3.0])
PLACES = st.tuples(st.integers(-40, 40), st.integers(-40, 40))
SOME = settings(max_examples=25)


def _goes_through(dataset: Dataset) -> bool:
    try:
        require_faceless(dataset)
    except RecognizableFeatures:
        return False
    return True


@SOME
@given(
    pitch=PITCHES,
    across=st.integers(80, 175),
    longer=st.integers(10, 65),
    at=PLACES,
    arm=st.integers(60, 130),
    gap=st.integers(-25, 50),
    below_skull=st.booleans(),
)
def test_a_head_is_none_with_arms_raised_beside_it(
    *,
    pitch: float,
    across: int,
    longer: int,
    at: tuple[int, int],
    arm: int,
    gap: int,
    below_skull: bool,
) -> None:
    """Arms that touch make it as wide as a trunk, and close the air between into hollows."""
    sheet = Sheet(400, 500, pitch)
    for side in (-1, 1):
        away = side * (across / 2 + gap + arm / 2)
        sheet.limb(thick=arm, at=(at[0] + away, at[1]))
    draw = sheet.face if below_skull else sheet.head
    draw(across=across, deep=across + longer, at=at)

    assert not _goes_through(ct(sheet))
    assert not _goes_through(mr(sheet))


@SOME
@given(
    pitch=PITCHES,
    trunk=st.integers(150, 290),
    face=st.integers(90, 160),
    overlap=st.integers(-30, 60),
    aside=st.integers(-40, 40),
    lungs=st.booleans(),
)
def test_a_face_before_a_chest_is_seen(
    *, pitch: float, trunk: int, face: int, overlap: int, aside: int, lungs: bool
) -> None:
    """Of a bent neck the jaw lies at the height of the lungs."""
    sheet = Sheet(640, 500, pitch)
    sheet.trunk(across=400, deep=trunk, lungs=lungs, at=(0, 120))
    sheet.face(across=face, deep=face * 1.3, at=(aside, 120 - trunk / 2 - face * 0.65 + overlap))

    assert not _goes_through(ct(sheet))
    assert not _goes_through(ct(sheet, BodyPartExamined="ABDOMEN"))


@SOME
@given(
    pitch=PITCHES,
    across=st.integers(300, 460),
    deep=st.integers(215, 330),
    at=st.tuples(st.integers(-20, 20), st.integers(-20, 20)),
    arms=st.booleans(),
)
def test_the_trunk_of_an_adult_goes_through(
    *, pitch: float, across: int, deep: int, at: tuple[int, int], arms: bool
) -> None:
    sheet = Sheet(500, 700, pitch)
    sheet.trunk(across=across, deep=deep, at=at)
    for side in (-1, 1) if arms else ():
        sheet.limb(thick=70, at=(at[0] + side * (across / 2 + 45), at[1] + 40))

    assert _goes_through(ct(sheet))
    assert _goes_through(mr(sheet))


@pytest.mark.parametrize("deep", [170, 190])
def test_lungs_make_a_chest_of_a_body_that_is_not_deep(deep: int) -> None:
    plain, breathing = Sheet(400, 500, 1), Sheet(400, 500, 1)
    plain.trunk(across=340, deep=deep)
    breathing.trunk(across=340, deep=deep, lungs=True)

    assert not _goes_through(ct(plain))
    assert _goes_through(ct(breathing))


def test_air_is_no_lung() -> None:
    """Between a head and the arms around it lies as much."""
    sheet = Sheet(400, 500, 1)
    sheet.trunk(across=340, deep=190)
    for side in (-1, 1):
        sheet.ellipse(AIR, across=100, deep=120, at=(side * 75, 0))

    assert not _goes_through(ct(sheet))


def _legs(*thick: float) -> Sheet:
    sheet = Sheet(300, 420, 1)
    for number, one in enumerate(thick):
        sheet.limb(thick=one, at=((number - (len(thick) - 1) / 2) * 180, 0))
    return sheet


def test_two_legs_side_by_side_are_legs() -> None:
    assert _goes_through(ct(_legs(150, 140)))
    assert not _goes_through(ct(_legs(150)))
    assert not _goes_through(ct(_legs(150, 100)))
    assert not _goes_through(mr(_legs(150, 140))), "a mosaic of heads looks like that"


def test_a_head_beside_something_alike_is_no_leg() -> None:
    sheet = Sheet(300, 420, 1)
    sheet.head(across=140, deep=160, at=(-100, 0))
    sheet.head(across=140, deep=160, at=(100, 0))

    assert not _goes_through(ct(sheet))


@pytest.mark.parametrize("shift", [1000, 800, -1000])
def test_values_that_are_no_hounsfield_units_prove_nothing(shift: int) -> None:
    """A file without its intercept, a cone beam that nobody calibrated."""
    sheet = Sheet(400, 500, 1)
    sheet.trunk(lungs=True)
    assert _goes_through(ct(sheet))
    sheet.pixels += np.int16(shift)

    assert not _goes_through(ct(sheet))


def test_a_background_full_of_noise_makes_no_head_wide() -> None:
    """Ratios of images and phases have noise of full strength around the body."""
    sheet = Sheet(320, 320, 1)
    sheet.head()
    dataset = mr(sheet)
    shining = np.frombuffer(dataset.PixelData, "<i2").reshape(sheet.pixels.shape).copy()
    around = sheet.pixels == AIR
    noise = np.random.default_rng(7).integers(0, 900, around.sum())
    shining[around] = noise
    dataset.PixelData = shining.astype("<i2").tobytes()

    assert not _goes_through(dataset)
    dataset.BodyPartExamined = "ABDOMEN"
    assert not _goes_through(dataset)


def test_table_and_cushion_are_no_trunk() -> None:
    """A head on a wide table is not wider for it."""
    sheet = Sheet(400, 500, 1)
    sheet.face(at=(0, -40))
    sheet.pixels[255:260, 40:460] = FAT
    sheet.pixels[300:304, 20:480] = BONE

    assert not _goes_through(ct(sheet))


def test_a_trunk_that_the_image_cuts_off_is_measured_as_far_as_it_is_seen() -> None:
    cut = Sheet(400, 260, 1)
    cut.trunk(across=420, deep=260)

    assert not _goes_through(ct(cut)), "260 mm are seen, and a head may be that long"


def test_a_circle_that_was_reconstructed_ends_the_image() -> None:
    """A spine in a small field has no skin in it; its corners are padding."""
    sheet = Sheet(130, 130, 0.5)
    sheet.pixels[:] = AIR - 1000
    sheet.ellipse(SOFT, across=129, deep=129)
    sheet.ellipse(BONE, across=45, deep=40)
    sheet.pixels[sheet.pixels == SOFT] += np.arange(
        (sheet.pixels == SOFT).sum(), dtype=np.int16
    ) % np.int16(20)

    assert _goes_through(ct(sheet, BodyPartExamined="LSPINE"))
    assert not _goes_through(ct(sheet))
