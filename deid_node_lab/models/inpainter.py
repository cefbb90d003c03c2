"""The compact inpainter: the parts of Stable Diffusion 2 inpainting, made small.

An autoencoder turns pixels into latents, a UNet draws latents into the hole, a
text encoder says which modality it is. A newcomer would look for the network's
code here: all of it is that of diffusers and transformers, so that any program
that runs Stable Diffusion 2 inpainting runs this one; here stand its sizes.

The schedule ends in pure noise. The first answer of the network, asked with
nothing but noise, is therefore the mean of all fills that fit: its best estimate.

Source
------
Rombach et al. (2022), "High-Resolution Image Synthesis with Latent Diffusion
Models"; Salimans, Ho (2022), "Progressive Distillation for Fast Sampling of
Diffusion Models" (v-prediction); Lin et al. (2024), "Common Diffusion Noise
Schedules and Sample Steps are Flawed" (zero terminal signal, trailing steps).
"""

from dataclasses import dataclass

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from deid_node.pixels.fill.prompts import PROMPTS
from deid_node_lab.models.prompt_tokens import tokenizer_of

TRAINING_STEPS = 1000
"""Times of the schedule; the last, ``TRAINING_STEPS - 1``, is pure noise."""


@dataclass(frozen=True, slots=True)
class InpainterShape:
    """How wide the parts are, from the finest scale to the coarsest.

    The channels of a part are multiples of its groups. The autoencoder halves rows and
    columns between two of its scales, the UNet likewise, so a picture's sides are
    multiples of `stride`.
    """

    autoencoder: tuple[int, ...] = (16, 32, 64)
    autoencoder_groups: int = 8
    latent_channels: int = 4
    unet: tuple[int, ...] = (64, 96, 160)
    unet_groups: int = 16
    heads: int = 4
    text_width: int = 64
    text_layers: int = 2
    prompt_tokens: int = 16

    @property
    def cell(self) -> int:
        """Pixels of the picture for one latent, each way."""
        return int(2 ** (len(self.autoencoder) - 1))

    @property
    def unet_channels(self) -> int:
        """What the UNet sees of a place: noisy latents, mask, latents of the masked image."""
        return 2 * self.latent_channels + 1

    @property
    def stride(self) -> int:
        """Pixels that the sides of a picture are multiples of."""
        return self.cell * int(2 ** (len(self.unet) - 1))


@dataclass(frozen=True, slots=True, eq=False)
class InpainterParts:
    """The three networks of one inpainter, float32, and the tokenizer of its prompts."""

    autoencoder: AutoencoderKL
    unet: UNet2DConditionModel
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer


def parts_of(shape: InpainterShape, *, seed: int) -> InpainterParts:
    """Return the parts with random weights; the same seed gives the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        tokenizer = tokenizer_of(PROMPTS.values(), length=shape.prompt_tokens)
        return InpainterParts(
            _autoencoder(shape), _unet(shape), _text_encoder(shape, tokenizer), tokenizer
        )


def schedule() -> DDIMScheduler:
    """Return the schedule of Stable Diffusion 2, stretched until nothing but noise is left."""
    return DDIMScheduler(
        num_train_timesteps=TRAINING_STEPS,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        set_alpha_to_one=True,
        clip_sample=False,
        steps_offset=1,
    )


def _autoencoder(shape: InpainterShape) -> AutoencoderKL:
    scales = len(shape.autoencoder)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * scales,
        up_block_types=("UpDecoderBlock2D",) * scales,
        block_out_channels=shape.autoencoder,
        layers_per_block=1,
        latent_channels=shape.latent_channels,
        norm_num_groups=shape.autoencoder_groups,
        mid_block_add_attention=False,  # over all latents of a picture it would cost most
        force_upcast=False,
    ).eval()


def _unet(shape: InpainterShape) -> UNet2DConditionModel:
    finer = len(shape.unet) - 1
    return UNet2DConditionModel(
        sample_size=256 // shape.cell,
        in_channels=shape.unet_channels,
        out_channels=shape.latent_channels,
        down_block_types=("DownBlock2D",) * finer + ("CrossAttnDownBlock2D",),
        up_block_types=("CrossAttnUpBlock2D",) + ("UpBlock2D",) * finer,
        block_out_channels=shape.unet,
        layers_per_block=1,
        cross_attention_dim=shape.text_width,
        attention_head_dim=shape.heads,  # diffusers' name for the number of heads
        norm_num_groups=shape.unet_groups,
        use_linear_projection=True,
    ).eval()


def _text_encoder(shape: InpainterShape, tokenizer: CLIPTokenizer) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=shape.text_width,
            intermediate_size=2 * shape.text_width,
            projection_dim=shape.text_width,
            num_hidden_layers=shape.text_layers,
            num_attention_heads=shape.heads,
            max_position_embeddings=shape.prompt_tokens,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    ).eval()
