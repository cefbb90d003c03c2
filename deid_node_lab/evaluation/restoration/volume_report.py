"""What text on volumes costs: how near the fills are, and what is left of research on them."""

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deid_node.pixels.fill.painter import Painter
from deid_node_lab.evaluation.restoration.schooling import Schooling
from deid_node_lab.evaluation.restoration.stack_arms import StackArms
from deid_node_lab.evaluation.restoration.stacks import (
    EVERY,
    OTHER,
    layouts_on,
    stack_figures,
    told_of,
)
from deid_node_lab.evaluation.restoration.volumes import Volume, volumes_of
from deid_node_lab.training.backgrounds import Background

if TYPE_CHECKING:
    from deid_node_lab.evaluation.research.survival import Judges

RESEARCHED: Final = frozenset({EVERY, OTHER})
"""How text is laid on volumes that research is done on."""

_LIBRARIES: Final = ("SimpleITK", "skimage")

Lessons = Mapping[Path, Sequence[Background]]
"""Pictures of the training part, by their folder."""


def volume_reports(
    volumes: Sequence[Volume],
    lessons: Lessons,
    painter: Painter | None,
    schooling: Schooling,
    *,
    seed: int,
    tell: Callable[[str], None],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the figures of fills and those of research, by layout of text.

    Both are measured on the same fills; what needs a library that is missing is left out.
    """
    stacks: dict[str, Any] = {}
    research: dict[str, Any] = {}
    judges = _judges(lessons, schooling) if volumes and missing_for_research() is None else None
    for laid in layouts_on(volumes, StackArms(painter), seed=seed, tell=tell):
        stacks[laid.layout] = stack_figures(laid)
        if judges is not None and laid.layout in RESEARCHED:
            from deid_node_lab.evaluation.research.survival import survival

            research[laid.layout] = survival(laid, judges, seed=seed, tell=tell)
    model = None if painter is None else painter.name
    return told_of(volumes) | {"model": model, "layouts": stacks}, {"layouts": research}


def missing_for_research() -> str | None:
    """Return why the tasks on volumes cannot be measured here, None where they can."""
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if not missing:
        return None
    return f"the tasks on volumes: {missing[0]} is not installed (deid-node-lab[research])"


def _judges(lessons: Lessons, schooling: Schooling) -> "Judges":
    from deid_node_lab.evaluation.research.survival import judges_of

    volumes = [one for folder, some in lessons.items() for one in volumes_of(folder, some)]
    return judges_of(volumes, [one for some in lessons.values() for one in some], schooling)
