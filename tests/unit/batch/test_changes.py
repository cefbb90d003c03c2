"""What changed is told attribute by attribute, by name and without a value."""

import json
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread, dcmwrite

from deid_node.batch.changes import Action, Change, changes
from deid_node.dicom import part10
from deid_node.dicom.bulk import LARGE_BYTES, Bulk
from deid_node.metadata.build import build_scrubber
from deid_node.metadata.plan.options import MetadataOptions
from tests.builders.samples import packaged
from tests.unit.metadata.canary import KEY, marks_in, study_instance


def _read_anew(dataset: Dataset) -> Dataset:
    file = BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    file.seek(0)
    return dcmread(file)


def _told(found: tuple[Change, ...]) -> dict[str, Action]:
    return {one.attribute: one.action for one in found}


def test_each_attribute_is_told_by_what_became_of_it() -> None:
    before = study_instance()
    before.PatientName, before.PatientID, before.PatientAge = "Doe^Jane", "17", "071Y"
    after = study_instance()
    after.PatientName, after.PatientID = "", "P-1"
    after.PatientIdentityRemoved = "YES"

    found = changes(_read_anew(before), _read_anew(after))

    assert {
        name: action for name, action in _told(found).items() if name.startswith("Patient")
    } == {
        "PatientName": Action.EMPTIED,
        "PatientID": Action.REPLACED,
        "PatientAge": Action.REMOVED,
        "PatientIdentityRemoved": Action.ADDED,
    }
    assert {one.tag for one in found if one.attribute == "PatientID"} == {"00100020"}


def test_nothing_is_told_of_what_stays() -> None:
    sample = dcmread(packaged("CT_small.dcm"))

    assert changes(sample, dcmread(packaged("CT_small.dcm"))) == ()


def test_what_reading_has_decoded_is_not_taken_for_another_value() -> None:
    before, after = (dcmread(packaged("CT_small.dcm")) for _ in range(2))

    assert before.PixelRepresentation == 1
    assert before.PatientName

    assert changes(before, after) == changes(after, before) == ()
    after.PixelRepresentation = 0
    assert _told(changes(before, after)) == {"PixelRepresentation": Action.REPLACED}


def test_items_are_gone_into_and_named_by_their_way() -> None:
    def instance(code: str, items: int) -> Dataset:
        dataset = study_instance()
        inner = Dataset()
        inner.CodeValue, inner.CodeMeaning = code, "same"
        outer = Dataset()
        outer.ConceptNameCodeSequence = [inner]
        dataset.ContentSequence = [outer] * items
        return _read_anew(dataset)

    changed = changes(instance("a", 1), instance("b", 1))
    shorter = changes(instance("a", 2), instance("a", 1))

    assert _told(changed) == {"ContentSequence/ConceptNameCodeSequence/CodeValue": Action.REPLACED}
    assert _told(shorter) == {"ContentSequence": Action.REPLACED}


def test_private_attributes_are_named_by_their_tags() -> None:
    before = study_instance()
    before.private_block(0x0029, "MAKER", create=True).add_new(0x10, "LO", "secret")

    found = changes(_read_anew(before), _read_anew(study_instance()))

    assert _told(found) == {"(0029,0010)": Action.REMOVED, "(0029,1010)": Action.REMOVED}


@pytest.mark.parametrize("changed", [False, True])
def test_pixels_that_stay_in_the_file_are_compared_too(tmp_path: Path, changed: bool) -> None:
    both = []
    for name in ("before", "after"):
        dataset = dcmread(packaged("CT_small.dcm"))
        dataset.NumberOfFrames = 300
        pixels = np.tile(np.frombuffer(dataset.PixelData, np.uint8), 300)
        pixels[-1] ^= changed and name == "after"
        dataset.PixelData = pixels.tobytes()
        dataset.save_as(tmp_path / name)
        both.append(part10.read(tmp_path / name))
    assert len(both[0].PixelData) > LARGE_BYTES
    assert isinstance(both[0].PixelData, Bulk)

    assert _told(changes(*both)) == ({"PixelData": Action.REPLACED} if changed else {})


def test_no_value_of_the_patient_is_told_unless_it_is_asked_for() -> None:
    before = study_instance()
    scrubbed = build_scrubber(MetadataOptions(), frozenset(), key=KEY).scrub(before).dataset

    found = changes(_read_anew(before), _read_anew(scrubbed))

    assert "PatientName" in _told(found)
    assert not marks_in(json.dumps([asdict(one) for one in found]).encode())
    assert not marks_in(repr(changes(before, scrubbed, values=True)).encode())


def test_values_that_are_asked_for_are_one_printable_line_each() -> None:
    before, after = study_instance(), study_instance()
    before.PatientComments = "one\r\n\x1b[2Jtwo" + "x" * 100
    after.PatientComments = ""
    after.private_block(0x0029, "MAKER", create=True).add_new(0x10, "OB", b"\1\2")

    found = {one.attribute: one for one in changes(before, after, values=True)}

    told = found["PatientComments"].before
    assert told.startswith("one ?[2Jtwoxx")
    assert told.endswith("...")
    assert told.isprintable()
    assert len(told) < 70
    assert found["PatientComments"].after == ""
    assert found["(0029,1010)"].after == "(bytes)"
