"""The command line on real files and beside a real node."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydicom import dcmread

from deid_node.demo.samples import shipped
from deid_node.demo.scanner import send
from deid_node.values.state import InstanceState
from tests.fakes.waiting import eventually
from tests.wire.nodes import AE_TITLE, deid_node, node_folder

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("commands")]

GOOD = ("CT_small.dcm", "MR_small_RLE.dcm", "rtplan.dcm")

DATES_BOTH_WAYS = ["retain_longitudinal_full_dates", "retain_longitudinal_modified_dates"]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Return a folder with good, broken and foreign files."""
    folder = tmp_path / "mixed"
    deep = folder / "study" / "series"
    deep.mkdir(parents=True)
    for name in GOOD:
        shutil.copy(shipped(name), deep / name)
    shutil.copy(shipped("MR_truncated.dcm"), folder / "b_truncated.dcm")
    shutil.copy(shipped("no_meta.dcm"), folder / "c_no_meta.dcm")
    (folder / "a_readme.txt").write_text("Not an image.\n")
    (folder / "d_empty.dcm").touch()
    (folder / "e_cut.dcm").write_bytes(shipped("CT_small.dcm").read_bytes()[:1000])
    (folder / "f_noise.dcm").write_bytes(b"\0" * 128 + b"DICM" + bytes(range(256)) * 8)
    (folder / "DICOMDIR").write_bytes(b"an index is no instance")
    return folder


def test_clean_withholds_what_it_cannot_clean_and_goes_on(mixed: Path, tmp_path: Path) -> None:
    report, out = tmp_path / "report.jsonl", tmp_path / "out"

    done = deid_node("clean", mixed, out, "--report", report, cwd=tmp_path)

    lines = [json.loads(line) for line in report.read_text().splitlines()]
    by_name = {Path(line["input"]).name: line for line in lines}
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert [line["input"] for line in lines] == sorted(
        str(path) for path in mixed.rglob("*") if path.is_file() and path.name != "DICOMDIR"
    )
    assert {name: line["code"] for name, line in by_name.items() if line["code"]} == {
        "a_readme.txt": "not_dicom",
        "b_truncated.dcm": "malformed_dataset",
        "c_no_meta.dcm": "not_dicom",
        "d_empty.dcm": "not_dicom",
        "e_cut.dcm": "malformed_dataset",
        "f_noise.dcm": "malformed_dataset",
    }
    for name in GOOD:
        line = by_name[name]
        assert line["outcome"] == "clean"
        clean = dcmread(line["output"])
        expected = out / clean.StudyInstanceUID / clean.SeriesInstanceUID
        assert Path(line["output"]) == expected / f"{clean.SOPInstanceUID}.dcm"
    assert len(list(out.rglob("*.dcm"))) == len(GOOD)


