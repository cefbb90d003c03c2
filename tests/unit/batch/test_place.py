"""The list lies beside the results, so that who hands those on hands on no list."""

import os
from pathlib import Path

import pytest

from deid_node.batch.place import list_of


def test_the_list_lies_beside_the_output(tmp_path: Path) -> None:
    assert list_of(tmp_path / "out") == tmp_path / "out.worklist"


def test_the_output_may_be_named_by_a_link_or_a_dot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "link").symlink_to("out")
    monkeypatch.chdir(tmp_path / "out")

    assert list_of(tmp_path / "link") == list_of(Path()) == tmp_path / "out.worklist"


def test_where_nothing_can_be_written_beside_it_lies_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(os, "access", lambda *_: False)

    assert list_of(tmp_path / "out") == tmp_path / "out" / ".deid-node.worklist"


def test_a_list_that_is_there_is_found_on_either_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "out" / ".deid-node.worklist"
    inside.parent.mkdir()
    inside.touch()
    assert list_of(tmp_path / "out") == inside

    inside.unlink()
    (tmp_path / "out.worklist").touch()
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert list_of(tmp_path / "out") == tmp_path / "out.worklist"
