import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from deid_node.cli import main
from deid_node.config.ctp_script import as_yaml, imported
from deid_node.config.load import parse
from deid_node.config.schema import Config
from deid_node.pixels.text.device_regions import DeviceRegionsOptions

SCRIPT = """
Regions of the house
*** CT ***
Dose screens
  { Modality.equals("CT") *
    [0008,0070].containsIgnoreCase("acme") *
    ( SeriesDescription.startsWith("Dose") + [0008,103E].endsWithIgnoreCase("report") ) *
    ![0028,0010].equals("1024") }
  (0,0,512,110) (500, 20, 12, 30)

Sono
  { ManufacturerModelName.equalsIgnoreCase("SONO 1") }
  (0,0,640,40)
"""


def matched(script: str, **attributes: str | int) -> int:
    """Return how many rules of `script` fit a dataset with `attributes`."""
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    rules = [rule for _, rule in imported(script).rules]
    return sum(all(test.passes(dataset) for test in rule.where) for rule in rules)


def test_a_script_becomes_rules_with_half_open_boxes() -> None:
    found = imported(SCRIPT)

    assert not found.left_out
    assert [line for line, _ in found.rules] == [5, 5, 12]
    boxes = [(b.left, b.top, b.right, b.bottom) for b in found.rules[0][1].boxes]
    assert boxes == [(0, 0, 512, 110), (500, 20, 512, 50)]


@pytest.mark.parametrize(
    ("attributes", "count"),
    [
        ({"SeriesDescription": "Dose 1"}, 1),
        ({"SeriesDescription": "Full REPORT"}, 1),
        ({"SeriesDescription": "Dose report"}, 2),
        ({"SeriesDescription": "dose"}, 0),
        ({"SeriesDescription": "Dose", "Modality": "MR"}, 0),
        ({"SeriesDescription": "Dose", "Rows": 1024}, 0),
        ({"SeriesDescription": "Dose", "Manufacturer": "Other"}, 0),
        ({"ManufacturerModelName": "sono 1"}, 1),
        ({"ManufacturerModelName": "sono 12"}, 0),
    ],
)
def test_signatures_match_as_in_ctp(attributes: dict[str, str | int], count: int) -> None:
    usual: dict[str, str | int] = {"Modality": "CT", "Manufacturer": "The ACME Company"}

    assert matched(SCRIPT, **(usual | attributes)) == count


@pytest.mark.parametrize(
    ("signature", "matching"),
    [
        ('X.equals("1") + Y.equals("1") * Z.equals("1")', {"X", "XY", "XZ", "YZ", "XYZ"}),
        ('(X.equals("1") + Y.equals("1")) * Z.equals("1")', {"XZ", "YZ", "XYZ"}),
        ('!(X.equals("1") + Y.equals("1")) * Z.equals("1")', {"Z"}),
        ('!(X.equals("1") * !Y.equals("1"))', {"", "Y", "Z", "XY", "YZ", "XYZ"}),
        ('!!X.equals("1") * true.', {"X", "XY", "XZ", "XYZ"}),
        ('X == "1" + false.', {"X", "XY", "XZ", "XYZ"}),
        ('X.equals("1") // the first\n * Y.equals("1")', {"XY", "XYZ"}),
    ],
)
def test_operators_bind_as_in_ctp(signature: str, matching: set[str]) -> None:
    names = {"X": "StationName", "Y": "ProtocolName", "Z": "SoftwareVersions"}
    for short, name in names.items():
        signature = signature.replace(f"{short}.", f"{name}.").replace(f"{short} =", f"{name} =")

    found = {
        on
        for on in ("", "X", "Y", "Z", "XY", "XZ", "YZ", "XYZ")
        if matched(
            f"{{ {signature} }} (0,0,1,1)",
            **{name: str(int(short in on)) for short, name in names.items()},
        )
    }

    assert found == matching


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        ("Acme", {"Acme"}),
        ("^Acme$", {"Acme"}),
        ("(?i)acme", {"Acme", "ACME"}),
        ("Acme.*", {"Acme", "Acme Cart 1.5"}),
        (".*1\\.5", {"Acme Cart 1.5"}),
        (".*Cart.*", {"Acme Cart 1.5", "New Cart"}),
        ("Acme|Zenith", {"Acme", "Zenith"}),
        ("Zen.*|.*Cart", {"Zenith", "New Cart"}),
        ("(?i).*(acme|zenith).*", {"Acme", "ACME", "Acme Cart 1.5", "Zenith"}),
        ("(?:Acme|Ze)(.*)?", None),
        ("New (Cart|Bed)", None),
        (".*", {"Acme", "ACME", "Acme Cart 1.5", "New Cart", "Zenith"}),
    ],
)
def test_a_pattern_that_spells_out_text_matches_what_the_pattern_does(
    pattern: str, matching: set[str] | None
) -> None:
    names = ("Acme", "ACME", "Acme Cart 1.5", "New Cart", "Zenith")
    plain, negated = (
        f'{{ {mark}Manufacturer.matches("{pattern}") }} (0,0,1,1)' for mark in ("", "!")
    )

    if matching is None:
        assert imported(plain).left_out
        return
    assert matching == {name for name in names if re.fullmatch(pattern, name)}
    assert {name for name in names if matched(plain, Manufacturer=name)} == matching
    assert {name for name in names if not matched(negated, Manufacturer=name)} == matching


