"""What both stages of the inpainter's training are told."""

from dataclasses import dataclass, field
from pathlib import Path

from deid_node.errors import InputError
from deid_node_lab.models.export_inpainter import read_folder
from deid_node_lab.models.inpainter import InpainterParts, InpainterShape, parts_of
from deid_node_lab.models.widening import widened


@dataclass(frozen=True, slots=True)
class InpainterTraining:
    """All that decides what comes out of a stage.

    Each of `backgrounds` holds a ``manifest.csv``; `out` takes the checkpoints of both stages.
    `start_from` is a folder as it ships, whose weights are gone on from; where `shape` has
    more latent channels than it, the further ones begin at random. `steps` may
    differ when a training is resumed: the rate of learning falls over the last `fall`
    share of them. `neutral` is the share of crops that are shown without a prompt.
    """

    backgrounds: tuple[Path, ...]
    out: Path
    start_from: Path | None = None
    shape: InpainterShape = field(default_factory=InpainterShape)
    steps: int = 4_000
    batch: int = 16
    side: int = 128
    seed: int = 17
    learning_rate: float = 1e-3
    warm_up: int = 100
    fall: float = 0.4
    average: float = 0.998
    neutral: float = 0.25
    save_every: int = 250
    threads: int = 2
    workers: int = 1
    device: str = "auto"
    half_precision: bool = True


def first_parts(options: InpainterTraining) -> InpainterParts:
    """Return the parts that a training begins with.

    Raises
    ------
    InputError
        The folder to start from lacks a file.
    """
    if options.start_from is not None:
        try:
            return widened(read_folder(options.start_from), options.shape, seed=options.seed)
        except FileNotFoundError as error:
            raise InputError(f"not the folder of an inpainter: {error}") from None
    return parts_of(options.shape, seed=options.seed)
