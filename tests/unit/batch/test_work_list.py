"""The work list: what was committed to it is there again, and it is its owner's alone."""

import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from deid_node.batch.walk import Found
from deid_node.batch.work_list import State, WorkList
from deid_node.errors import InputError


@pytest.fixture
def where(tmp_path: Path) -> Path:
    return tmp_path / "out.worklist"


@pytest.fixture
def work_list(where: Path) -> Iterator[WorkList]:
    with closing(WorkList(where)) as made:
        yield made


def _found(*names: str, size_bytes: int = 5) -> list[Found]:
    return [Found(name.encode(), size_bytes, 1) for name in names]


def _states(work_list: WorkList) -> dict[str, State]:
    return {row.key.decode(): row.state for row in work_list.rows()}


def _ended(work_list: WorkList, *names: str) -> None:
    work_list.end([(name.encode(), "{}") for name in names])


def test_inputs_come_in_the_order_of_their_keys_however_they_were_found(
    work_list: WorkList,
) -> None:
    names = [f"{number:05}" for number in range(1_234)]

    work_list.take_in(_found(*reversed(names)), again_if_changed=False)

    assert [row.key.decode() for row in work_list.rows()] == names
    assert work_list.totals() == {State.WAITING: 1_234, State.CLEANED: 0, State.ENDED: 0}


def test_what_was_kept_is_there_when_the_list_is_opened_again(where: Path) -> None:
    with closing(WorkList(where)) as first:
        first.take_in(_found("a", "b", "c"), again_if_changed=False)
        first.remember("key", b"secret")
        first.keep_outcome(b"a", '{"n": 1}', '[["x", "y", "z"]]')
        _ended(first, "b")

    with closing(WorkList(where)) as second:
        rows = {row.key: (row.state, row.line, row.files) for row in second.rows()}
        assert rows == {
            b"a": (State.CLEANED, '{"n": 1}', '[["x", "y", "z"]]'),
            b"b": (State.ENDED, "{}", None),
            b"c": (State.WAITING, None, None),
        }
        assert [row.key for row in second.cleaned()] == [b"a"]
        assert second.fact("key") == b"secret"


def test_only_what_was_in_hand_at_a_death_counts_as_cut_short(where: Path) -> None:
    with closing(WorkList(where)) as first:
        first.take_in(_found("a", "b", "c"), again_if_changed=False)
        first.take_in_hand(b"a")
        first.take_in_hand(b"b")
        first.keep_outcome(b"b", "{}", None)
    with closing(WorkList(where)) as second:
        second.take_in_hand(b"c")
        second.let_go()

    with closing(WorkList(where)) as third:
        assert {row.key: row.cut_short for row in third.rows()} == {b"a": 1, b"b": 0, b"c": 0}


def test_inputs_found_again_stay_as_they_are_and_new_ones_wait(work_list: WorkList) -> None:
    work_list.take_in(_found("b", "c"), again_if_changed=False)
    _ended(work_list, "b")

    changed = work_list.take_in(_found("a", "b", "c"), again_if_changed=False)

    assert changed == 0
    assert _states(work_list) == {"a": State.WAITING, "b": State.ENDED, "c": State.WAITING}


def test_an_ended_input_that_is_another_file_now_counts_until_it_is_cleaned_again(
    work_list: WorkList,
) -> None:
    work_list.take_in(_found("a", "b"), again_if_changed=False)
    _ended(work_list, "a", "b")
    now = [*_found("a"), *_found("b", size_bytes=6)]

    refused = [work_list.take_in(now, again_if_changed=False) for _ in range(2)]
    stayed = _states(work_list)
    taken = work_list.take_in(now, again_if_changed=True)

    assert refused == [1, 1]
    assert stayed == {"a": State.ENDED, "b": State.ENDED}
    assert taken == 0
    assert _states(work_list) == {"a": State.ENDED, "b": State.WAITING}
    _ended(work_list, "b")
    assert work_list.take_in(now, again_if_changed=False) == 0


def test_one_that_is_put_back_as_it_was_is_no_change_any_more(work_list: WorkList) -> None:
    work_list.take_in(_found("a"), again_if_changed=False)
    _ended(work_list, "a")
    assert work_list.take_in(_found("a", size_bytes=6), again_if_changed=False) == 1

    assert work_list.take_in(_found("a"), again_if_changed=False) == 0


def test_one_whose_files_are_not_placed_yet_is_cleaned_as_it_is_now(work_list: WorkList) -> None:
    work_list.take_in(_found("a"), again_if_changed=False)
    work_list.keep_outcome(b"a", "{}", "[]")

    assert work_list.take_in(_found("a", size_bytes=6), again_if_changed=False) == 0

    assert _states(work_list) == {"a": State.WAITING}


def test_nobody_else_can_read_it_and_no_second_command_can_use_it(
    work_list: WorkList, where: Path
) -> None:
    work_list.take_in(_found("a"), again_if_changed=False)

    files = sorted(where.parent.iterdir())
    assert files[0] == where
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    with pytest.raises(InputError, match="another command works on"):
        WorkList(where)


@pytest.mark.parametrize("what", ["open to others", "a link"])
def test_one_that_others_may_have_made_is_refused(where: Path, what: str) -> None:
    if what == "a link":
        (where.parent / "theirs").touch(mode=0o600)
        where.symlink_to(where.parent / "theirs")
    else:
        where.touch(mode=0o644)

    with pytest.raises(InputError, match="open to others"):
        WorkList(where)


def test_another_file_in_its_place_is_refused_and_left_alone(where: Path) -> None:
    where.touch(mode=0o600)
    where.write_text("a diary, and no list at all" * 100)

    with pytest.raises(InputError, match="cannot be used as a work list"):
        WorkList(where)

    assert where.read_text().startswith("a diary")


def test_nothing_of_it_is_left_when_all_is_done(work_list: WorkList, where: Path) -> None:
    work_list.take_in(_found("a"), again_if_changed=False)

    work_list.remove()

    assert list(where.parent.iterdir()) == []


def test_a_disk_that_takes_no_more_is_told_without_a_stack(
    work_list: WorkList, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    work_list.take_in(_found("a"), again_if_changed=False)
    monkeypatch.setattr(work_list, "_do", full)

    with pytest.raises(InputError, match="cannot be written"):
        _ended(work_list, "a")


def test_a_commit_that_is_interrupted_is_none_and_the_next_one_works(work_list: WorkList) -> None:
    def interrupted() -> None:
        work_list._do("DELETE FROM inputs")
        raise KeyboardInterrupt

    work_list.take_in(_found("x"), again_if_changed=False)
    with pytest.raises(KeyboardInterrupt):
        work_list._write(interrupted)

    _ended(work_list, "x")
    assert _states(work_list) == {"x": State.ENDED}


@pytest.mark.parametrize("count", [10_000, 100_000])
def test_memory_does_not_grow_with_the_number_of_inputs(work_list: WorkList, count: int) -> None:
    names = (f"patient {number // 1_000}/IM{number:06}.dcm" for number in range(count))
    tracemalloc.start()

    work_list.take_in((Found(name.encode(), 5, 1) for name in names), again_if_changed=False)
    held = sum(1 for _ in work_list.rows())
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held == count
    # A page of rows, and what the library keeps.
    assert peak_bytes < 2_000_000
