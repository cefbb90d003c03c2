"""Which objects go through and which wait, and that references hold in those that go."""

from collections.abc import Iterator

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import UID

from deid_node.errors import UnsupportedObject
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.scrub import Scrubber
from tests.builders.samples import packaged, zoo_files
from tests.unit.metadata.canary import KEY, UID_ROOT, as_read, marks_in, stored, study_instance
from tests.unit.metadata.reports import reference

STORAGE = "1.2.840.10008.5.1.4.1.1."
REFERENCES = {"ReferencedSOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID",
              "FrameOfReferenceUID", "ReferencedFrameOfReferenceUID", "SOPInstanceUID"}  # fmt: skip
WITHHELD = {
    "encapsulated PDF": f"{STORAGE}104.1",
    "encapsulated CDA": f"{STORAGE}104.2",
    "encapsulated STL": f"{STORAGE}104.3",
    "encapsulated OBJ": f"{STORAGE}104.4",
    "encapsulated MTL": f"{STORAGE}104.5",
    "raw data": f"{STORAGE}66",
    "voice": f"{STORAGE}9.4.1",
    "sound": f"{STORAGE}9.4.2",
    "inventory": f"{STORAGE}201.1",
    "private": "1.3.46.670589.5.0.1.1",
    "private, by UUID": "2.25.4116340212742820117545040869474001540",
}
TEXT_ONLY = {
    "basic text report": f"{STORAGE}88.11",
    "enhanced report": f"{STORAGE}88.22",
    "comprehensive report": f"{STORAGE}88.33",
    "3D report": f"{STORAGE}88.34",
    "dose report": f"{STORAGE}88.67",
    "grey presentation state": f"{STORAGE}11.1",
    "colour presentation state": f"{STORAGE}11.2",
    "advanced blending state": f"{STORAGE}11.8",
    "structured display": f"{STORAGE}131",
}
PASSING = {
    "RT dose": f"{STORAGE}481.2",
    "RT structure set": f"{STORAGE}481.3",
    "RT plan": f"{STORAGE}481.5",
    "segmentation": f"{STORAGE}66.4",
    "registration": f"{STORAGE}66.1",
    "deformable registration": f"{STORAGE}66.3",
    "fiducials": f"{STORAGE}66.2",
    "surface segmentation": f"{STORAGE}66.5",
    "parametric map": f"{STORAGE}30",
    "real world values": f"{STORAGE}67",
    "key objects": f"{STORAGE}88.59",
    "ECG": f"{STORAGE}9.1.1",
}


def _of_class(sop_class: str) -> Dataset:
    dataset, series, study = study_instance(), Dataset(), Dataset()
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID(sop_class)
    series.SeriesInstanceUID = f"{UID_ROOT}.2"
    series.ReferencedInstanceSequence = [reference()]
    dataset.ReferencedSeriesSequence = [series]
    study.StudyInstanceUID = f"{UID_ROOT}.1"
    study.ReferencedSeriesSequence = [series]
    dataset.StudiesContainingOtherReferencedInstancesSequence = [study]
    return dataset


def _references(dataset: Dataset) -> Iterator[tuple[str, str]]:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from _references(item)
        elif element.keyword in REFERENCES:
            yield element.keyword, str(element.value)


@pytest.mark.req("REQ-MD-34")
@pytest.mark.parametrize("sop_class", WITHHELD.values(), ids=WITHHELD)
def test_what_cannot_be_looked_into_is_withheld_whatever_the_options(
    scrubber: Scrubber, cleaning_scrubber: Scrubber, sop_class: str
) -> None:
    for each in (scrubber, cleaning_scrubber):
        with pytest.raises(UnsupportedObject):
            each.scrub(_of_class(sop_class))


@pytest.mark.req("REQ-MD-34")
@pytest.mark.parametrize("sop_class", TEXT_ONLY.values(), ids=TEXT_ONLY)
def test_what_is_made_of_text_goes_through_only_where_it_is_cleaned(
    scrubber: Scrubber, cleaning_scrubber: Scrubber, sop_class: str
) -> None:
    with pytest.raises(UnsupportedObject, match="need the option"):
        scrubber.scrub(_of_class(sop_class))

    assert not marks_in(stored(cleaning_scrubber.scrub(_of_class(sop_class)).dataset))


@pytest.mark.req("REQ-MD-34")
@pytest.mark.parametrize("sop_class", PASSING.values(), ids=PASSING)
def test_what_points_at_images_goes_through_and_points_at_the_new_ones(
    scrubber: Scrubber, sop_class: str
) -> None:
    image = scrubber.scrub(as_read(study_instance(1)))

    cleaned = scrubber.scrub(as_read(_of_class(sop_class))).dataset

    (study,) = cleaned.StudiesContainingOtherReferencedInstancesSequence
    for series in (*cleaned.ReferencedSeriesSequence, *study.ReferencedSeriesSequence):
        assert series.SeriesInstanceUID == image.series_instance_uid
        (pointed,) = series.ReferencedInstanceSequence
        assert pointed.ReferencedSOPInstanceUID == image.sop_instance_uid
    assert study.StudyInstanceUID == image.study_instance_uid
    assert not marks_in(stored(cleaned))


REAL = [
    *(packaged(name) for name in ("rtplan.dcm", "rtdose_1frame.dcm", "liver_1frame.dcm")),
    *(path for path in zoo_files() if "parametric_map" in path.name),
]


@pytest.mark.req("REQ-MD-34")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_references_of_real_objects_are_as_many_and_consistent(
    scrubber: Scrubber, quiet: None, path: object
) -> None:
    original = dcmread(str(path))
    pseudonyms = Pseudonyms(KEY)

    cleaned = scrubber.scrub(original).dataset

    # Referenced Study Sequence goes: it is optional, and the table empties it.
    del original[0x00081110:0x00081111]
    expected = [(keyword, pseudonyms.uid(uid)) for keyword, uid in _references(original)]
    assert len(expected) > 3
    assert list(_references(cleaned)) == expected


@pytest.mark.req("REQ-MD-34")
def test_a_curve_with_notes_waits_unless_they_are_cleaned(
    scrubber: Scrubber, cleaning_scrubber: Scrubber, quiet: None
) -> None:
    original = dcmread(packaged("waveform_ecg.dcm"))

    with pytest.raises(UnsupportedObject, match="need the option clean_structured_content"):
        scrubber.scrub(original)
    cleaned = cleaning_scrubber.scrub(original).dataset

    texts = [
        item.UnformattedTextValue
        for item in cleaned.WaveformAnnotationSequence
        if "UnformattedTextValue" in item
    ]
    assert texts
    assert set(texts) == {"REMOVED"}
    waveforms = zip(original.WaveformSequence, cleaned.WaveformSequence, strict=True)
    assert all(before.WaveformData == after.WaveformData for before, after in waveforms)


def test_a_curve_without_notes_goes_through(scrubber: Scrubber, quiet: None) -> None:
    original = dcmread(packaged("waveform_ecg.dcm"))
    for item in original.WaveformAnnotationSequence:
        item.pop("UnformattedTextValue", None)

    cleaned = scrubber.scrub(original).dataset

    assert len(cleaned.WaveformAnnotationSequence) == len(original.WaveformAnnotationSequence)
