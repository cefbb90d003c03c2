"""The shape of values, and what happens to those that have another."""

import math

import pytest

from deid_node.errors import IdentifierLeft, UnknownSubject, WorkerLost
from deid_node.observe.fields import Kind
from deid_node.observe.redact import LONGEST_TEXT, UNSAFE, safe_text, safe_value
from deid_node.values.identity import new_instance_id
from deid_node.values.state import InstanceState


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        (Kind.TOKEN, "7f3c9a", "7f3c9a"),
        (Kind.TOKEN, "association-12", "association-12"),
        (Kind.ADDRESS, "10.1.0.5", "10.1.0.5"),
        (Kind.ADDRESS, "fd00::5", "fd00::5"),
        (Kind.ADDRESS, "DOE^JANE", "unsafe_value"),
        (Kind.ADDRESS, "1951", "unsafe_value"),
        (Kind.TITLE, "CT_ONE", "CT_ONE"),
        (Kind.TITLE, "DOE^JANE", "unsafe_value"),
        (Kind.TITLE, "19510213", "unsafe_value"),
        (Kind.VERSION, "0.1.0", "0.1.0"),
        (Kind.VERSION, "0.1.0rc1", "0.1.0rc1"),
        (Kind.VERSION, "0.1.0.dev1", "0.1.0.dev1"),
        (Kind.VERSION, "2026c", "2026c"),
        (Kind.NAME, "CT1", "CT1"),
        (Kind.NAME, "3T_scanner", "3T_scanner"),
        (Kind.NAME, "research-archive.v2", "research-archive.v2"),
        (Kind.CODE, InstanceState.CLEAN, "clean"),
        (Kind.VERSION, "crnn-0.1.0", "crnn-0.1.0"),
        (Kind.STANDARD_UID, "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.50"),
        (Kind.STATUS, 0, "0x0000"),
        (Kind.STATUS, 0xA700, "0xA700"),
        (Kind.COUNT, 3, 3),
        (Kind.NUMBER, 1.8400000001, 1.84),
        (Kind.NUMBER, 2, 2.0),
        (Kind.FLAG, False, False),
        (Kind.TEXT, "no routing rule matched", "no routing rule matched"),
    ],
)
def test_a_value_in_the_shape_of_its_kind_is_written(
    kind: Kind, value: object, written: object
) -> None:
    assert safe_value(kind, value) == written


def test_an_instance_id_has_the_shape_of_a_token() -> None:
    instance = new_instance_id()

    assert safe_value(Kind.TOKEN, instance) == instance


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.TOKEN, "1.3.6.1.4.1.5962.1.1"),
        (Kind.TOKEN, "DOE^JANE"),
        (Kind.TOKEN, "Jane"),
        (Kind.TOKEN, "jane"),
        (Kind.TOKEN, "19700101"),
        (Kind.TOKEN, ""),
        (Kind.TOKEN, "a\n"),
        (Kind.NAME, "Jane Doe"),
        (Kind.NAME, "DOE^JANE"),
        (Kind.NAME, "19700101"),
        (Kind.NAME, "x" * 65),
        (Kind.CODE, "Doe"),
        (Kind.VERSION, "Jane Doe"),
        (Kind.VERSION, "19700101"),
        (Kind.VERSION, "1970.01.01"),
        (Kind.VERSION, "10.1.2.3"),
        (Kind.STANDARD_UID, "1.3.6.1.4.1.5962.1.1"),
        (Kind.STANDARD_UID, "1.2.840.100080.1"),
        (Kind.STATUS, -1),
        (Kind.STATUS, 0x10000),
        (Kind.STATUS, "A700"),
        (Kind.COUNT, -1),
        (Kind.COUNT, True),
        (Kind.COUNT, "3"),
        (Kind.COUNT, 1.5),
        (Kind.NUMBER, math.nan),
        (Kind.NUMBER, math.inf),
        (Kind.NUMBER, "1.5"),
        (Kind.FLAG, 1),
        (Kind.TEXT, 12),
        (Kind.TEXT, ValueError("Jane")),
    ],
)
def test_a_value_of_another_shape_is_gone_as_a_whole(kind: Kind, value: object) -> None:
    assert safe_value(kind, value) == UNSAFE


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Invalid value for VR DA: '19700101x'", "Invalid value for VR DA: *"),
        ('cannot parse "Jane Doe" here', "cannot parse * here"),
        ("patient DOE^JANE^^ is odd", "patient * is odd"),
        ("uid 1.2.840.113619.2.55 clashes", "uid * clashes"),
        ("born 1970-01-01", "born *"),
        ("id 00123456", "id *"),
        ("from 10.1.2.3", "from *"),
        ("one\nline\tonly\x1b[31m", "one line only [31m"),
        ("Köln", "K ln"),
    ],
)
def test_what_looks_like_a_value_is_masked_in_text(text: str, written: str) -> None:
    assert safe_text(text) == written


def test_text_is_cut_at_its_bound() -> None:
    assert len(safe_text("ab " * 1000)) == LONGEST_TEXT


@pytest.mark.parametrize(
    "text",
    [
        str(UnknownSubject()),
        str(WorkerLost()),
        str(IdentifierLeft("PatientName")),
        "the sender's association isn't open",
        "0xA700 of 128 frames",
    ],
)
def test_the_texts_of_our_own_errors_pass_unchanged(text: str) -> None:
    assert safe_text(text) == text
