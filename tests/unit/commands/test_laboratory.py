"""The commands of the laboratory, with it and without it."""

import argparse
import json
import subprocess
import sys

import pytest

from deid_node import cli
from deid_node.cli import laboratory as door
from deid_node_lab import cli as laboratory
from tests.architecture.source import ROOT

HELP = """
import json, sys
from deid_node.cli import main
try:
    main(["--help"])
except SystemExit as end:
    ours = [name for name in sys.modules if name.startswith("deid_node_lab")]
    print(json.dumps([end.code, ours]))
"""


@pytest.mark.parametrize("command", ["train", "export", "evaluate"])
def test_without_the_laboratory_one_line_says_what_to_install(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "deid_node_lab", None)

    status = cli.main([command, "finder", "--out", "run"])

    assert status == 2
    assert capsys.readouterr().err == (
        f"deid-node: {command} is of the laboratory, which is missing: install deid-node[lab]\n"
    )


def test_a_fault_inside_the_laboratory_is_not_taken_for_its_absence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "deid_node_lab.cli")
    monkeypatch.delattr("deid_node_lab.cli")
    monkeypatch.setitem(sys.modules, "deid_node.cli.ending", None)

    with pytest.raises(ModuleNotFoundError, match=r"deid_node\.cli\.ending"):
        door.run(argparse.Namespace(command="train", rest=[]))


def test_the_help_of_the_node_names_them_and_loads_nothing_of_the_laboratory() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HELP], cwd=ROOT, capture_output=True, text=True, check=True
    )

    *told, loaded = done.stdout.splitlines()
    assert json.loads(loaded) == [0, []]
    assert "deid-node[lab]" in " ".join(told)


@pytest.mark.parametrize(
    ("program", "main"), [("deid-node", cli.main), ("deid-lab", laboratory.main)]
)
def test_both_programs_describe_the_same_command_under_their_own_name(
    program: str, main: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(main)
    with pytest.raises(SystemExit) as end:
        main(["evaluate", "privacy", "--help"])

    assert end.value.code == 0
    told = capsys.readouterr().out
    assert told.startswith(f"usage: {program} evaluate privacy")
    assert "--text-free" in told


def test_options_are_handed_on_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.main(["evaluate", "privacy", "--limit", "0"])

    assert status == 2
    assert capsys.readouterr().err == "deid-node: --limit takes a number from 1\n"


def test_what_a_training_takes_is_told_by_the_training(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["deid-node"])

    with pytest.raises(SystemExit) as end:
        cli.main(["train", "finder", "--help"])

    assert end.value.code == 0
    assert "--backgrounds" in capsys.readouterr().out
