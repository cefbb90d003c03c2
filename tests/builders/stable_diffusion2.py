"""A folder as ``stabilityai/stable-diffusion-2-inpainting`` is laid out, tiny and random.

All sub-folders and names of the real one are there: variants in 16 bits and pickles beside
the weights, the single-file checkpoints, an image processor. Only the widths are small.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

UNET = "unet/diffusion_pytorch_model.safetensors"
WEIGHTS = ("text_encoder/model.safetensors", UNET, "vae/diffusion_pytorch_model.safetensors")

_LENGTH = 77
_WORDS = ("<|startoftext|>", "<|endoftext|>", "!")
_CHECKER = "safety_checker"


@dataclass(frozen=True)
class Size:
    """Widths of the parts; what is not named here is as in the real folder."""

    text: int
    text_layers: int
    text_heads: int
    unet: tuple[int, ...]
    unet_heads: tuple[int, ...]
    vae: tuple[int, ...]
    groups: int


TINY = Size(16, 2, 2, (8, 8, 16, 16), (1, 1, 2, 2), (4, 4, 8, 8), 4)
FULL = Size(1024, 23, 16, (320, 640, 1280, 1280), (5, 10, 20, 20), (128, 256, 512, 512), 32)
"""As the real one is; random weights of 5 GB, for speed on an accelerator alone."""


def build_sd2(folder: Path, *, size: Size = TINY, checker: bool = False) -> Path:
    """Write the folder and return it.

    Parameters
    ----------
    checker
        Bring a safety checker as older folders do: its weights are no weights, so whoever
        opens them fails.
    """
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(2)
    vocabulary = _tokenizer(folder / "tokenizer")
    text_encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(vocabulary), hidden_size=size.text, intermediate_size=4 * size.text,
            projection_dim=size.text // 2, num_hidden_layers=size.text_layers,
            num_attention_heads=size.text_heads, hidden_act="gelu",
            max_position_embeddings=_LENGTH, bos_token_id=0, eos_token_id=1, pad_token_id=2,
        )
    )  # fmt: skip
    unet = UNet2DConditionModel(
        sample_size=64, in_channels=9, out_channels=4, layers_per_block=2,
        block_out_channels=size.unet, attention_head_dim=list(size.unet_heads),
        cross_attention_dim=size.text, use_linear_projection=True, norm_num_groups=size.groups,
    )  # fmt: skip
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=size.vae, latent_channels=4, layers_per_block=2, sample_size=768,
        norm_num_groups=size.groups, scaling_factor=0.18215,
    )  # fmt: skip
    for name, part in (("text_encoder", text_encoder), ("unet", unet), ("vae", vae)):
        part.save_pretrained(folder / name, safe_serialization=True)
        part.half().save_pretrained(folder / name, safe_serialization=True, variant="fp16")
        _beside(folder / name)
    _write(folder / "scheduler/scheduler_config.json", _SCHEDULE)
    _write(folder / "feature_extractor/preprocessor_config.json", _PROCESSOR)
    index = dict(_INDEX)
    if checker:
        index[_CHECKER] = ["stable_diffusion", "StableDiffusionSafetyChecker"]
        _write(folder / _CHECKER / "config.json", {"model_type": "clip"})
        (folder / _CHECKER / "model.safetensors").write_bytes(b"no weights")
        (folder / _CHECKER / "pytorch_model.bin").write_bytes(b"no weights")
    _write(folder / "model_index.json", index)
    for name in ("512-inpainting-ema.ckpt", "512-inpainting-ema.safetensors", "README.md"):
        (folder / name).write_bytes(b"of no use here")
    return folder


def _beside(folder: Path) -> None:
    """Put pickles beside the weights of a part, as the real folder has them."""
    for file in tuple(folder.glob("*.safetensors")):
        name = file.name.replace("model", "pytorch_model", 1) if file.name[0] == "m" else file.name
        (folder / name).with_suffix(".bin").write_bytes(b"a pickle that nobody opens")


def _tokenizer(folder: Path) -> dict[str, int]:
    """Write a tokenizer of single letters, as byte pairs, and return its vocabulary."""
    letters = [chr(code) for code in range(ord("!") + 1, ord("~") + 1)]
    words = [*_WORDS, *letters, *(f"{letter}</w>" for letter in ("!", *letters))]
    vocabulary = {word: number for number, word in enumerate(words)}
    _write(folder / "vocab.json", vocabulary)
    (folder / "merges.txt").write_text("#version: 0.2\n", "utf-8")
    start, end, pad = _WORDS
    _write(
        folder / "special_tokens_map.json",
        {"bos_token": start, "eos_token": end, "unk_token": end, "pad_token": pad},
    )
    _write(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "CLIPTokenizer", "model_max_length": _LENGTH, "do_lower_case": True,
            "add_prefix_space": False, "errors": "replace", "bos_token": start, "eos_token": end,
            "unk_token": end, "pad_token": "<|endoftext|>",
        },
    )  # fmt: skip
    return vocabulary


def _write(file: Path, content: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2) + "\n", "utf-8")


_INDEX = {
    "_class_name": "StableDiffusionInpaintPipeline",
    "_diffusers_version": "0.8.0",
    "feature_extractor": ["transformers", "CLIPImageProcessor"],
    "requires_safety_checker": False,
    _CHECKER: [None, None],
    "scheduler": ["diffusers", "PNDMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}

_SCHEDULE = {
    "_class_name": "PNDMScheduler", "_diffusers_version": "0.8.0", "beta_start": 0.00085,
    "beta_end": 0.012, "beta_schedule": "scaled_linear", "clip_sample": False,
    "num_train_timesteps": 1000, "set_alpha_to_one": False, "skip_prk_steps": True,
    "steps_offset": 1, "trained_betas": None,
}  # fmt: skip

_PROCESSOR = {
    "crop_size": 224, "do_center_crop": True, "do_convert_rgb": True, "do_normalize": True,
    "do_resize": True, "feature_extractor_type": "CLIPFeatureExtractor", "resample": 3,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711], "size": 224,
}  # fmt: skip
