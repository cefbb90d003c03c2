from pathlib import Path

import pytest

from deid_node.config.load import load
from deid_node.demo.workplace import fresh_workplace, write_config
from deid_node.errors import InputError
from deid_node.forward.options import CStoreOptions
from deid_node.metadata.apply.keys import read_key_file


def test_a_second_demo_takes_the_place_of_the_first(tmp_path: Path) -> None:
    root = tmp_path / "out"
    first = fresh_workplace(root)
    first.scanner.mkdir()

    fresh_workplace(root)

    assert not first.scanner.exists()


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "thesis.txt"
    theirs.write_text("years of work")

    with pytest.raises(InputError, match="was not made by the demo"):
        fresh_workplace(tmp_path)

    assert theirs.read_text() == "years of work"


def test_a_file_in_its_place_is_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "out"
    theirs.write_text("years of work")

    with pytest.raises(InputError):
        fresh_workplace(theirs)

    assert theirs.read_text() == "years of work"


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    fresh_workplace(tmp_path)

    assert any(tmp_path.iterdir())


def test_the_configuration_is_valid_and_stays_on_the_loopback(tmp_path: Path) -> None:
    workplace = fresh_workplace(tmp_path / "out")

    write_config(workplace, archive_port=4711)

    config = load(workplace.config)
    archive = config.forward.destinations["archive"]
    assert config.receive.host == config.observe.http.host == "127.0.0.1"
    assert isinstance(archive, CStoreOptions)
    assert (archive.host, archive.port) == ("127.0.0.1", 4711)
    assert config.metadata.pseudonym_key_file is not None
    assert read_key_file(config.metadata.pseudonym_key_file)
