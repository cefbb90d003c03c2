"""The arms that this machine can run, and for each that it cannot why."""

from collections.abc import Sequence

from deid_node.pixels.fill.build import build_inpainter, build_painter, no_model
from deid_node.pixels.fill.diffusion import DiffusionInpainter
from deid_node.pixels.fill.grain import GrainedInpainter
from deid_node.pixels.fill.harmonic import HarmonicInpainter
from deid_node.pixels.fill.options import FillPolicy, InpainterOptions
from deid_node.pixels.fill.prompts import prompt_of
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.pixels.fill.telea import TeleaInpainter
from deid_node_lab.evaluation.restoration.arms import (
    AUTO,
    BEST,
    FILM,
    GRAINED,
    MODALITY,
    NEUTRAL,
    SOLID,
    TELEA,
    Arm,
    BestEstimate,
    BlackBox,
    NavierStokes,
    NodeArm,
    Original,
)
from deid_node_lab.evaluation.restoration.holes import Hole


def build_arms(
    options: InpainterOptions, *, threads: int = 1
) -> tuple[tuple[Arm, ...], tuple[str, ...]]:
    """Return the arms in the order of the table, and why others are left out.

    Raises
    ------
    ConfigurationError
        A model's folder is there and cannot be used.
    """
    painter = build_painter(options, threads=threads)
    arms: list[Arm] = [
        Original(),
        BlackBox(),
        NodeArm(SOLID, SolidInpainter()),
        NodeArm(TELEA, TeleaInpainter()),
        NavierStokes(),
        NodeArm(FILM, HarmonicInpainter()),
        NodeArm(GRAINED, GrainedInpainter(TeleaInpainter())),
    ]
    left_out = [f"the arms of diffusion: {no_model()}"]
    guessing = build_painter(options.model_copy(update={"steps": 1}), threads=threads)
    if painter is not None and guessing is not None:
        left_out = []
        drawing = DiffusionInpainter(painter)
        arms += [
            NodeArm(NEUTRAL, drawing),
            NodeArm(MODALITY, drawing, prompt_for),
            NodeArm(BEST, BestEstimate(guessing), prompt_for),
        ]
    arms.append(NodeArm(AUTO, build_inpainter(FillPolicy.AUTO, painter), prompt_for))
    return tuple(arms), tuple(left_out)


def arms_by_steps(
    options: InpainterOptions, steps: Sequence[int], *, threads: int = 1
) -> tuple[tuple[int, Arm], ...]:
    """Return the model with the prompt of the modality, once for each number of `steps`."""
    made = []
    for count in steps:
        told = options.model_copy(update={"steps": count})
        painter = build_painter(told, threads=threads)
        if painter is not None:
            made.append((count, NodeArm(f"{count}", DiffusionInpainter(painter), prompt_for)))
    return tuple(made)


def prompt_for(hole: Hole) -> str:
    """Return what a model is told of a hole's picture, as the corridor tells it."""
    return prompt_of(hole.picture.modality)
