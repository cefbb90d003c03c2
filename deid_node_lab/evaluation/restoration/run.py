"""The whole measurement, from a folder of data to a report: what the command runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from deid_node.errors import InputError
from deid_node.pixels.fill.build import build_painter
from deid_node.pixels.fill.options import InpainterOptions
from deid_node.pixels.fill.painter import Painter
from deid_node_lab.evaluation.restoration.arms import (
    BEST,
    FILM,
    GRAINED,
    NAVIER_STOKES,
    NEUTRAL,
    ORIGINAL,
    SOLID,
    Arm,
)
from deid_node_lab.evaluation.restoration.build import arms_by_steps, build_arms
from deid_node_lab.evaluation.restoration.holes import ANATOMY, Hole, holes_on
from deid_node_lab.evaluation.restoration.legibility import (
    CONTROL,
    LineReader,
    attacked,
    control,
    pairs_on,
)
from deid_node_lab.evaluation.restoration.measure import (
    Measured,
    curve_report,
    distortion_report,
    populations,
    realism_report,
    task_report,
)
from deid_node_lab.evaluation.restoration.pictures import deep_held_out, held_out
from deid_node_lab.evaluation.restoration.schooling import (
    Schooling,
    classifier_of,
    structure_net_of,
)
from deid_node_lab.evaluation.restoration.sheet import sheet_of
from deid_node_lab.evaluation.restoration.volume_report import (
    Lessons,
    missing_for_research,
    volume_reports,
)
from deid_node_lab.evaluation.restoration.volumes import folders_in, sources_in_turn, volumes_in
from deid_node_lab.training.backgrounds import read_backgrounds
from deid_node_lab.training.faces import Face

STEPS: Final = (1, 2, 4, 8, 16)
"""Numbers of denoising steps that the curve is drawn over."""

_NOT_ATTACKED: Final = frozenset({ORIGINAL, SOLID, NAVIER_STOKES, FILM, NEUTRAL, BEST})
"""What holds the truth, is even, or is made like another arm that is attacked."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured: pictures, volumes, pairs of texts, holes of the curve."""

    pictures: int = 90
    volumes: int = 16
    pairs: int = 16
    curve_holes: int = 12
    learning_steps: int = 300
    telling_steps: int = 120


def holes_in(data: Path, faces: Sequence[Face], extent: Extent, *, seed: int) -> tuple[Hole, ...]:
    """Return the holes on held-out pictures below `data`; raise `InputError` if there are none."""
    pictures = held_out(data, limit=extent.pictures, seed=seed) + deep_held_out(data)
    holes = tuple(holes_on(pictures, faces, seed=seed))
    if not holes:
        raise InputError(f"{data} holds no held-out pictures that text can be put on")
    return holes


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """The figures, and a picture of some holes as each arm filled them: RGB."""

    report: dict[str, Any]
    sheet: NDArray[np.uint8]


def measured(
    data: Path,
    faces: Sequence[Face],
    readers: Sequence[LineReader],
    options: InpainterOptions,
    *,
    extent: Extent,
    networks: Path,
    seed: int,
    threads: int,
    tell: Callable[[str], None],
) -> Outcome:
    """Return what all arms that can run here come to.

    Parameters
    ----------
    data
        The shared data: ``train`` with its manifest, ``dicom_zoo`` if it is there.
    readers
        Who tries to read the fills.
    networks
        Folder in which the judging networks are kept.
    """
    torch.set_num_threads(threads)
    arms, left_out = build_arms(options, threads=threads)
    left_out = (*left_out, *filter(None, [missing_for_research()]))
    for why in left_out:
        tell(f"left out: {why}")
    holes = holes_in(data, faces, extent, seed=seed)
    lessons = {folder: read_backgrounds(folder, "train") for folder in folders_in(data)}
    schooling = Schooling(networks, steps=extent.learning_steps, tell=tell)
    classifier = classifier_of(lessons[data / "train"], schooling)
    structure_net = structure_net_of(lessons[data / "train"], schooling)
    filled = Measured(holes, arms, tell)
    painter = build_painter(options, threads=threads)
    report: dict[str, Any] = {
        "seed": seed,
        "model": None if painter is None else painter.name,
        "left_out": list(left_out),
        "population": populations(filled.views),
        "arms": distortion_report(filled, classifier),
        "realism": realism_report(
            filled, classifier, seed=seed, steps=extent.telling_steps, tell=tell
        ),
        "tasks": task_report(filled, classifier, structure_net),
        "legibility": _legibility(data, faces, arms, readers, extent, seed=seed, tell=tell),
    }
    report |= _on_volumes(data, lessons, painter, schooling, extent, seed=seed, tell=tell)
    curve = arms_by_steps(options, STEPS, threads=threads)
    report["curve"] = curve_report(_few(holes, extent.curve_holes), curve, tell)
    return Outcome(report, sheet_of(_one_of_each(holes), arms))


def measured_on_volumes(
    data: Path,
    options: InpainterOptions,
    *,
    extent: Extent,
    networks: Path,
    seed: int,
    threads: int,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Return that part of the report which tells of volumes, without the others."""
    torch.set_num_threads(threads)
    lessons = {folder: read_backgrounds(folder, "train") for folder in folders_in(data)}
    schooling = Schooling(networks, steps=extent.learning_steps, tell=tell)
    painter = build_painter(options, threads=threads)
    return _on_volumes(data, lessons, painter, schooling, extent, seed=seed, tell=tell)


def _on_volumes(
    data: Path,
    lessons: Lessons,
    painter: Painter | None,
    schooling: Schooling,
    extent: Extent,
    *,
    seed: int,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    volumes = sources_in_turn(volumes_in(data, ("validation", "excluded")), extent.volumes)
    stacks, research = volume_reports(volumes, lessons, painter, schooling, seed=seed, tell=tell)
    return {"stacks": stacks, "research": research}


def _legibility(
    data: Path,
    faces: Sequence[Face],
    arms: Sequence[Arm],
    readers: Sequence[LineReader],
    extent: Extent,
    *,
    seed: int,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    pictures = held_out(data, limit=extent.pictures, seed=seed)
    pairs = tuple(pairs_on(pictures, faces, seed=seed, limit=extent.pairs))
    told = {}
    for arm in arms:
        if arm.name not in _NOT_ATTACKED:
            told[arm.name] = attacked(arm, pairs, readers)
            tell(f"attacked: {arm.name}")
    grained = next(arm for arm in arms if arm.name == GRAINED)
    told[CONTROL] = control(grained, pairs, readers)
    return {"pairs": len(pairs), "arms": told}


def _one_of_each(holes: Sequence[Hole]) -> tuple[Hole, ...]:
    """Return the first hole over anatomy of each modality."""
    first: dict[str, Hole] = {}
    for hole in holes:
        if hole.background == ANATOMY:
            first.setdefault(hole.picture.modality, hole)
    return tuple(first[name] for name in sorted(first))


def _few(holes: Sequence[Hole], count: int) -> tuple[Hole, ...]:
    """Return holes over anatomy in 8-bit pictures, in their order: modality by modality."""
    usable = [hole for hole in holes if hole.background == ANATOMY and not hole.picture.deep]
    return tuple(usable[:count])
