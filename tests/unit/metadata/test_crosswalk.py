"""Old and new identifiers: written down only where a site asks for it, and for its eyes only."""

import csv
from pathlib import Path

import pytest
from pydicom.dataelem import DataElement

from deid_node.cli import main
from deid_node.cli.status import ExitStatus
from deid_node.errors import ConfigurationError, CrosswalkUnavailable, InputError
from deid_node.metadata.build import build_scrubber
from deid_node.metadata.crosswalk import Crosswalk, Kind, export, require_private
from deid_node.metadata.plan.options import CrosswalkOptions, MetadataOptions, Option
from tests.unit.metadata.canary import KEY, UID_ROOT, as_read, study_instance


def _scrubbed_into(path: Path, *options: Option) -> None:
    configured = MetadataOptions(crosswalk=CrosswalkOptions(enabled=True, file=path))
    scrubber = build_scrubber(configured, frozenset({Option.CLEAN_PIXEL_DATA, *options}), key=KEY)
    for number in (1, 2, 1):
        scrubber.remember(scrubber.scrub(as_read(study_instance(number))))


@pytest.mark.req("REQ-MD-24")
def test_every_replaced_identifier_is_exported_once(tmp_path: Path) -> None:
    kept, output = tmp_path / "kept.sqlite", tmp_path / "out.csv"
    _scrubbed_into(kept)

    count = export(kept, output)

    rows = list(csv.reader(output.read_text("utf-8").splitlines()))
    assert rows[0] == ["id_old", "id_new"]
    assert {old for old, _ in rows[1:]} == {
        "CB-771259", *(f"{UID_ROOT}.{end}" for end in ("1", "2", "3.1", "3.2", "4")),
    }  # fmt: skip
    assert len(rows) - 1 == count == 6
    scrubbed = build_scrubber(MetadataOptions(), frozenset(), key=KEY).scrub(study_instance())
    assert ["CB-771259", scrubbed.dataset.PatientID] in rows
    assert [f"{UID_ROOT}.3.1", scrubbed.sop_instance_uid] in rows


def test_a_uid_of_a_private_element_that_stays_is_listed_too(tmp_path: Path) -> None:
    dataset = study_instance()
    dataset[0x00990010] = DataElement(0x00990010, "LO", "NQHeader")
    dataset[0x00991002] = DataElement(0x00991002, "UI", f"{UID_ROOT}.77")
    options = MetadataOptions(
        crosswalk=CrosswalkOptions(enabled=True, file=tmp_path / "kept.sqlite")
    )
    scrubber = build_scrubber(options, frozenset({Option.RETAIN_SAFE_PRIVATE}), key=KEY)

    scrubbed = scrubber.scrub(as_read(dataset))
    scrubber.remember(scrubbed)
    export(tmp_path / "kept.sqlite", tmp_path / "out.csv")

    assert f"{UID_ROOT}.77,{scrubbed.dataset[0x00991002].value}" in (
        (tmp_path / "out.csv").read_text("utf-8").splitlines()
    )


@pytest.mark.req("REQ-MD-24")
def test_its_files_are_open_to_nobody_else(tmp_path: Path) -> None:
    kept, output = tmp_path / "kept.sqlite", tmp_path / "out.csv"
    _scrubbed_into(kept)

    export(kept, output)

    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize(("only", "count"), [(Kind.PATIENT_ID, 1), (Kind.UID, 5)])
def test_one_kind_can_be_asked_for(tmp_path: Path, only: Kind, count: int) -> None:
    _scrubbed_into(tmp_path / "kept.sqlite")

    assert export(tmp_path / "kept.sqlite", tmp_path / "out.csv", only=only) == count


def test_what_stays_is_not_listed(tmp_path: Path) -> None:
    _scrubbed_into(tmp_path / "kept.sqlite", Option.RETAIN_UIDS)

    assert export(tmp_path / "kept.sqlite", tmp_path / "out.csv") == 1


@pytest.mark.req("REQ-MD-24")
def test_nothing_is_written_down_unless_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite"
    scrubber = build_scrubber(
        MetadataOptions(crosswalk=CrosswalkOptions(file=path)), frozenset(), key=KEY
    )

    scrubbed = scrubber.scrub(study_instance())
    scrubber.remember(scrubbed)

    assert not path.exists()
    assert not scrubbed.pairs
    assert "771259" not in repr(scrubbed)


def test_a_list_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite"
    path.touch(mode=0o644)

    with pytest.raises(ConfigurationError):
        require_private(path)
    with pytest.raises(CrosswalkUnavailable):
        Crosswalk(path).record([(Kind.UID, "1.2", "3.4")])


def test_a_list_that_cannot_be_written_withholds(tmp_path: Path) -> None:
    with pytest.raises(CrosswalkUnavailable):
        Crosswalk(tmp_path / "none" / "kept.sqlite").record([(Kind.UID, "1.2", "3.4")])


def test_an_export_overwrites_nothing(tmp_path: Path) -> None:
    _scrubbed_into(tmp_path / "kept.sqlite")
    (tmp_path / "out.csv").write_text("mine", encoding="utf-8")

    with pytest.raises(InputError):
        export(tmp_path / "kept.sqlite", tmp_path / "out.csv")

    assert (tmp_path / "out.csv").read_text("utf-8") == "mine"


@pytest.mark.req("REQ-MD-24")
@pytest.mark.parametrize(
    ("enabled", "status"), [("true", ExitStatus.DONE), ("false", ExitStatus.MISUSE)]
)
def test_the_command_needs_the_setting(tmp_path: Path, enabled: str, status: ExitStatus) -> None:
    _scrubbed_into(tmp_path / "kept.sqlite")
    config = tmp_path / "node.yaml"
    config.write_text(
        f"metadata: {{crosswalk: {{enabled: {enabled}, file: kept.sqlite}}}}", encoding="utf-8"
    )

    done = main(["crosswalk", "export", "--config", str(config), str(tmp_path / "out.csv")])

    assert done == status
    assert (tmp_path / "out.csv").exists() is (enabled == "true")
