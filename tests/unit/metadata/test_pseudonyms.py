import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from deid_node.errors import ConfigurationError, UnknownSubject
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.apply.subjects import SubjectTable
from tests.unit.metadata.canary import KEY, UID_ROOT


def test_the_same_original_gives_the_same_pseudonym_always() -> None:
    """Known answers: a change of these breaks every study that is half delivered."""
    pseudonyms = Pseudonyms(KEY)

    assert pseudonyms.uid("1.2.3") == "2.25.178119934108042504128883124136186251222"
    assert pseudonyms.patient_id("4711") == "64D1B394P9XLK1V8"
    assert pseudonyms.accession_number("4711") == "DDX89FKMPD01L68B"
    assert pseudonyms.study_id("4711") == "6JJ7B7M8446QHDHK"


def test_another_key_gives_other_pseudonyms() -> None:
    one, other = Pseudonyms(KEY), Pseudonyms(b"o" * 32)

    assert one.uid("1.2.3") != other.uid("1.2.3")
    assert one.patient_id("4711") != other.patient_id("4711")


def test_kinds_of_identifiers_cannot_be_linked() -> None:
    pseudonyms = Pseudonyms(KEY)

    made = {
        pseudonyms.patient_id("4711"),
        pseudonyms.accession_number("4711"),
        pseudonyms.study_id("4711"),
    }

    assert len(made) == 3


@given(st.text(min_size=1))
def test_every_pseudonym_is_valid_for_its_vr(original: str) -> None:
    pseudonyms = Pseudonyms(KEY, patient_id_prefix="T" * 40)

    assert re.fullmatch(r"2\.25\.(0|[1-9][0-9]*)", pseudonyms.uid(original))
    assert len(pseudonyms.uid(original)) <= 64
    assert re.fullmatch(r"T{40}[0-9A-Z]{16}", pseudonyms.patient_id(original))
    assert re.fullmatch(r"[0-9A-Z]{16}", pseudonyms.accession_number(original))
    assert not set("AEIOUY") & set(pseudonyms.study_id(original))


@given(st.sets(st.text(min_size=1, max_size=8), min_size=2, max_size=50))
def test_different_originals_get_different_pseudonyms(originals: set[str]) -> None:
    pseudonyms = Pseudonyms(KEY)

    assert len({pseudonyms.uid(original) for original in originals}) == len(originals)
    assert len({pseudonyms.patient_id(original) for original in originals}) == len(originals)


@pytest.mark.parametrize(
    "uid", [CTImageStorage, ExplicitVRLittleEndian, "1.2.840.10008.2.16.4", "1.2.840.10008.1.4.1.1"]
)
def test_uids_that_the_standard_registers_stay(uid: str) -> None:
    assert Pseudonyms(KEY).uid(uid) == uid


def test_a_uid_below_the_standard_root_that_nobody_registered_is_replaced() -> None:
    assert Pseudonyms(KEY).uid("1.2.840.10008.19510213.7712").startswith("2.25.")


def test_the_subject_table_decides_alone() -> None:
    pseudonyms = Pseudonyms(KEY, SubjectTable({("4711", ""): "TRIAL-007"}), patient_id_prefix="X")

    assert pseudonyms.patient_id("4711") == "TRIAL-007"
    with pytest.raises(UnknownSubject) as raised:
        pseudonyms.patient_id("canarybird")
    assert "canary" not in str(raised.value).lower()


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        Pseudonyms(b"k" * 31)


def test_nothing_secret_is_shown() -> None:
    pseudonyms = Pseudonyms(KEY, SubjectTable({("canarybird", ""): UID_ROOT}))

    assert "kkkk" not in repr(pseudonyms)
    assert "canary" not in repr(SubjectTable({("canarybird", ""): "x"}))


@pytest.mark.req("REQ-MD-22")
def test_the_same_id_of_two_issuers_is_two_patients() -> None:
    pseudonyms = Pseudonyms(KEY)

    made = {pseudonyms.patient_id("4711", issuer) for issuer in ("", "NORTH", "SOUTH")}

    assert len(made) == 3
    assert pseudonyms.patient_id("711", "A4") != pseudonyms.patient_id("4711", "A")


def test_an_issuer_can_be_ignored() -> None:
    pseudonyms = Pseudonyms(KEY, ignores_issuer=True)

    assert pseudonyms.patient_id("4711", "NORTH") == Pseudonyms(KEY).patient_id("4711")


def test_the_table_may_tell_issuers_apart() -> None:
    table = SubjectTable({("4711", "NORTH"): "S-1", ("4711", ""): "S-2"})
    pseudonyms = Pseudonyms(KEY, table)

    assert pseudonyms.patient_id("4711", "NORTH") == "S-1"
    assert pseudonyms.patient_id("4711", "SOUTH") == pseudonyms.patient_id("4711") == "S-2"
    with pytest.raises(UnknownSubject):
        Pseudonyms(KEY, SubjectTable({("4711", "NORTH"): "S-1"})).patient_id("4711", "SOUTH")


def test_the_ids_of_one_subject_move_by_the_same_days() -> None:
    table = SubjectTable({("4711", ""): "S-1", ("0815", ""): "S-1", ("1", ""): "S-2"})
    pseudonyms = Pseudonyms(KEY, table)

    shifts = [pseudonyms.shift_days(one, "", "", range(-1826, 0)) for one in ("4711", "0815", "1")]

    assert shifts[0] == shifts[1] != shifts[2]
