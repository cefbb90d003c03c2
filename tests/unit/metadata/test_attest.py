import pytest

from deid_node.metadata.plan.attest import attest
from deid_node.metadata.plan.options import Option
from deid_node.metadata.scrub import Scrubber
from tests.unit.metadata.canary import as_read, stored, study_instance

CLEAN_PIXELS = frozenset({Option.CLEAN_PIXEL_DATA})


@pytest.mark.parametrize(
    ("with_pixels", "options", "looked_at", "clean", "codes", "burned_in"),
    [
        (True, CLEAN_PIXELS, True, True, ("113100", "113101"), "NO"),
        (True, frozenset(), True, True, ("113100",), "NO"),
        (True, CLEAN_PIXELS, True, False, ("113100",), "YES"),
        (True, CLEAN_PIXELS, False, True, ("113100",), "YES"),
        (True, CLEAN_PIXELS, False, False, ("113100",), "YES"),
        (False, CLEAN_PIXELS, True, True, ("113100",), "YES"),
    ],
)
def test_only_what_was_done_is_attested(
    scrubber: Scrubber,
    with_pixels: bool,
    options: frozenset[Option],
    looked_at: bool,
    clean: bool,
    codes: tuple[str, ...],
    burned_in: str,
) -> None:
    original = study_instance()
    original.BurnedInAnnotation = "YES"
    if with_pixels:
        original.add_new("PixelData", "OW", b"\0\1\2\3")
    dataset = scrubber.scrub(as_read(original)).dataset

    attested = attest(dataset, options=options, pixels_looked_at=looked_at, second_look_clean=clean)

    assert attested == codes
    assert dataset.PatientIdentityRemoved == "YES"
    written = [item.CodeValue for item in dataset.DeidentificationMethodCodeSequence]
    assert tuple(written) == codes
    assert dataset.LongitudinalTemporalInformationModified == "REMOVED"
    assert dataset.BurnedInAnnotation == burned_in
    assert len(dataset.DeidentificationMethod) <= 64
    assert stored(dataset)


def test_claims_that_the_instance_came_with_are_not_repeated(scrubber: Scrubber) -> None:
    original = study_instance()
    original.PatientIdentityRemoved = "YES"
    original.DeidentificationMethod = "by Canarybird"
    code = study_instance()
    code.CodeValue = "113107"
    original.DeidentificationMethodCodeSequence = [code]
    original.LongitudinalTemporalInformationModified = "UNMODIFIED"
    original.BurnedInAnnotation = "NO"

    dataset = scrubber.scrub(as_read(original)).dataset

    assert "PatientIdentityRemoved" not in dataset
    assert "DeidentificationMethod" not in dataset
    assert "DeidentificationMethodCodeSequence" not in dataset
    assert "LongitudinalTemporalInformationModified" not in dataset


@pytest.mark.req("REQ-MD-20")
@pytest.mark.parametrize(
    ("option", "codes", "dates"),
    [
        (Option.RETAIN_LONGITUDINAL_FULL_DATES, ("113100", "113106"), "UNMODIFIED"),
        (Option.RETAIN_LONGITUDINAL_MODIFIED_DATES, ("113100", "113107"), "MODIFIED"),
        (Option.RETAIN_PATIENT_CHARACTERISTICS, ("113100", "113108"), "REMOVED"),
        (Option.RETAIN_DEVICE_IDENTITY, ("113100", "113109"), "REMOVED"),
        (Option.RETAIN_UIDS, ("113100", "113110"), "REMOVED"),
        (Option.RETAIN_INSTITUTION_IDENTITY, ("113100", "113112"), "REMOVED"),
        (Option.CLEAN_RECOGNIZABLE_VISUAL_FEATURES, ("113100",), "REMOVED"),
    ],
)
def test_each_option_is_told_by_its_code(
    scrubber: Scrubber, option: Option, codes: tuple[str, ...], dates: str
) -> None:
    dataset = scrubber.scrub(as_read(study_instance())).dataset

    attested = attest(
        dataset, options=frozenset({option}), pixels_looked_at=False, second_look_clean=False
    )

    assert attested == codes
    assert dataset.LongitudinalTemporalInformationModified == dates


@pytest.mark.req("REQ-MD-21")
def test_a_weakened_table_is_not_told_as_the_basic_profile(scrubber: Scrubber) -> None:
    dataset = scrubber.scrub(as_read(study_instance())).dataset

    attested = attest(
        dataset,
        options=frozenset(),
        pixels_looked_at=False,
        second_look_clean=False,
        follows_table=False,
    )

    assert attested == ()
    assert "DeidentificationMethodCodeSequence" not in dataset
    assert dataset.DeidentificationMethod.endswith("weakened by the site")
    assert len(dataset.DeidentificationMethod) <= 64


@pytest.mark.parametrize(
    ("said", "ours", "told"),
    [
        ("", (), None),
        ("", ("unused bits cleared",), "unused bits cleared"),
        ("Lossless JPEG compression", ("burned-in text replaced", "unused bits cleared"),
         "Lossless JPEG compression; burned-in text replaced; unused bits cleared"),
        ("Lossless JPEG compression of Canarybird", ("burned-in text replaced",),
         "Lossless JPEG compression of; burned-in text replaced"),
        ("Lossless JPEG compression", (), "Lossless JPEG compression"),
    ],
)  # fmt: skip
def test_what_is_said_of_the_pixels_is_not_cleaned_as_prose(
    cleaning_scrubber: Scrubber, said: str, ours: tuple[str, ...], told: str | None
) -> None:
    original = study_instance()
    original.DerivationDescription = said
    dataset = cleaning_scrubber.scrub(as_read(original)).dataset

    attest(
        dataset, options=frozenset(), pixels_looked_at=True, derivation=ours,
        second_look_clean=True,
    )  # fmt: skip

    assert dataset.get("DerivationDescription") == told


def test_a_long_description_makes_room_for_what_was_done(scrubber: Scrubber) -> None:
    dataset = scrubber.scrub(as_read(study_instance())).dataset
    dataset.DerivationDescription = "x" * 1020

    attest(
        dataset, options=frozenset(), pixels_looked_at=True, second_look_clean=True,
        derivation=("burned-in text replaced",),
    )  # fmt: skip

    assert dataset.DerivationDescription == "burned-in text replaced"
