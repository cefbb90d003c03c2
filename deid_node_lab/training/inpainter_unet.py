"""Second stage of the inpainter: a UNet that draws latents into a hole, told what image it is.

Four of five steps show it pure noise: what it answers there is its best estimate, and
the first step of every fill, so it is judged by its pixels as well as by its latents.
The others are spread over the whole schedule. What counts is the hole and its rim;
the rest of the picture is only kept in order.
The step number alone decides what is seen, so a training goes on where it was cut off.
"""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from torch import Tensor, nn
from torch.utils.data import Dataset
from transformers import CLIPTextModel, CLIPTokenizer

from deid_node.errors import InputError
from deid_node_lab.models.inpainter import TRAINING_STEPS, InpainterParts, schedule
from deid_node_lab.training.backgrounds import Part, read_every
from deid_node_lab.training.checkpoints import resume, save_state
from deid_node_lab.training.course import (
    chosen_device,
    follow,
    rate_of_learning,
    stream,
    write_down,
)
from deid_node_lab.training.crops import CropMaker, told
from deid_node_lab.training.inpainter_autoencoder import CHECKPOINT as AUTOENCODER
from deid_node_lab.training.inpainter_autoencoder import in_range, load_autoencoder
from deid_node_lab.training.inpainter_options import InpainterTraining, first_parts

CHECKPOINT = "unet.pt"
CURVE = "unet_curve.csv"
_COLUMNS = ("step", "learning_rate", "loss", "best_estimate_psnr", "guess_psnr", "seconds")
_PURE_NOISE = TRAINING_STEPS - 1
_NOISE_SHARE = 0.8
_RIM, _ELSEWHERE = 0.3, 0.03
_PIXELS, _PIXELS_SHARE = 4.0, 0.5
_VALIDATION_BATCHES = 4
_VALIDATION_SEED_OFFSET = 7919


