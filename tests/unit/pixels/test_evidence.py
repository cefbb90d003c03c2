"""The bands: what is filled, what waits for a person, what is left alone."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    MRImageStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
    UltrasoundMultiFrameImageStorage,
    VLPhotographicImageStorage,
    VLWholeSlideMicroscopyImageStorage,
)

from deid_node.errors import (
    BurnedInUnconfirmed,
    ConfigurationError,
    ResidualText,
    SlideLabel,
    TextUncertain,
)
from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixeldata.frames import Frames
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.pixels.text.doubt import DoubtOptions
from deid_node.pixels.text.evidence import Band, Evidence, evidence_of
from deid_node.pixels.text.find.options import CrnnOptions
from deid_node.pixels.text.kinds import Kind as Object
from deid_node.pixels.text.kinds import kind_of
from deid_node.values.geometry import Box, DoubtedRegion, Found
from tests.fakes.finder import finds_always, finds_nothing
from tests.fakes.reader import reads
from tests.unit.pixeldata.instances import EXPLICIT, RLE, Kind, instance, noise

DEEP = Kind(EXPLICIT, "MONOCHROME2", 16, 12)
UPPER, LOWER = Box(6, 5, 24, 13), Box(30, 24, 50, 34)
MIDDLE = Evidence({Object.PLAIN: Band(doubt=0.4, sure=0.8)})


class Scored:
    """Sees each box with its score on every frame, as long as its pixels are not of one value."""

    name = "scored"

    def __init__(self, scores: Mapping[Box, float]) -> None:
        self._scores = scores

    def find(self, frames: Sequence[DisplayFrame]) -> Sequence[tuple[Found, ...]]:
        return [
            tuple(
                Found(box, score)
                for box, score in self._scores.items()
                if np.ptp(frame[box.slices], axis=(0, 1)).max() > 0
            )
            for frame in frames
        ]


def an_instance(kind: Kind = Kind(), *, frames: int = 1, **attributes: Any) -> Dataset:  # noqa: B008 - frozen
    dataset = instance(noise(kind, frames=frames), kind)
    dataset.Modality = "XA"
    dataset.SOPClassUID = CTImageStorage
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def cleaner(
    scores: Mapping[Box, float],
    *,
    evidence: Evidence = MIDDLE,
    doubt: DoubtOptions = DoubtOptions(),  # noqa: B008 - frozen
) -> PixelCleaner:
    return PixelCleaner(Scored(scores), SolidInpainter(), evidence=evidence, doubt=doubt)


@pytest.mark.parametrize("score", [0.8, 1.0])
def test_what_is_surely_text_is_filled(score: float) -> None:
    cleaned = cleaner({UPPER: score}).clean(an_instance(), seed=1)

    assert [region.box.contains(UPPER) for region in cleaned.regions] == [True]


def test_what_is_surely_none_is_not_touched() -> None:
    dataset = an_instance(Kind(RLE))

    cleaned = cleaner({UPPER: 0.39}).clean(dataset, seed=1)

    assert not cleaned.changed
    assert cleaned.dataset.PixelData == dataset.PixelData


@pytest.mark.req("REQ-PX-17")
@pytest.mark.parametrize("score", [0.4, 0.79])
def test_what_lies_between_withholds_with_its_boxes(score: float) -> None:
    with pytest.raises(TextUncertain) as told:
        cleaner({UPPER: 0.9, LOWER: score}).clean(an_instance(frames=2), seed=1)

    assert told.value.regions == tuple(DoubtedRegion(n, LOWER, score, "scored") for n in (0, 1))
    assert told.value.code == "text_uncertain"


def test_a_doubt_that_lies_under_a_fill_is_none() -> None:
    inner = Box(8, 6, 20, 12)

    cleaned = cleaner({UPPER: 0.9, inner: 0.5}).clean(an_instance(), seed=1)

    assert len(cleaned.regions) == 1


def test_a_treatment_may_fill_what_is_in_doubt() -> None:
    cleaned = cleaner({UPPER: 0.5}, doubt=DoubtOptions(regions="fill")).clean(an_instance(), seed=1)

    assert [region.box.contains(UPPER) for region in cleaned.regions] == [True]


def test_without_bands_all_that_is_found_is_text() -> None:
    cleaned = cleaner({UPPER: 0.01}, evidence=Evidence()).clean(an_instance(), seed=1)

    assert len(cleaned.regions) == 1


def test_each_kind_of_object_has_a_band_of_its_own() -> None:
    evidence = Evidence(
        {Object.SCREEN: Band(doubt=0.2, sure=0.2), Object.ACQUIRED: Band(doubt=0.9, sure=0.9)}
    )
    acquired = an_instance(DEEP, Modality="MR", SOPClassUID=MRImageStorage)
    screen = an_instance(DEEP, Modality="MR", SOPClassUID=SecondaryCaptureImageStorage)

    assert not cleaner({UPPER: 0.5}, evidence=evidence).clean(acquired, seed=1).changed
    assert cleaner({UPPER: 0.5}, evidence=evidence).clean(screen, seed=1).changed


def test_burned_in_annotation_raises_suspicion_and_never_lowers_it() -> None:
    tolerant = Evidence(
        {Object.SCREEN: Band(doubt=0.2, sure=0.2), Object.ACQUIRED: Band(doubt=0.9, sure=0.9)}
    )
    strict = Evidence(
        {Object.SCREEN: Band(doubt=0.9, sure=0.9), Object.ACQUIRED: Band(doubt=0.2, sure=0.2)}
    )
    for evidence, says, changed in (
        (tolerant, "YES", True),
        (tolerant, "NO", False),
        (strict, "YES", True),
        (strict, "NO", True),
    ):
        dataset = an_instance(DEEP, Modality="MR", BurnedInAnnotation=says)
        result = cleaner({UPPER: 0.5}, evidence=evidence).clean(dataset, seed=1)
        assert result.changed is changed


@pytest.mark.req("REQ-PX-19")
def test_text_that_is_said_to_be_there_and_is_not_found_withholds() -> None:
    dataset = an_instance(BurnedInAnnotation="YES")

    with pytest.raises(BurnedInUnconfirmed):
        cleaner({}).clean(dataset, seed=1)

    assert not cleaner({UPPER: 0.9}).clean(dataset, seed=1).unconfirmed


def test_a_site_may_accept_that_and_the_result_says_so() -> None:
    accepting = cleaner({}, doubt=DoubtOptions(burned_in="accept"))

    assert accepting.clean(an_instance(BurnedInAnnotation="YES"), seed=1).unconfirmed
    assert not accepting.clean(an_instance(BurnedInAnnotation="NO"), seed=1).unconfirmed


def slide(**attributes: Any) -> Dataset:
    return an_instance(
        Kind(EXPLICIT, "RGB"),
        Modality="SM",
        SOPClassUID=VLWholeSlideMicroscopyImageStorage,
        **attributes,
    )


def framed_label() -> Dataset:
    frame_type, group = Dataset(), Dataset()
    frame_type.FrameType = ["ORIGINAL", "PRIMARY", "LABEL", "NONE"]
    group.WholeSlideMicroscopyImageFrameTypeSequence = Items([frame_type])
    return slide(SharedFunctionalGroupsSequence=Items([group]))


@pytest.mark.req("REQ-PX-19")
@pytest.mark.parametrize(
    "dataset",
    [
        slide(ImageType=["ORIGINAL", "PRIMARY", "LABEL", "NONE"]),
        slide(ImageType=["ORIGINAL", "PRIMARY", "OVERVIEW", "NONE"], SpecimenLabelInImage="YES"),
        an_instance(SpecimenLabelInImage="YES"),
        an_instance(Modality="SM", ImageType=["DERIVED", "SECONDARY", "LABEL"]),
        framed_label(),
    ],
    ids=["label", "overview", "by its own word", "captured", "frame type"],
)
def test_the_label_of_a_slide_withholds_even_where_nothing_is_found(dataset: Dataset) -> None:
    with pytest.raises(SlideLabel):
        cleaner({}).clean(dataset, seed=1)

    assert cleaner({}, doubt=DoubtOptions(slide_labels="clean")).clean(dataset, seed=1).looked_at


def test_tissue_and_labelled_arteries_are_no_labels() -> None:
    for dataset in (
        slide(ImageType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], SpecimenLabelInImage="NO"),
        an_instance(Modality="MR", ImageType=["ORIGINAL", "PRIMARY", "ASL", "LABEL"]),
    ):
        assert cleaner({}).clean(dataset, seed=1).looked_at


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        (an_instance(DEEP, Modality="CT"), Object.ACQUIRED),
        (an_instance(DEEP, Modality="CT", ImageType=["DERIVED", "PRIMARY", "AXIAL"]), Object.DEEP),
        (an_instance(DEEP, Modality="CT", ImageType=[]), Object.DEEP),
        (
            an_instance(DEEP, Modality="CT", ImageType=["ORIGINAL", "PRIMARY", "SCREEN SAVE"]),
            Object.SCREEN,
        ),
        (an_instance(DEEP, Modality="CT", ConversionType="WSD"), Object.SCREEN),
        (an_instance(Kind(), Modality="CT"), Object.PLAIN),
        (an_instance(Kind(EXPLICIT, "RGB"), Modality="MR"), Object.PLAIN),
        (
            an_instance(DEEP, Modality="DX", SOPClassUID=DigitalXRayImageStorageForPresentation),
            Object.DEEP,
        ),
        (
            an_instance(Modality="US", SOPClassUID=UltrasoundMultiFrameImageStorage),
            Object.ULTRASOUND,
        ),
        (an_instance(DEEP, Modality="CR", SOPClassUID=SecondaryCaptureImageStorage), Object.SCREEN),
        (an_instance(Modality="XC", SOPClassUID=VLPhotographicImageStorage), Object.PHOTOGRAPH),
        (an_instance(SOPClassUID=SegmentationStorage, Modality="SEG"), Object.MAP),
        (an_instance(Kind(EXPLICIT, "RGB"), SOPClassUID=SegmentationStorage), Object.PLAIN),
    ],
    ids=range(13),
)
def test_kinds_are_told_by_the_header(dataset: Dataset, expected: Object) -> None:
    assert kind_of(dataset, Frames(dataset, "PixelData").layout) is expected


def a_map(**attributes: Any) -> Dataset:
    return an_instance(SOPClassUID=SegmentationStorage, Modality="SEG", **attributes)


@pytest.mark.req("REQ-PX-20")
def test_shapes_in_a_mask_are_neither_filled_nor_withheld() -> None:
    dataset = a_map()
    reading = PixelCleaner(
        finds_always(UPPER, LOWER), SolidInpainter(), reader=reads({UPPER: "O", LOWER: "II"})
    )

    cleaned = reading.clean(dataset, seed=1)

    assert cleaned.dataset.PixelData == dataset.PixelData
    assert not cleaned.changed


@pytest.mark.req("REQ-PX-20")
def test_a_word_that_is_drawn_as_a_mask_withholds_with_its_box() -> None:
    reading = PixelCleaner(
        finds_always(UPPER, LOWER), SolidInpainter(), reader=reads({UPPER: "DOE", LOWER: "I"})
    )

    with pytest.raises(ResidualText) as told:
        reading.clean(a_map(), seed=1)

    assert [region.box for region in told.value.regions] == [UPPER]


def test_without_a_reader_whatever_is_found_in_a_map_withholds() -> None:
    with pytest.raises(ResidualText):
        PixelCleaner(finds_always(UPPER), SolidInpainter()).clean(a_map(), seed=1)


def test_the_bands_that_ship_were_measured_with_the_weights_that_ship() -> None:
    assert set(evidence_of(CrnnOptions()).bands) == set(Object)


def with_bands(folder: Path, *, doubt: float, sha256: str | None = None) -> CrnnOptions:
    model = folder / "own.onnx"
    model.write_bytes(b"weights")
    bands = {"screen": {"doubt": doubt, "sure": 0.7}}
    written = {"sha256": sha256 or hashlib.sha256(b"weights").hexdigest(), "bands": bands}
    (folder / "own_bands.json").write_text(json.dumps(written))
    return CrnnOptions(model_file=model)


def test_the_bands_lie_beside_the_weights(tmp_path: Path) -> None:
    options = with_bands(tmp_path, doubt=0.3)

    band = evidence_of(options).band(Object.SCREEN, suspicious=False)
    own = evidence_of(options.model_copy(update={"min_score": 0.2}))

    assert (band.doubt, band.sure) == (0.3, 0.7)
    assert not own.bands


@pytest.mark.parametrize(("doubt", "sha256"), [(0.3, "00"), (0.8, None), (1.2, None)])
def test_bands_of_other_weights_or_in_no_order_refuse_to_start(
    tmp_path: Path, doubt: float, sha256: str | None
) -> None:
    with pytest.raises(ConfigurationError) as told:
        evidence_of(with_bands(tmp_path, doubt=doubt, sha256=sha256))

    assert told.value.path == "pixels.finder.model_file"


def test_the_second_look_doubts_only_what_came_as_it_is() -> None:
    """A doubt in the fill is the fill's; one elsewhere was there before and is a doubt."""
    filled = Box(0, 0, 10, 10)
    for box, raises in ((Box(8, 7, 20, 12), False), (LOWER, True)):
        second = Scored({filled: 0.0, box: 0.5})
        looking = PixelCleaner(
            finds_always(UPPER), SolidInpainter(), second_look=second, evidence=MIDDLE
        )
        if raises:
            with pytest.raises(TextUncertain):
                looking.clean(an_instance(), seed=1)
        else:
            assert looking.clean(an_instance(), seed=1).changed


def test_nothing_found_in_an_object_that_says_no_leaves_as_it_came() -> None:
    dataset = an_instance(BurnedInAnnotation="NO")

    assert PixelCleaner(finds_nothing(), SolidInpainter()).clean(dataset, seed=1).looked_at


def test_on_a_frame_that_bears_text_less_is_enough() -> None:
    evidence = Evidence({Object.PLAIN: Band(doubt=0.9, sure=0.9, beside=0.3)})

    alone = cleaner({LOWER: 0.5}, evidence=evidence).clean(an_instance(), seed=1)
    beside = cleaner({UPPER: 0.95, LOWER: 0.5}, evidence=evidence).clean(an_instance(), seed=1)

    assert alone.regions == ()
    assert any(region.box.contains(LOWER) for region in beside.regions)
    assert any(region.box.contains(UPPER) for region in beside.regions)


def test_what_stands_beside_text_is_bounded_too() -> None:
    evidence = Evidence({Object.PLAIN: Band(doubt=0.9, sure=0.9, beside=0.3)})

    cleaned = cleaner({UPPER: 0.95, LOWER: 0.2}, evidence=evidence).clean(an_instance(), seed=1)

    assert not any(region.box.contains(LOWER) for region in cleaned.regions)
