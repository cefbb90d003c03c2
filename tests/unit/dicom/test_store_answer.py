"""The answer to STOW-RS, as we write it and as others write it."""

import json

import pytest
from pydicom import Dataset

from deid_node.dicom.web.store_answer import (
    AnswerUnreadable,
    NotStored,
    StoreAnswer,
    Stored,
    answer_in,
    json_of,
    xml_of,
)

CT = "1.2.840.10008.5.1.4.1.1.2"
WHOLE = StoreAnswer(
    (
        Stored(
            CT, "2.25.1", retrieve_url="http://archive/studies/2.25.9/series/2.25.8/instances/1"
        ),
        Stored(CT, "2.25.2", warning=0xB000),
    ),
    (NotStored(CT, "2.25.3", 0xA700), NotStored(CT, "2.25.4")),
    "http://archive/studies/2.25.9",
    (0xC000, 0xA700),
)
ORTHANC_XML = b"""<?xml version="1.0" encoding="utf-8"?>
<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">
  <DicomAttribute tag="00081198" vr="SQ" keyword="FailedSOPSequence" />
  <DicomAttribute tag="00081199" vr="SQ" keyword="ReferencedSOPSequence">
    <Item number="1">
      <DicomAttribute tag="00081150" vr="UI"><Value number="1">1.2</Value></DicomAttribute>
      <DicomAttribute tag="00081155" vr="UI"><Value number="1">2.25.1</Value></DicomAttribute>
    </Item>
    <Value number="1" />
  </DicomAttribute>
</NativeDicomModel>
"""


@pytest.mark.parametrize("answer", [WHOLE, StoreAnswer()], ids=["whole", "empty"])
def test_what_is_written_is_read_in_either_form(answer: StoreAnswer) -> None:
    assert answer_in(json_of(answer)) == answer
    assert answer_in(xml_of(answer)) == answer


def test_the_json_that_is_written_is_read_by_the_library() -> None:
    read = Dataset.from_json(json_of(WHOLE).decode())

    assert [item.ReferencedSOPInstanceUID for item in read.ReferencedSOPSequence] == [
        "2.25.1",
        "2.25.2",
    ]
    assert read.FailedSOPSequence[0].FailureReason == 0xA700
    assert [item.FailureReason for item in read.OtherFailuresSequence] == [0xC000, 0xA700]
    assert "FailureReason" not in read.FailedSOPSequence[1]


def test_that_nothing_can_be_retrieved_is_said_by_an_empty_value() -> None:
    """Retrieve URL is of Type 2: it is there, and may be empty."""
    answer = StoreAnswer((Stored(CT, "2.25.1", retrieve_url=""),), retrieve_url="")

    assert json.loads(json_of(answer))["00081190"] == {"vr": "UR"}
    assert xml_of(answer).count(b'keyword="RetrieveURL" />') == 2
    assert answer_in(xml_of(answer)) == StoreAnswer((Stored(CT, "2.25.1"),))


def test_a_sequence_without_a_value_has_no_items() -> None:
    answer = answer_in(b'{"00081198":{"vr":"SQ"},"00081199":{"vr":"SQ"}}')

    assert answer == StoreAnswer()


def test_what_stands_beside_does_not_hinder() -> None:
    """Elements of group 0 inside, as one cloud sends them, and values that are none."""
    item = {
        "00081155": {"vr": "UI", "Value": ["2.25.1\0"]},
        "00741048": {"vr": "SQ", "Value": [{"00000902": {"vr": "LO", "Value": ["x"]}}]},
        "00081196": {"vr": "US", "Value": ["45063"]},
        "00081190": {"vr": "UR", "Value": []},
        "odd": 7,
    }
    content = json.dumps([{"00081199": {"vr": "SQ", "Value": [item, None]}}, {}]).encode()

    assert answer_in(content).stored == (Stored("", "2.25.1", 45063),)


def test_xml_is_read_as_another_writes_it() -> None:
    assert answer_in(ORTHANC_XML) == StoreAnswer((Stored("1.2", "2.25.1"),))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" ",
        b"OK",
        b"null",
        b"[7]",
        json_of(WHOLE)[:-1],
        xml_of(WHOLE)[:-1],
        b"<html><body>busy</body></html>",
        b"[" * 100_000,
        b'<!DOCTYPE a [<!ENTITY b "c">]><NativeDicomModel>&b;</NativeDicomModel>',
    ],
)
def test_what_is_no_answer_is_not_taken_for_one(content: bytes) -> None:
    with pytest.raises(AnswerUnreadable):
        answer_in(content)


def test_an_answer_that_is_cut_anywhere_is_none() -> None:
    for whole in (json_of(WHOLE), xml_of(WHOLE)):
        for length in range(len(whole)):
            with pytest.raises(AnswerUnreadable):
                answer_in(whole[:length])
