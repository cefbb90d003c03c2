"""Writes an inpainter as the folder that `StableDiffusionInpaintPipeline` loads.

Weights are halved to 16 bits on the way out and nothing but safetensors is
written: a pickle would run code where it is opened.
"""

import copy
import hashlib
import json
from pathlib import Path
from typing import Final

from diffusers import StableDiffusionInpaintPipeline

from deid_node_lab.models.inpainter import InpainterParts, InpainterShape, parts_of, schedule

_FILES: Final = (
    "model_index.json",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "tokenizer/tokenizer_config.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
)
_ORIGIN: Final = frozenset({"_name_or_path", "is_local", "local_files_only"})
"""What the libraries remember of where parts were read from: no part of a model."""


def write_folder(parts: InpainterParts, folder: Path) -> None:
    """Write `parts` and their schedule below `folder`; what stands there is written over.

    The same parts make the same bytes, wherever they were read from.
    """
    pipeline = StableDiffusionInpaintPipeline(
        vae=copy.deepcopy(parts.autoencoder).half(),
        text_encoder=copy.deepcopy(parts.text_encoder).half(),
        tokenizer=parts.tokenizer,
        unet=copy.deepcopy(parts.unet).half(),
        scheduler=schedule(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    for file in folder.rglob("*config.json"):
        told = json.loads(file.read_text("utf-8"))
        kept = {key: value for key, value in told.items() if key not in _ORIGIN}
        if kept != told:
            file.write_text(json.dumps(kept, indent=2) + "\n", "utf-8")


def build_folder(folder: Path, shape: InpainterShape, *, seed: int) -> None:
    """Write an inpainter of random weights: one that is built, loads and fills, badly."""
    write_folder(parts_of(shape, seed=seed), folder)


def read_folder(folder: Path) -> InpainterParts:
    """Return the parts of a written folder, in float32, without a look at the network.

    Raises
    ------
    FileNotFoundError
        A file is missing; the error names it by its path in the folder.
    """
    for name in _FILES:
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{name} is missing")
    pipeline = StableDiffusionInpaintPipeline.from_pretrained(
        folder, local_files_only=True, use_safetensors=True
    )
    return InpainterParts(
        pipeline.vae.float().eval(),
        pipeline.unet.float().eval(),
        pipeline.text_encoder.float().eval(),
        pipeline.tokenizer,
    )


def hashes_of(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file below `folder`, by its path in it."""
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
