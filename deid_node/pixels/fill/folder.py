"""The folder with the weights of a diffusion model: whether it is whole, and of the right make.

Checked at the start, without torch: what the folder says of itself, and how long its
files are, is read from JSON and from the heads of the safetensors files. The model
itself is loaded on first use, in the worker that needs it.

A card beside the folder, ``NAME.json`` for ``NAME/``, says how the model was trained:
the one that ships has one, a folder of Stable Diffusion 2 has none.
"""

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from deid_node.errors import ConfigurationError
from deid_node.pixels.fill.options import StableDiffusionOptions

SETTING: Final = "pixels.inpainter.weights_dir"
HASHES: Final = "pixels.inpainter.weights_sha256"
SHIPPED: Final = "inpainter"

_LIBRARIES: Final = ("torch", "diffusers", "transformers", "safetensors")
_PIPELINE: Final = "StableDiffusionInpaintPipeline"
_WEIGHTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "text_encoder": "model.safetensors",
        "unet": "diffusion_pytorch_model.safetensors",
        "vae": "diffusion_pytorch_model.safetensors",
    }
)
_MAKES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "text_encoder": ("transformers", "CLIPTextModel"),
        "tokenizer": ("transformers", "CLIPTokenizer"),
        "unet": ("diffusers", "UNet2DConditionModel"),
        "vae": ("diffusers", "AutoencoderKL"),
    }
)
_UNET: Final = "unet/diffusion_pytorch_model.safetensors"
_CONFIGS: Final = (
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "tokenizer/tokenizer_config.json",
    "unet/config.json",
    "vae/config.json",
)
_PREDICTIONS: Final = ("epsilon", "v_prediction")
_STEPS: Final = 20
_CHUNK_BYTES: Final = 2**22


