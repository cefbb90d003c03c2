"""How far a back-file is: a line where there is no terminal."""

from io import StringIO

from deid_node.cli.reports import Shown

CLEAN, WITHHELD = {"outcome": "clean"}, {"outcome": "withheld"}


def test_the_line_tells_how_many_how_fast_and_how_long_yet() -> None:
    seconds = iter([100.0, 160.0])
    shown = Shown(4_000, before=500, stream=StringIO(), now=lambda: next(seconds))

    for _ in range(1_490):
        shown.advance(CLEAN)
    for _ in range(10):
        shown.advance(WITHHELD)

    # A thousand of them in a minute: what an earlier run has done is no part of the speed.
    assert shown.line() == "1500 of 4000 done, 10 withheld, 16.7 a second, 2 min left"


def test_nothing_is_foretold_of_what_earlier_runs_have_done() -> None:
    seconds = iter([100.0, 160.0])
    shown = Shown(4_000, before=500, stream=StringIO(), now=lambda: next(seconds))

    for _ in range(500):
        shown.advance(CLEAN)

    assert shown.line() == "500 of 4000 done, 0 withheld"


def test_days_are_told_in_hours() -> None:
    seconds = iter([0.0, 10.0])
    shown = Shown(1_000_001, stream=StringIO(), now=lambda: next(seconds))

    for _ in range(100):
        shown.advance(CLEAN)

    assert shown.line().endswith("27.8 h left")