class Drawing(nn.Module):
    """The two networks that learn together."""

    def __init__(self, unet: UNet2DConditionModel, text: CLIPTextModel) -> None:
        super().__init__()
        self.unet = unet
        self.text = text


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A batch: pictures ``(n, 3, side, side)`` from -1 to 1, holes ``(n, 1, side, side)``."""

    truth: Tensor
    around: Tensor
    hole: Tensor
    prompts: tuple[str, ...]


class _Batches(Dataset[Shown]):
    """Batch number `step`, whatever was shown before."""

    def __init__(self, maker: CropMaker, options: InpainterTraining, first: int, last: int) -> None:
        self._maker, self._options, self._first, self._last = maker, options, first, last

    def __len__(self) -> int:
        return max(0, self._last - self._first)

    def __getitem__(self, offset: int) -> Shown:
        step, count = self._first + offset, self._options.batch
        crops = [self._maker.crop(step * count + n) for n in range(count)]
        chance = np.random.default_rng([self._options.seed, step])
        return Shown(
            in_range(np.stack([crop.truth for crop in crops])),
            in_range(np.stack([crop.around for crop in crops])),
            torch.from_numpy(np.stack([crop.hole for crop in crops]))[:, None].float(),
            tuple(told(crop, chance, neutral=self._options.neutral) for crop in crops),
        )


def train_unet(options: InpainterTraining, *, tell: Callable[[str], None] = print) -> Path:
    """Train, or go on training, and return the checkpoint's path.

    The autoencoder is that of the first stage in `options.out`, else that of
    `options.start_from`; it does not change.

    Raises
    ------
    InputError
        There is no autoencoder.
    """
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    cv2.setNumThreads(1)
    device = chosen_device(options.device)
    options.out.mkdir(parents=True, exist_ok=True)
    parts = first_parts(options)
    autoencoder = _first_stage(parts, options).requires_grad_(False)
    autoencoder.to(device, memory_format=torch.channels_last)
    net = Drawing(parts.unet, parts.text_encoder).train()
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = copy.deepcopy(net).requires_grad_(False).eval()
    descent = torch.optim.AdamW(net.parameters(), lr=options.learning_rate, weight_decay=0.0)
    first = resume(options.out / CHECKPOINT, net, averaged, descent, device)
    artist = _Artist(autoencoder, parts.tokenizer, schedule(), device, options.half_precision)
    batches = _Batches(_maker(options, "train", 0), options, first, options.steps)
    examined = _examined(options)
    started, losses = time.monotonic(), []
    for step, shown in enumerate(stream(batches, workers=options.workers), start=first):
        rate = rate_of_learning(
            step, steps=options.steps, highest=options.learning_rate,
            warm_up=options.warm_up, fall=options.fall,
        )  # fmt: skip
        for parameters in descent.param_groups:
            parameters["lr"] = rate
        descent.zero_grad(set_to_none=True)
        loss = artist.loss(net, shown, torch.Generator().manual_seed(step))
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        descent.step()
        follow(averaged, net, min(options.average, (step + 1) / (step + 10)))
        losses.append(float(loss.detach()))
        if (step + 1) % options.save_every == 0 or step + 1 == options.steps:
            save_state(
                options.out / CHECKPOINT, step + 1, net, averaged, descent,
                shape=asdict(options.shape),
            )  # fmt: skip
            best, guess = artist.estimate(averaged, examined)
            row = (step + 1, rate, float(np.mean(losses)), best, guess, time.monotonic() - started)
            write_down(options.out / CURVE, _COLUMNS, row)
            losses.clear()
            tell(
                f"unet step={step + 1}/{options.steps} loss={row[2]:.4f} "
                f"best_estimate={best:.2f} dB guess={guess:.2f} dB"
            )
    return options.out / CHECKPOINT


def trained_parts(options: InpainterTraining) -> InpainterParts:
    """Return the averaged networks of both stages, as they ship."""
    parts = first_parts(options)
    net = Drawing(parts.unet, parts.text_encoder)
    state = torch.load(options.out / CHECKPOINT, map_location="cpu", weights_only=True)
    net.load_state_dict(state["averaged"])
    net.eval()
    return InpainterParts(_first_stage(parts, options), net.unet, net.text, parts.tokenizer)


@dataclass(frozen=True, slots=True, eq=False)
class _Artist:
    """What stays the same while the networks learn."""

    autoencoder: AutoencoderKL
    tokenizer: CLIPTokenizer
    noising: DDIMScheduler
    device: torch.device
    half_precision: bool

    def loss(self, net: Drawing, shown: Shown, chance: torch.Generator) -> Tensor:
        """Return the weighted error of the velocity that `net` sees in noisy latents.

        Where they are pure noise, the mean squared error of the pixels in the hole is
        added: latents that differ alike may differ much or little to the eye. Pixels cost
        as much as all else, so no more than half of the batch is decoded.
        """
        with torch.no_grad(), self._fast():
            truth, around = (self._latents(pictures) for pictures in (shown.truth, shown.around))
        hole = _shrunk(shown.hole.to(self.device), truth)
        noise = torch.randn(truth.shape, generator=chance).to(self.device)
        times = torch.randint(0, TRAINING_STEPS, truth.shape[:1], generator=chance)
        times[torch.rand(truth.shape[:1], generator=chance) < _NOISE_SHARE] = _PURE_NOISE
        times = times.to(self.device)
        noisy = self.noising.add_noise(truth, noise, times)
        wanted = self.noising.get_velocity(truth, noise, times)
        with self._fast():
            seen = net.unet(
                torch.cat([noisy, hole, around], dim=1), times, self._told(net, shown.prompts)
            ).sample
        rim = nn.functional.max_pool2d(hole, 3, 1, 1) - hole
        weight = hole + _RIM * rim + _ELSEWHERE
        wrong = (seen.float() - wanted).square() * weight
        loss: Tensor = wrong.sum() / (weight.sum() * truth.shape[1])
        first = (times == _PURE_NOISE).nonzero()[: max(1, round(len(times) * _PIXELS_SHARE)), 0]
        if len(first):
            fills = self._fills(seen[first], around[first], shown.around.to(self.device)[first])
            inside = shown.hole.to(self.device)[first].expand_as(fills)
            missed = (fills - shown.truth.to(self.device)[first]).square() * inside
            loss = loss + _PIXELS * missed.sum() / inside.sum()
        return loss

    @torch.no_grad()
    def estimate(self, net: Drawing, examined: Sequence[Shown]) -> tuple[float, float]:
        """Return the mean PSNR in the hole, in dB, of the best estimate and of the first guess."""
        drawn, grown = [], []
        for number, shown in enumerate(examined):
            around = self._latents(shown.around)
            hole = _shrunk(shown.hole.to(self.device), around)
            noise = torch.randn(around.shape, generator=torch.Generator().manual_seed(number))
            times = torch.full(around.shape[:1], _PURE_NOISE, device=self.device)
            with self._fast():
                seen = net.unet(
                    torch.cat([noise.to(self.device), hole, around], dim=1),
                    times, self._told(net, shown.prompts),
                ).sample  # fmt: skip
            fill = self._fills(seen, around, shown.around.to(self.device)).clamp(-1, 1).cpu()
            for one in range(len(fill)):
                drawn.append(_psnr(fill[one], shown.truth[one], shown.hole[one]))
                grown.append(_psnr(shown.around[one], shown.truth[one], shown.hole[one]))
        return float(np.mean(drawn)), float(np.mean(grown))

    def _fills(self, seen: Tensor, around: Tensor, guess: Tensor) -> Tensor:
        """Return the pictures of first answers, what the autoencoder loses of the guess returned.

        Pure noise has the negative of the latents for a velocity.
        """
        factor = self.autoencoder.config.scaling_factor
        with self._fast():
            with torch.no_grad():
                lost = guess - self.autoencoder.decode(around / factor).sample.float()
            drawn = self.autoencoder.decode(-seen / factor).sample.float()
        fills: Tensor = drawn + lost
        return fills

    def _latents(self, pictures: Tensor) -> Tensor:
        near = pictures.to(self.device).contiguous(memory_format=torch.channels_last)
        latents: Tensor = self.autoencoder.encode(near).latent_dist.mode().float()
        scaled: Tensor = latents * self.autoencoder.config.scaling_factor
        return scaled

    def _told(self, net: Drawing, prompts: Sequence[str]) -> Tensor:
        tokens = self.tokenizer(
            list(prompts), padding="max_length", truncation=True, return_tensors="pt",
            max_length=self.tokenizer.model_max_length,
        )  # fmt: skip
        told: Tensor = net.text(tokens.input_ids.to(self.device))[0]
        return told

    def _fast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.half_precision)


def _first_stage(parts: InpainterParts, options: InpainterTraining) -> AutoencoderKL:
    checkpoint = options.out / AUTOENCODER
    if checkpoint.exists():
        return load_autoencoder(checkpoint, options)
    if options.start_from is None:
        raise InputError(f"{AUTOENCODER} is missing: train the stage autoencoder first")
    return parts.autoencoder


def _maker(options: InpainterTraining, part: Part, offset: int) -> CropMaker:
    return CropMaker(
        read_every(options.backgrounds, part), side=options.side, seed=options.seed + offset
    )


def _examined(options: InpainterTraining) -> tuple[Shown, ...]:
    maker = _maker(options, "validation", _VALIDATION_SEED_OFFSET)
    batches = _Batches(maker, options, 0, _VALIDATION_BATCHES)
    return tuple(batches[number] for number in range(_VALIDATION_BATCHES))


def _shrunk(hole: Tensor, latents: Tensor) -> Tensor:
    """Return the hole at the size of the latents: every cell that a pixel of it lies in."""
    return nn.functional.max_pool2d(hole, hole.shape[-1] // latents.shape[-1])


def _psnr(fill: Tensor, truth: Tensor, hole: Tensor) -> float:
    inside = hole.expand_as(truth) > 0
    error = ((fill[inside] - truth[inside]) / 2).square().mean().clamp_min(1e-8)
    return float(-10 * error.log10())