def test_clean_of_good_files_alone_ends_with_zero_and_repeats_itself_under_one_key(
    root: Path, tmp_path: Path
) -> None:
    folder = node_folder(root)
    path = shipped("CT_small.dcm")

    results = [
        folder.command("clean", path, tmp_path / name, "--config", folder.config)
        for name in ("one", "two")
    ]

    assert [done.returncode for done in results] == [0, 0], results
    one, two = ([*sorted((tmp_path / name).rglob("*.dcm"))] for name in ("one", "two"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    assert one[0].name == two[0].name


@pytest.mark.parametrize(
    "arguments",
    [
        ("clean", "nowhere", "out"),
        ("clean", "a_file", "a_file"),
        ("check", "--config", "nowhere.yaml"),
        ("withheld", "list", "--config", "no_spool.yaml"),
        ("find", "nowhere"),
    ],
    ids=" ".join,
)
def test_misuse_ends_in_one_line_and_status_two(tmp_path: Path, arguments: Sequence[str]) -> None:
    shutil.copy(shipped("CT_small.dcm"), tmp_path / "a_file")
    (tmp_path / "no_spool.yaml").write_text("spool: {dir: ./nothing}\n")

    done = deid_node(*arguments, cwd=tmp_path)

    said = [line for line in done.stderr.splitlines() if "no configuration" not in line]
    assert done.returncode == 2
    assert len(said) == 1, done.stderr
    assert said[0].startswith("deid-node: ")


@pytest.mark.parametrize(
    ("command", "section", "content", "path"),
    [
        ("serve", "receive", {"prot": 104}, "receive.prot"),
        ("check", "receive", {"port": "a secret"}, "receive.port"),
        ("check", "pixels", {"finder": {"kind": "tesseract"}}, "pixels.finder"),
        ("serve", "metadata", {"pseudonym_key_file": "./none.key"}, "metadata.pseudonym_key_file"),
        ("check", "metadata", {"options": DATES_BOTH_WAYS}, "metadata.options"),
        ("check", "sections", {"unknown": 1}, "sections"),
    ],
    ids=["unknown key", "wrong type", "unknown kind", "no key", "both ways", "unknown section"],
)
def test_a_wrong_configuration_refuses_to_start_and_names_the_path(
    root: Path, command: str, section: str, content: dict[str, object], path: str
) -> None:
    folder = node_folder(root, **{section: content})
    if section == "metadata" and "options" in content:
        text = json.loads(folder.config.read_text())
        text["treatments"] = {"research": {"options": None}}
        folder.config.write_text(json.dumps(text))

    done = folder.command(command, "--config", folder.config)

    assert done.returncode == 2
    assert f"{path}:" in done.stderr or f"{path}." in done.stderr
    assert "Traceback" not in done.stderr
    assert "a secret" not in done.stdout + done.stderr


def test_a_person_decides_on_what_is_withheld_beside_the_running_node(root: Path) -> None:
    withhold_mr = {
        "name": "mr_waits",
        "when": {"kind": "equals", "attribute": "Modality", "value": "MR"},
        "then": {"kind": "withhold"},
    }
    forward = {
        "name": "everything",
        "when": {"kind": "always"},
        "then": {"kind": "forward", "treatment": "research", "destinations": ["archive"]},
    }
    folder = node_folder(root, route={"rules": [withhold_mr, forward]})
    files = [shipped(name) for name in ("CT_small.dcm", "MR_small.dcm", "examples_overlay.dcm")]
    config = ("--config", folder.config)

    with folder.running() as node:
        send(files, port=node.port, called=AE_TITLE)
        journeys = folder.wait_until_ended(3)
        first, second = (one.id for one in journeys if one.state == InstanceState.WITHHELD)
        listed = folder.command("withheld", "list", *config, "--format", "json")
        table = folder.command("withheld", "list", *config)
        shown = folder.command("withheld", "show", *config, first)
        discarded = folder.command("withheld", "discard", *config, first)
        gone = folder.command("withheld", "show", *config, first)
        before = json.loads(folder.command("withheld", "show", *config, second).stdout)
        released = folder.command("withheld", "release", *config, second)

        def came_back() -> bool:
            entry = folder.command("withheld", "show", *config, second)
            return (
                entry.returncode == 0
                and json.loads(entry.stdout)["withheld_at"] != before["withheld_at"]
            )

        eventually(came_back, what="the released one is withheld by the same rule again")
        assert node.stop() == 0

    entries = [json.loads(line) for line in listed.stdout.splitlines()]
    assert [entry["id"] for entry in entries] == [first, second]
    assert {entry["code"] for entry in entries} == {"rule_withholds"}
    assert {entry["rule"] for entry in entries} == {"mr_waits"}
    assert first in table.stdout
    assert "rule_withholds" in table.stdout
    assert json.loads(shown.stdout) == entries[0]
    assert (discarded.returncode, released.returncode) == (0, 0)
    assert gone.returncode == 2
    assert "Traceback" not in gone.stderr
    states = {one.id: one.state for one in folder.journeys()}
    assert states[first] == InstanceState.DISCARDED
    assert states[second] == InstanceState.WITHHELD
