"""What a configuration that keeps lines builds, and what `check` says of it."""

from pathlib import Path

import pytest

from deid_node import cli
from deid_node.checks import check_all
from deid_node.config.load import load
from deid_node.config.schema import Config
from deid_node.config.treatments import TreatmentOptions
from deid_node.corridor import keep_list
from deid_node.errors import ConfigurationError
from deid_node.metadata.apply.keys import new_key_file
from tests.fakes.reader import ScriptedReader

KEEPING = TreatmentOptions(text="keep_listed", keep=("@orientation", r"Im: \d{1,3}"))


def written(folder: Path, *, treatment: str, reader: str = "{}") -> Path:
    """Return a configuration whose reader may be missing, in a folder with a key."""
    new_key_file(folder / "pseudonym.key")
    path = folder / "node.yaml"
    path.write_text(
        f"treatments: {{research: {treatment}}}\n"
        f"pixels: {{reader: {reader}}}\n"
        "forward: {destinations: {archive: {kind: folder, dir: ./out}}}\n"
    )
    return path


def checked(path: Path) -> Config:
    config = load(path, environment={})
    check_all(config)
    return config


def test_a_keep_list_has_the_patterns_of_its_lists_and_entries() -> None:
    keep = keep_list(KEEPING, ScriptedReader())

    assert keep is not None
    assert keep.patterns[-1].fullmatch("Im: 12")
    assert any(pattern.fullmatch("LPH") for pattern in keep.patterns)


def test_without_lines_to_keep_or_without_a_reader_there_is_no_keep_list() -> None:
    assert keep_list(TreatmentOptions(), ScriptedReader()) is None
    assert keep_list(KEEPING, None) is None


def test_a_reader_that_is_not_there_stops_a_node_that_needs_one(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        treatment="{text: keep_listed, keep: ['@laterality']}",
        reader="{model_file: nowhere.onnx}",
    )

    with pytest.raises(ConfigurationError) as caught:
        checked(path)

    assert caught.value.path == "pixels.reader.model_file"


def test_a_reader_that_is_not_there_is_missed_by_every_node(tmp_path: Path) -> None:
    """Text that is drawn as a mask is read, whatever the treatment keeps."""
    path = written(tmp_path, treatment="{text: all}", reader="{model_file: nowhere.onnx}")

    with pytest.raises(ConfigurationError) as caught:
        checked(path)

    assert caught.value.path == "pixels.reader.model_file"


def test_check_says_which_lines_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "reader.onnx").touch()
    path = written(
        tmp_path,
        treatment="{text: keep_listed, keep: ['@laterality', '[AP]']}",
        reader="{model_file: reader.onnx}",
    )

    status = cli.main(["check", "--config", str(path)])

    assert status == 0
    assert "treatment research keeps burned-in lines that match: @laterality  [AP]\n" in (
        capsys.readouterr().out
    )


def test_check_says_nothing_of_lines_where_none_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["check", "--config", str(written(tmp_path, treatment="{text: all}"))])

    assert "keeps" not in capsys.readouterr().out
