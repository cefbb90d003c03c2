"""What was set out to be reached, and whether the figures of a report reach it.

A line is neither passed nor failed where its figure was not measured: no model at hand,
too few holes.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from deid_node_lab.evaluation.research.goals import research_goals
from deid_node_lab.evaluation.restoration.arms import AUTO, BEST, MODALITY, TELEA
from deid_node_lab.evaluation.restoration.goal import Goal, Report, at_least, below, interval
from deid_node_lab.evaluation.restoration.holes import ANATOMY
from deid_node_lab.evaluation.restoration.stack_arms import TOGETHER

LEAST_GAIN_DB: Final = 1.5
MOST_LOSS_DB: Final = 0.3
DEVIATION: Final = (0.9, 1.1)
MOST_FRECHET_SHARE: Final = 0.35
MOST_AREA: Final = 0.6
MOST_FLICKER: Final = 1.1


def goals_of(report: Report, arms: Sequence[str] = (MODALITY, AUTO)) -> tuple[Goal, ...]:
    """Return the goal of the best estimate, and those of what ships for each of `arms`."""
    goals = [*_structure(report), *_stacks(report), *research_goals(report)]
    for arm in arms:
        goals += (*_realism(report, arm), *_tasks(report, arm), *_safety(report, arm))
    return tuple(goals)


def anatomy_of(report: Report, arm: str) -> Report:
    """Return the figures of an arm over anatomy; empty where there are none."""
    for one in report["arms"]:
        if one["name"] == arm:
            figures: Report = one["by"].get(ANATOMY, {})
            return figures
    return {}


def _structure(report: Report) -> Iterator[Goal]:
    figures = anatomy_of(report, BEST)
    gain, ssim = figures.get("gain"), figures.get("ssim_gain")
    yield Goal(
        f"best estimate at least {LEAST_GAIN_DB} dB above Telea in the mask",
        BEST, interval(gain, " dB"), at_least(gain, LEAST_GAIN_DB),
    )  # fmt: skip
    yield Goal("its SSIM not below Telea's", BEST, interval(ssim), at_least(ssim, 0.0))


def _stacks(report: Report) -> Iterator[Goal]:
    layouts = (report.get("stacks") or {"layouts": {}})["layouts"]
    for layout, arms in layouts.items():
        flicker = arms[TOGETHER]["flicker"]
        value = flicker["value"]
        yield Goal(
            f"volumes, text on {layout}: flicker at most {MOST_FLICKER} of the truth's",
            TOGETHER, interval(flicker), None if value is None else value <= MOST_FLICKER,
        )  # fmt: skip


def _realism(report: Report, arm: str) -> Iterator[Goal]:
    figures = anatomy_of(report, arm)
    gain, deviation = figures.get("gain"), figures.get("deviation")
    yield Goal(
        f"not more than {MOST_LOSS_DB} dB below Telea in the mask",
        arm, interval(gain, " dB"), at_least(gain, -MOST_LOSS_DB),
    )  # fmt: skip
    low, high = DEVIATION
    value = None if deviation is None else deviation["value"]
    yield Goal(
        f"local standard deviation {low} to {high} of the truth's",
        arm, interval(deviation), None if value is None else low <= value <= high,
    )  # fmt: skip
    arms = report["realism"]["arms"]
    own, telea = arms.get(arm), arms.get(TELEA)
    share = own["frechet"] / telea["frechet"] if own and telea and telea["frechet"] else None
    yield Goal(
        f"Frechet distance at most {MOST_FRECHET_SHARE} of Telea's",
        arm, "-" if share is None else f"{share:.2f} of it",
        None if share is None else share <= MOST_FRECHET_SHARE,
    )  # fmt: skip
    area = own["area"] if own else None
    yield Goal(
        f"told from untouched boxes with an area of at most {MOST_AREA}",
        arm, interval(area), None if area is None else area["value"] <= MOST_AREA,
    )  # fmt: skip
    above = own["area_above_telea"] if own else None
    yield Goal(
        "told from untouched boxes clearly worse than Telea's",
        arm, interval(above), None if above is None else below(above, 0.0),
    )  # fmt: skip


def _tasks(report: Report, arm: str) -> Iterator[Goal]:
    tasks = report["tasks"]
    named, outlined = (
        tasks.get(kind, {"arms": {}})["arms"].get(arm, {}) for kind in ("modality", "structures")
    )
    outlining = "no significant loss of Dice in outlining structures"
    for asked, figure in (
        ("no significant loss of F1 in naming the modality", named.get("f1_change")),
        (f"{outlining}, whole patch", outlined.get("patch", {}).get("change")),
        (f"{outlining}, in the mask", outlined.get("change")),
    ):
        lost = None if figure is None else below(figure, 0.0)
        yield Goal(asked, arm, interval(figure), None if lost is None else not lost)


def _safety(report: Report, arm: str) -> Iterator[Goal]:
    found = [one for one in report["arms"] if one["name"] == arm]
    strayed = found[0]["strayed"] if found else None
    yield Goal(
        "pixels beside the mask untouched",
        arm, "-" if strayed is None else f"{strayed} holes with a change",
        None if strayed is None else strayed == 0,
    )  # fmt: skip
    read = report["legibility"]["arms"].get(arm)
    excesses: Sequence[Any] = [one["excess"] for one in read["readers"].values()] if read else []
    reached = all(one["low"] <= 0.0 for one in excesses) if excesses else None
    said = ", ".join(interval(one) for one in excesses)
    yield Goal("its text read no better than chance, by every reader", arm, said or "-", reached)
