"""What lies below an input is found once, whatever it is; what it holds is not held."""

import os
from pathlib import Path
from typing import Self

import pytest

from deid_node.batch.walk import Walk
from deid_node.errors import InputError


def _paths(walk: Walk) -> list[str]:
    return [str(walk.path_of(key)) for key in sorted(one.key for one in walk)]


def _made(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def test_keys_sort_as_paths_do_part_by_part(tmp_path: Path) -> None:
    _made(tmp_path, "a/x", "a b/x", "a-b/x", "b", "a/y/z", "A")

    found = _paths(Walk(tmp_path))

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert found == [str(path) for path in sorted(files)]


def test_a_name_that_is_no_text_comes_back_as_it_was(tmp_path: Path) -> None:
    name = os.fsdecode(b"M\xfcller.dcm")
    (tmp_path / name).write_text("a")

    walk = Walk(tmp_path)

    assert [walk.path_of(one.key) for one in walk] == [tmp_path / name]


def test_a_file_is_an_input_of_its_own(tmp_path: Path) -> None:
    _made(tmp_path, "one.dcm")

    assert _paths(Walk(tmp_path / "one.dcm")) == [str(tmp_path / "one.dcm")]


def test_what_the_command_itself_writes_is_no_input(tmp_path: Path) -> None:
    _made(tmp_path, "in.dcm", "out/2.25.1/x.dcm", "report.jsonl", "sub/out")
    without = [tmp_path / "out", tmp_path / "report.jsonl"]

    assert _paths(Walk(tmp_path, without)) == [str(tmp_path / "in.dcm"), str(tmp_path / "sub/out")]


def test_an_index_is_counted_and_passed_over(tmp_path: Path) -> None:
    _made(tmp_path, "DICOMDIR", "disc/dicomdir", "disc/one.dcm")
    walk = Walk(tmp_path)

    assert _paths(walk) == [str(tmp_path / "disc/one.dcm")]
    assert walk.indices == 2


def test_links_to_files_are_followed_and_those_to_folders_are_told(tmp_path: Path) -> None:
    _made(tmp_path, "elsewhere/one.dcm")
    root = tmp_path / "in"
    root.mkdir()
    (root / "file").symlink_to(tmp_path / "elsewhere/one.dcm")
    (root / "folder").symlink_to(tmp_path / "elsewhere")
    (root / "circle").symlink_to(root)
    (root / "nowhere").symlink_to(root / "none")
    walk = Walk(root)

    assert _paths(walk) == [str(root / "file")]
    assert walk.passed_over == 3


def test_a_folder_that_cannot_be_listed_is_an_input_that_will_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _made(tmp_path, "open/one.dcm", "shut/two.dcm")
    listed = os.scandir

    def scandir(path: bytes) -> object:
        if os.fsdecode(path).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)

    assert _paths(Walk(tmp_path)) == [str(tmp_path / "open/one.dcm"), str(tmp_path / "shut")]


@pytest.mark.parametrize("what", ["listed no further", "gone"])
def test_a_disk_that_fails_while_it_is_walked_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    _made(tmp_path, "one", "two")
    listed = os.scandir

    class Failing:
        def __init__(self, path: bytes) -> None:
            self._entries = listed(path)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self.close()

        def __next__(self) -> "os.DirEntry[bytes]":
            entry = next(self._entries)
            if what == "listed no further":
                raise OSError(5, "Input/output error")
            os.unlink(entry.path)  # noqa: PTH108 - a path of bytes
            return entry

        def close(self) -> None:
            self._entries.close()

    monkeypatch.setattr(os, "scandir", Failing)

    if what == "gone":
        assert sorted(one.key for one in Walk(tmp_path)) == [b"one", b"two"]
    else:
        with pytest.raises(InputError, match="cannot be listed: Input/output error"):
            list(Walk(tmp_path))


def test_a_change_of_a_file_shows(tmp_path: Path) -> None:
    _made(tmp_path, "one")
    (before,) = Walk(tmp_path)
    os.utime(tmp_path / "one", ns=(1, before.changed_ns + 1))

    (after,) = Walk(tmp_path)

    assert (after.key, after.size_bytes) == (before.key, before.size_bytes)
    assert after != before


@pytest.mark.parametrize("is_link", [False, True])
def test_the_results_may_not_go_where_the_inputs_are(tmp_path: Path, is_link: bool) -> None:
    root = tmp_path / "in"
    root.mkdir()
    output = root
    if is_link:
        output = tmp_path / "link"
        output.symlink_to(root)

    with pytest.raises(InputError, match="where the results would go"):
        Walk(root, [output])


def test_nothing_at_the_input_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        Walk(tmp_path / "none")