def test_numbers_are_compared_as_numbers() -> None:
    script = '{ Rows.isGreaterThan("700") * !Columns.isLessThan("1024.0") } (0,0,1,1)'

    assert matched(script, Rows=1024, Columns=1024)
    assert not matched(script, Rows=700, Columns=1024)
    assert not matched(script, Rows=1024, Columns=512)


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ('{ Rows.matches("5[0-9]") } (0,0,1,1)', "a pattern that does more"),
        ('{ Rows.matches("5\\d") } (0,0,1,1)', "a pattern that does more"),
        ('{ Rows.matches("5.2") } (0,0,1,1)', "a pattern that does more"),
        ('{ Rows.matches("a(b|c)d(e|f)") } (0,0,1,1)', "a pattern that does more"),
        ('{ Rows.matches("((b)|c)") } (0,0,1,1)', "a pattern that does more"),
        ('{ Rows.matches("b+") } (0,0,1,1)', "a pattern that does more"),
        ('{ Rows.resembles("5") } (0,0,1,1)', "the method resembles"),
        ('{ Rows.isLessThan("five") } (0,0,1,1)', "no number"),
        ('{ Rows.isLessThan("nan") } (0,0,1,1)', "no number"),
        ('{ NoSuchName.equals("5") } (0,0,1,1)', "the attribute NoSuchName"),
        ('{ [0009,0010].equals("5") } (0,0,1,1)', "the attribute [0009,0010]"),
        ('{ [0009[ACME]01].equals("5") } (0,0,1,1)', "the attribute [0009[ACME]01]"),
        ('{ [6000,0022].equals("5") } (0,0,1,1)', "overlays are removed"),
        (
            '{ SeqOfUltrasoundRegions::RegionLocationMinY0.equals("5") } (0,0,1,1)',
            "the attribute SeqOfUltrasoundRegions::RegionLocationMinY0",
        ),
        ('{ Rows.equals("5") }', "without a region"),
        ('{ Rows.equals("5") * } (0,0,1,1)', "no expression"),
        ('{ Rows.equals("5" } (0,0,1,1)', "no expression"),
        ('{ (Rows.equals("5") } (0,0,1,1)', "no expression"),
        ('{ Rows.equals("5")) } (0,0,1,1)', "no expression"),
        ("{ } (0,0,1,1)", "no expression"),
        ("{ false. } (0,0,1,1)", "never matches"),
    ],
)
def test_a_section_that_cannot_be_translated_is_left_out_whole_and_said(
    section: str, reason: str
) -> None:
    found = imported(f"remark\n\n{section}\n{SCRIPT}")

    assert len(found.rules) == 3
    assert [one.line for one in found.left_out] == [3]
    assert reason in found.left_out[0].reason


@pytest.mark.parametrize(
    "region", ["(0,0,10)", "(a,b,c,d)", "(0,0,0,10)", "(see below)", "(-5,0,5,1)"]
)
def test_a_region_that_is_none_is_said_and_the_others_stay(region: str) -> None:
    found = imported(f'{{ Rows.equals("5") }} (1,2,3,4) {region}')

    ((_, rule),) = found.rules
    assert len(rule.boxes) == 1
    assert len(found.left_out) == 1


def test_a_signature_of_too_many_alternatives_is_left_out() -> None:
    pair = '(Rows.equals("1") + Rows.equals("2"))'
    found = imported(f"{{ {' * '.join([pair] * 7)} }} (0,0,1,1)")

    assert not found.rules
    assert "too many" in found.left_out[0].reason


def test_the_yaml_is_a_configuration_with_the_same_rules() -> None:
    found = imported(SCRIPT + '{ Rows.matches("1+") } (0,0,1,1)')

    text = as_yaml(found, source="house.script")

    assert "# Not translated: line 14: a pattern that does more" in text
    config: Config = parse(text, folder=Path(), environment={})
    assert config.pixels.regions == tuple(rule for _, rule in found.rules)


@given(st.text(max_size=80))
def test_any_text_is_imported_or_left_out(text: str) -> None:
    found = imported(f'{{ Rows.equals("1") {text}')

    shown = yaml.safe_load(as_yaml(found, source="any"))
    for rule in shown["pixels"]["regions"]:
        DeviceRegionsOptions.model_validate(rule)


def test_the_command_writes_yaml_and_tells_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, part, none = (tmp_path / name for name in ("whole", "part", "none"))
    whole.write_text(SCRIPT)
    part.write_text(SCRIPT + '{ Rows.matches("1+") } (0,0,1,1)')
    none.write_text("nothing of the kind")

    assert main(["import-regions", str(whole)]) == 0
    out, err = capsys.readouterr()
    assert len(yaml.safe_load(out)["pixels"]["regions"]) == 3
    assert not err
    assert main(["import-regions", str(part)]) == 3
    assert "part:14: not translated: a pattern that does more" in capsys.readouterr().err
    assert main(["import-regions", str(none)]) == 2
    assert main(["import-regions", str(tmp_path / "missing")]) == 2