class MaskedImage(StrEnum):
    """What a model was trained to see where the mask is."""

    HARMONIC = "harmonic"
    TELEA = "telea"
    GREY = "grey"


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that was found whole; `steps` are the denoising steps, `device` as configured."""

    path: Path
    name: str
    masked_image: MaskedImage
    steps: int
    device: str


def missing_library() -> str | None:
    """Return the first library of the extra ``diffusion`` that is not installed, or None."""
    return next((name for name in _LIBRARIES if find_spec(name) is None), None)


def open_folder(options: StableDiffusionOptions) -> Folder:
    """Return the folder that `options` name, or the one that ships, after a look at it.

    Raises
    ------
    ConfigurationError
        It is incomplete, holds pickled weights only, is of another architecture or its
        hashes are not those that are pinned; the reason names the file.
    """
    path = shipped() if options.weights_dir is None else options.weights_dir
    if not path.is_dir():
        raise ConfigurationError(SETTING, "the folder is not there")
    index = _read(path, "model_index.json")
    if index.get("_class_name") != _PIPELINE:
        raise ConfigurationError(SETTING, f"model_index.json is not of a {_PIPELINE}")
    for part, make in _MAKES.items():
        if list(index.get(part, ())) != list(make):
            raise ConfigurationError(SETTING, f"model_index.json: {part} is no {make[1]}")
    configs = {name: _read(path, name) for name in _CONFIGS}
    if not ((path / "tokenizer/tokenizer.json").is_file() or _vocabulary(path)):
        raise ConfigurationError(SETTING, "tokenizer/vocab.json or merges.txt is missing")
    for part, name in _WEIGHTS.items():
        _require_tensors(path, f"{part}/{name}")
    _require_architecture(configs)
    card = _card(path)
    pinned = options.weights_sha256 or card.get("sha256") or {}
    _require_hashes(path, pinned, HASHES if options.weights_sha256 else SETTING)
    try:
        masked_image = MaskedImage(card.get("masked_image", MaskedImage.GREY))
    except ValueError:
        raise ConfigurationError(SETTING, "masked_image of its card is not known") from None
    return Folder(
        path,
        f"sd-{(pinned.get(_UNET) or _digest(path / _UNET))[:8]}",
        masked_image,
        options.steps or int(card.get("steps", _STEPS)),
        options.device,
    )


def shipped() -> Path:
    """Return where the model that ships would lie."""
    return Path(str(resources.files("deid_node.weights"))) / SHIPPED


def _vocabulary(path: Path) -> bool:
    return all((path / "tokenizer" / name).is_file() for name in ("vocab.json", "merges.txt"))


def _read(path: Path, name: str) -> Mapping[str, Any]:
    try:
        told = json.loads((path / name).read_text("utf-8"))
    except OSError:
        raise ConfigurationError(SETTING, f"{name} is missing") from None
    except ValueError:
        raise ConfigurationError(SETTING, f"{name} is no JSON") from None
    if not isinstance(told, dict):
        raise ConfigurationError(SETTING, f"{name} is no JSON object")
    return told


def _card(path: Path) -> Mapping[str, Any]:
    beside = path.parent / f"{path.name}.json"
    return _read(path.parent, beside.name) if beside.is_file() else {}


def _require_tensors(path: Path, name: str) -> None:
    """Check that a safetensors file is as long as its head says.

    Source: the format of safetensors (8 bytes of length, a JSON head, the tensors).
    """
    file = path / name
    if not file.is_file():
        pickled = any(file.parent.glob("*.bin")) or any(file.parent.glob("*.ckpt"))
        why = "is missing; pickled weights are never opened" if pickled else "is missing"
        raise ConfigurationError(SETTING, f"{name} {why}")
    try:
        with file.open("rb") as opened:
            (length,) = struct.unpack("<Q", opened.read(8))
            size = file.stat().st_size
            head = json.loads(opened.read(length)) if length < size else {}
        ends = [tensor["data_offsets"][1] for key, tensor in head.items() if key != "__metadata__"]
        whole = bool(ends) and 8 + length + max(ends) == size
    except (OSError, ValueError, TypeError, KeyError, IndexError, struct.error):
        whole = False
    if not whole:
        raise ConfigurationError(SETTING, f"{name} is cut short or no safetensors file")


def _require_architecture(configs: Mapping[str, Mapping[str, Any]]) -> None:
    unet, vae = configs["unet/config.json"], configs["vae/config.json"]
    schedule = configs["scheduler/scheduler_config.json"]
    latents = vae.get("latent_channels")
    latents = latents if isinstance(latents, int) and latents > 0 else 0
    # Noisy latents, the mask and the latents of the masked image go in.
    wanted = 2 * latents + 1
    faults = {
        "vae/config.json: latent_channels is no count": not latents,
        f"unet/config.json: in_channels is not {wanted}, it is no model for inpainting": unet.get(
            "in_channels"
        )
        != wanted,
        f"unet/config.json: out_channels is not {latents}": unet.get("out_channels") != latents,
        "text_encoder/config.json: hidden_size is not the UNet's cross_attention_dim": configs[
            "text_encoder/config.json"
        ].get("hidden_size")
        != unet.get("cross_attention_dim"),
        "scheduler/scheduler_config.json: prediction_type is neither epsilon nor v_prediction": (
            schedule.get("prediction_type", "epsilon") not in _PREDICTIONS
        ),
    }
    for fault, there in faults.items():
        if there:
            raise ConfigurationError(SETTING, fault)


def _require_hashes(path: Path, pinned: Mapping[str, str], setting: str) -> None:
    for name, wanted in pinned.items():
        if not (path / name).resolve().is_relative_to(path.resolve()):
            raise ConfigurationError(setting, "names a file outside of the folder")
        if not (path / name).is_file():
            raise ConfigurationError(setting, f"{name} is pinned and missing")
        if _digest(path / name) != wanted:
            raise ConfigurationError(setting, f"{name} has another sha256 than is pinned")
    left = [f"{part}/{name}" for part, name in _WEIGHTS.items() if f"{part}/{name}" not in pinned]
    if pinned and left:
        raise ConfigurationError(setting, f"{left[0]} is not pinned beside the others")


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while piece := opened.read(_CHUNK_BYTES):
            digest.update(piece)
    return digest.hexdigest()
