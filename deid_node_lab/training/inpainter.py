"""Trains the inpainter in two stages: first its autoencoder, then what draws its latents.

python -m deid_node_lab.training.inpainter --stage autoencoder --backgrounds DIR --out DIR
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from deid_node_lab.models.inpainter import InpainterShape
from deid_node_lab.training.inpainter_autoencoder import train_autoencoder
from deid_node_lab.training.inpainter_options import InpainterTraining
from deid_node_lab.training.inpainter_unet import train_unet

_STAGES = MappingProxyType({"autoencoder": train_autoencoder, "unet": train_unet})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stage", choices=tuple(_STAGES), required=True)
    parser.add_argument(
        "--backgrounds", type=Path, action="append", required=True,
        help="folder with manifest.csv; may be given several times",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoints and curves")
    parser.add_argument("--start-from", type=Path, help="folder of an inpainter to go on from")
    for name in ("steps", "batch", "side", "seed", "threads", "workers", "save-every"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--fall", type=float, help="share of the steps in which learning slows")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--latent-channels", type=int, help="numbers that make one latent")
    given = {k: v for k, v in vars(parser.parse_args(arguments)).items() if v is not None}
    stage = _STAGES[given.pop("stage")]
    given["backgrounds"] = tuple(given["backgrounds"])
    shape = InpainterShape()
    if (channels := given.pop("latent_channels", None)) is not None:
        shape = replace(shape, latent_channels=channels)
    stage(InpainterTraining(shape=shape, **given), tell=lambda line: print(line, flush=True))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
