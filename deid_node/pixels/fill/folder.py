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
from deid_node.pixels.fill.tiles import SIDE_PIXELS

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
_ENTRANCE: Final = "conv_in.weight"
_POINTER: Final = b"version https://git-lfs"
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
    """A folder that was found whole; `steps` are the denoising steps, `device` as configured.

    `side_pixels` is the side of the pictures that the model was trained on.
    """

    path: Path
    name: str
    masked_image: MaskedImage
    steps: int
    device: str
    side_pixels: int = SIDE_PIXELS


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
    heads = {part: _head(path, f"{part}/{name}") for part, name in _WEIGHTS.items()}
    _require_architecture(configs)
    _require_entrance(heads["unet"], configs["unet/config.json"])
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
        _side(configs),
    )


def _side(configs: Mapping[str, Mapping[str, Any]]) -> int:
    """Return the side of what a model was trained on: so many latents, each of so many pixels."""
    latents = configs["unet/config.json"].get("sample_size")
    widths = configs["vae/config.json"].get("block_out_channels")
    if not isinstance(latents, int) or latents < 1:
        raise ConfigurationError(SETTING, "unet/config.json: sample_size is no count")
    if not isinstance(widths, list) or not widths:
        raise ConfigurationError(SETTING, "vae/config.json: block_out_channels is no list")
    # Every stage of an autoencoder but the last halves its picture.
    return latents << (len(widths) - 1)


def shipped() -> Path:
    """Return where the model that ships would lie."""
    return Path(str(resources.files("deid_node.weights"))) / SHIPPED


def _vocabulary(path: Path) -> bool:
    if not (path / "tokenizer/merges.txt").is_file():
        return False
    return (path / "tokenizer/vocab.json").is_file() and bool(_read(path, "tokenizer/vocab.json"))


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


def _head(path: Path, name: str) -> Mapping[str, Any]:
    """Return what a safetensors file says of its tensors; it is as long as that says.

    Source: the format of safetensors (8 bytes of length, a JSON head, the tensors).
    """
    file = path / name
    if not file.is_file():
        raise ConfigurationError(SETTING, f"{name} is missing{_instead(file)}")
    start = b""
    try:
        with file.open("rb") as opened:
            start = opened.read(8)
            (length,) = struct.unpack("<Q", start)
            size = file.stat().st_size
            head = json.loads(opened.read(length)) if length < size else {}
        ends = [tensor["data_offsets"][1] for key, tensor in head.items() if key != "__metadata__"]
        whole = bool(ends) and 8 + length + max(ends) == size
    except (OSError, ValueError, TypeError, AttributeError, KeyError, IndexError, struct.error):
        head, whole = {}, False
    if not whole:
        pointer = "a pointer of Git LFS, not the file itself"
        what = pointer if start == _POINTER[:8] else "cut short or no safetensors file"
        raise ConfigurationError(SETTING, f"{name} is {what}")
    return dict(head)


def _instead(file: Path) -> str:
    """Return what stands there in place of a file of weights, and is not taken for it."""
    variant = file.with_suffix(f".fp16{file.suffix}")
    if variant.is_file():
        return f"; {variant.name} would do, under that name"
    pickled = any(file.parent.glob("*.bin")) or any(file.parent.glob("*.ckpt"))
    return "; pickled weights are never opened" if pickled else ""


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


def _require_entrance(head: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    """Check that the weights take what the configuration says: those of another model may not."""
    shape = head.get(_ENTRANCE, {}).get("shape")
    widths = config.get("block_out_channels")
    told = [*widths[:1], config["in_channels"], 3, 3] if isinstance(widths, list) else None
    if shape != told:
        raise ConfigurationError(SETTING, f"{_UNET} is not of the make that unet/config.json says")


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
