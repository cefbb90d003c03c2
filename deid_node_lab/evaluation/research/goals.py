"""What research may lose by a fill, and whether the figures of a report keep to it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deid_node_lab.evaluation.research.agreement import GROUPS, UNDER
from deid_node_lab.evaluation.restoration.goal import Goal, Report, above, below, interval
from deid_node_lab.evaluation.restoration.stack_arms import TOGETHER


def research_goals(report: Report) -> Iterator[Goal]:
    """Yield for each layout of text: nothing lost beside the mask, less than others under it."""
    layouts = (report.get("research") or {"layouts": {}})["layouts"]
    for layout, tasks in layouts.items():
        said = f"research, text on {layout}:"
        arms = {task: tasks[task]["arms"].get(TOGETHER) for task in tasks}
        yield from _outlines(said, arms["outlines"])
        if arms["names"]:
            yield _kept(f"{said} body parts named no worse", [arms["names"]["change"]])
        yield from _features(said, arms["features"])
        if arms["registration"]:
            figure = arms["registration"]["change"]
            worse = above(figure, 0.0)
            yield Goal(
                f"{said} laid on the original no worse than the original itself", TOGETHER,
                interval(figure, " pixels"), None if worse is None else not worse,
            )  # fmt: skip


def _outlines(said: str, arm: Report | None) -> Iterator[Goal]:
    if arm is None:
        return
    yield _kept(f"{said} no significant loss of Dice beside the mask", [arm["beside"]["change"]])
    for other, key in (("Telea", "above_telea"), ("a black box", "above_black")):
        yield Goal(
            f"{said} less Dice lost in the mask than by {other}", TOGETHER,
            interval(arm[key]), above(arm[key], 0.0),
        )  # fmt: skip


def _features(said: str, arm: Mapping[str, Any] | None) -> Iterator[Goal]:
    if arm is None:
        return
    for other, key in (("Telea", "above_telea"), ("a black box", "above_black")):
        figures = [arm[UNDER][group][key] for group in GROUPS]
        nearer = [below(figure, 0.0) for figure in figures]
        yield Goal(
            f"{said} features under the mask nearer than by {other} ({', '.join(GROUPS)})",
            TOGETHER, ", ".join(interval(figure) for figure in figures),
            None if None in nearer else all(nearer),
        )  # fmt: skip


def _kept(asked: str, figures: Sequence[Report]) -> Goal:
    lost = [below(figure, 0.0) for figure in figures]
    return Goal(
        asked, TOGETHER, ", ".join(interval(figure) for figure in figures),
        None if None in lost else not any(lost),
    )  # fmt: skip
