from pathlib import Path

import pytest
from pydantic import ValidationError

from deid_node.errors import ConfigurationError
from deid_node.metadata.apply.keys import new_key_file
from deid_node.metadata.build import build_scrubber, require_key_file
from deid_node.metadata.plan.options import OFFERED, MetadataOptions, Option, require_offered
from deid_node.metadata.scrub import Scrubber
from tests.unit.metadata.canary import KEY, study_instance


def test_the_twelve_options_have_the_codes_of_cid_7050() -> None:
    assert {option.value: option.code for option in Option} == {
        "clean_pixel_data": "113101",
        "clean_recognizable_visual_features": "113102",
        "clean_graphics": "113103",
        "clean_structured_content": "113104",
        "clean_descriptors": "113105",
        "retain_longitudinal_full_dates": "113106",
        "retain_longitudinal_modified_dates": "113107",
        "retain_patient_characteristics": "113108",
        "retain_device_identity": "113109",
        "retain_uids": "113110",
        "retain_safe_private": "113111",
        "retain_institution_identity": "113112",
    }
    assert all(len(option.meaning) <= 64 for option in Option)


def test_the_defaults_need_nothing() -> None:
    options = MetadataOptions()

    assert options.pseudonym_key_file == Path("pseudonym.key")
    assert options.subject_table_file is None
    assert options.options == ()


@pytest.mark.parametrize(
    "given",
    [
        {"pseudonym_key": "x"},
        {"options": ["retain_everything"]},
        {"patient_id_prefix": "a b"},
        {"patient_id_prefix": "a\\b"},
        {"patient_id_prefix": "a" * 41},
        {"dates": {"least_shift_days": -1}},
        {"dates": {"least_shift_days": -5, "most_shift_days": 5}},
        {"dates": {"least_shift_days": -40000}},
        {"dates": {"birth_date": "keep"}},
        {"issuer_of_patient_id": "maybe"},
        {"additions": [{"attribute": "StudyID", "action": "C", "reason": "x"}]},
        {"additions": [{"attribute": "StudyID", "action": "X"}]},
        {"additions": [{"attribute": "0020,001", "action": "X", "reason": "x"}]},
    ],
)
def test_what_is_not_understood_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        MetadataOptions.model_validate(given)


def test_options_cannot_be_changed_afterwards() -> None:
    options = MetadataOptions()

    with pytest.raises(ValidationError):
        options.patient_id_prefix = "x"  # type: ignore[misc]


def test_an_option_that_is_not_carried_out_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    option = Option.CLEAN_GRAPHICS
    monkeypatch.setattr("deid_node.metadata.plan.options.OFFERED", OFFERED - {option})

    with pytest.raises(ConfigurationError, match=option.value) as raised:
        require_offered([Option.CLEAN_PIXEL_DATA, option], path="treatments.research.options")

    assert raised.value.path == "treatments.research.options"


def test_a_scrubber_is_built_from_the_configuration(tmp_path: Path) -> None:
    table = tmp_path / "subjects.csv"
    table.touch(mode=0o600)
    table.write_text("original_patient_id,subject_id\nCB-771259,S-1\n", encoding="utf-8")
    options = MetadataOptions(subject_table_file=table)

    scrubber = build_scrubber(options, frozenset({Option.CLEAN_PIXEL_DATA}), key=KEY)

    assert isinstance(scrubber, Scrubber)
    assert scrubber.scrub(study_instance()).dataset.PatientID == "S-1"


def test_a_treatment_that_names_no_option_takes_the_defaults() -> None:
    options = MetadataOptions(options=(Option.RETAIN_UIDS,))

    by_default = build_scrubber(options, frozenset(), key=KEY)
    named = build_scrubber(options, frozenset({Option.CLEAN_PIXEL_DATA}), key=KEY)

    assert by_default.plan.options == {Option.RETAIN_UIDS}
    assert named.plan.options == {Option.CLEAN_PIXEL_DATA}


@pytest.mark.req("REQ-MD-18")
def test_dates_that_stay_and_dates_that_move_exclude_each_other() -> None:
    both = [Option.RETAIN_LONGITUDINAL_FULL_DATES, Option.RETAIN_LONGITUDINAL_MODIFIED_DATES]

    with pytest.raises(ConfigurationError, match="exclude each other") as raised:
        require_offered(both, path="treatments.research.options")

    assert raised.value.path == "treatments.research.options"
    for option in both:
        assert require_offered([option], path="") == {option}


def test_the_key_is_read_from_the_file_that_is_named(tmp_path: Path) -> None:
    path = tmp_path / "k"
    new_key_file(path)

    assert require_key_file(MetadataOptions(pseudonym_key_file=path)) == path.read_bytes()
    with pytest.raises(ConfigurationError):
        require_key_file(MetadataOptions(pseudonym_key_file=None))
