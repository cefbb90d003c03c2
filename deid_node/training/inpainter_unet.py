"""Second stage of the inpainter: to draw the latents of a hole from what lies around it.

Half of what is learned is the first answer to pure noise, the mean of all fills
that fit: most of a fill's worth is decided there. The autoencoder stays as the
first stage left it. The step number alone decides what is seen.
"""

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMScheduler
from torch import Tensor, nn
from torch.utils.data import Dataset
from transformers import CLIPTokenizer

from deid_node.models.inpainter import TRAINING_STEPS, InpainterParts, schedule
from deid_node.pixels.inpaint.prompts import NEUTRAL
from deid_node.training.backgrounds import read_backgrounds
from deid_node.training.checkpoints import resume, save_state
from deid_node.training.course import chosen_device, follow, rate_of_learning, stream, write_down
from deid_node.training.crops import CropMaker, told
from deid_node.training.inpainter_autoencoder import CHECKPOINT as AUTOENCODER
from deid_node.training.inpainter_autoencoder import in_range, load_autoencoder
from deid_node.training.inpainter_options import InpainterTraining, first_parts

CHECKPOINT = "unet.pt"
CURVE = "unet_curve.csv"
_COLUMNS = ("step", "learning_rate", "loss", "validation_loss", "seconds")
_VALIDATION_CROPS = 48
_VALIDATION_SEED_OFFSET = 7919
_FROM_NOISE = 0.5
_WIDE_EVERY = 4
_RIM_CELLS = 2
_RIM_WEIGHT = 0.3
_FAR_WEIGHT = 0.05


@dataclass(frozen=True, slots=True)
class CropBatch:
    """Crops for one step: what was there, what the model sees, where the hole is, what is told.

    `truth` and `around` are ``(count, 3, side, side)`` from -1 to 1, `holes`
    ``(count, 1, side, side)`` 0 or 1.
    """

    truth: Tensor
    around: Tensor
    holes: Tensor
    prompts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Latents:
    """A batch as the UNet sees it; `holes` is 1 in every cell that a hole touches."""

    truth: Tensor
    around: Tensor
    holes: Tensor


class _Batches(Dataset[CropBatch]):
    """Batch number `step`: every fourth is of fewer crops, twice as wide."""

    def __init__(self, narrow: CropMaker, wide: CropMaker, batch: int, span: range) -> None:
        self._narrow, self._wide, self._batch, self._span = narrow, wide, batch, span

    def __len__(self) -> int:
        return len(self._span)

    def __getitem__(self, offset: int) -> CropBatch:
        step = self._span[offset]
        if step % _WIDE_EVERY == _WIDE_EVERY - 1:
            return batch_of(self._wide, step * self._batch, max(1, self._batch // 4))
        return batch_of(self._narrow, step * self._batch, self._batch)


def batch_of(maker: CropMaker, first: int, count: int, *, neutral: float = 0.25) -> CropBatch:
    """Return crops `first` to ``first + count - 1``; so large a share is told no prompt."""
    crops = [maker.crop(first + number) for number in range(count)]
    chance = np.random.default_rng(first)
    return CropBatch(
        in_range(np.stack([crop.truth for crop in crops])),
        in_range(np.stack([crop.around for crop in crops])),
        torch.from_numpy(np.stack([crop.hole for crop in crops])).float()[:, None],
        tuple(told(crop, chance, neutral=neutral) for crop in crops),
    )


class Drawer(nn.Module):
    """The two networks that this stage trains, and the prompts they know."""

    def __init__(self, parts: InpainterParts) -> None:
        super().__init__()
        self.unet = parts.unet
        self.text_encoder = parts.text_encoder
        self._tokenizer: CLIPTokenizer = parts.tokenizer

    def forward(
        self, noisy: Tensor, times: Tensor, latents: Latents, prompts: Sequence[str]
    ) -> Tensor:
        """Return the velocity that the UNet sees in `noisy` at `times`."""
        known = sorted(set(prompts))
        tokens = self._tokenizer(
            known, padding="max_length", truncation=True, return_tensors="pt"
        ).input_ids
        said = self.text_encoder(tokens.to(noisy.device))[0]
        said = said[[known.index(prompt) for prompt in prompts]]
        seen = torch.cat([noisy, latents.holes, latents.around], dim=1)
        velocity: Tensor = self.unet(seen, times, encoder_hidden_states=said).sample
        return velocity


def encoded(autoencoder: AutoencoderKL, batch: CropBatch, cell: int) -> Latents:
    """Return `batch` in latents of spread one, one for every `cell` pixels each way."""
    device = autoencoder.device
    factor = autoencoder.config.scaling_factor
    pictures = torch.cat([batch.truth, batch.around]).to(device)
    with torch.no_grad():
        both = autoencoder.encode(
            pictures.contiguous(memory_format=torch.channels_last)
        ).latent_dist.mode()
    truth, around = (both.float() * factor).chunk(2)
    holes = nn.functional.max_pool2d(batch.holes.to(device), cell)
    return Latents(truth, around, holes)


def drawing_loss(
    drawer: Drawer,
    latents: Latents,
    prompts: Sequence[str],
    plan: DDIMScheduler,
    chance: torch.Generator,
) -> Tensor:
    """Return the squared error of the velocity, weighed by how near a cell is to the hole."""
    truth = latents.truth
    noise = torch.randn(truth.shape, generator=chance).to(truth.device)
    count = len(truth)
    times = torch.randint(0, TRAINING_STEPS, (count,), generator=chance)
    times[torch.rand(count, generator=chance) < _FROM_NOISE] = TRAINING_STEPS - 1
    times = times.to(truth.device)
    noisy = plan.add_noise(truth, noise, times)
    wanted = plan.get_velocity(truth, noise, times)
    wrong = (drawer(noisy, times, latents, prompts).float() - wanted).square().mean(1, True)
    return weighed(wrong, latents.holes)


def weighed(wrong: Tensor, holes: Tensor) -> Tensor:
    """Return the mean of `wrong`, in which the holes count most and what is far off little."""
    reach = 2 * _RIM_CELLS + 1
    rim = nn.functional.max_pool2d(holes, reach, stride=1, padding=_RIM_CELLS)
    weights = _FAR_WEIGHT + (_RIM_WEIGHT - _FAR_WEIGHT) * rim + (1 - _RIM_WEIGHT) * holes
    return (weights * wrong).sum() / weights.sum()


def train_unet(options: InpainterTraining, *, tell: Callable[[str], None] = print) -> Path:
    """Train, or go on training, and return the checkpoint's path.

    The autoencoder is that of `start_from`, else that of the first stage in `out`.

    Raises
    ------
    FileNotFoundError
        There is no autoencoder yet.
    """
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    cv2.setNumThreads(1)
    device = chosen_device(options.device)
    parts = first_parts(options)
    autoencoder = parts.autoencoder
    if options.start_from is None:
        autoencoder = load_autoencoder(options.out / AUTOENCODER, options)
    autoencoder.to(device, memory_format=torch.channels_last)
    options.out.mkdir(parents=True, exist_ok=True)
    drawer = Drawer(parts).train()
    drawer.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = copy.deepcopy(drawer).requires_grad_(False)
    descent = torch.optim.AdamW(drawer.parameters(), lr=options.learning_rate, weight_decay=0.01)
    first = resume(options.out / CHECKPOINT, drawer, averaged, descent, device)
    pictures = read_backgrounds(options.backgrounds, "train")
    makers = [
        CropMaker(pictures, side=side, seed=options.seed)
        for side in (options.side, 2 * options.side)
    ]
    check = batch_of(
        CropMaker(
            read_backgrounds(options.backgrounds, "validation"), side=options.side,
            seed=options.seed + _VALIDATION_SEED_OFFSET,
        ),
        0, _VALIDATION_CROPS,
    )  # fmt: skip
    batches = _Batches(*makers, options.batch, range(first, options.steps))
    plan = schedule()
    started, losses = time.monotonic(), []
    for step, batch in enumerate(stream(batches, workers=options.workers), start=first):
        rate = rate_of_learning(
            step, steps=options.steps, highest=options.learning_rate,
            warm_up=options.warm_up, fall=options.fall,
        )  # fmt: skip
        for parameters in descent.param_groups:
            parameters["lr"] = rate
        descent.zero_grad(set_to_none=True)
        chance = torch.Generator().manual_seed(options.seed * 1_000_003 + step)
        with torch.autocast(device.type, torch.bfloat16, enabled=options.half_precision):
            latents = encoded(autoencoder, batch, options.shape.cell)
            loss = drawing_loss(drawer, latents, batch.prompts, plan, chance)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(drawer.parameters(), 1.0)
        descent.step()
        follow(averaged, drawer, min(options.average, (step + 1) / (step + 10)))
        losses.append(float(loss.detach()))
        if (step + 1) % options.save_every == 0 or step + 1 == options.steps:
            save_state(
                options.out / CHECKPOINT, step + 1, asdict(options.shape), drawer, averaged, descent
            )
            examined = best_estimate_loss(averaged, autoencoder, check, options.shape.cell)
            row = (
                step + 1, rate, float(np.mean(losses)), examined, time.monotonic() - started
            )  # fmt: skip
            write_down(options.out / CURVE, _COLUMNS, row)
            losses.clear()
            tell(
                f"unet step={step + 1}/{options.steps} loss={row[2]:.4f} validation={row[3]:.4f} "
                f"seconds={row[4]:.0f}"
            )
    return options.out / CHECKPOINT


def best_estimate_loss(
    drawer: Drawer, autoencoder: AutoencoderKL, batch: CropBatch, cell: int
) -> float:
    """Return the error of the first answer to pure noise in the holes, of Telea's there.

    Below 1 the answer is nearer to the truth than the fill that it was shown.
    """
    latents = encoded(autoencoder, batch, cell)
    noise = torch.randn(latents.truth.shape, generator=torch.Generator().manual_seed(0))
    times = torch.full((len(noise),), TRAINING_STEPS - 1, device=latents.truth.device)
    with torch.no_grad():
        answer = -drawer(
            noise.to(times.device), times, latents, [NEUTRAL] * len(noise)
        ).float()
    own = (latents.holes * (answer - latents.truth).square()).sum()
    shown = (latents.holes * (latents.around - latents.truth).square()).sum()
    return float(own / shown)


def load_parts(out: Path, options: InpainterTraining) -> InpainterParts:
    """Return the averaged inpainter of both stages' checkpoints, ready to be written."""
    parts = first_parts(options)
    autoencoder = parts.autoencoder
    if options.start_from is None:
        autoencoder = load_autoencoder(out / AUTOENCODER, options)
    drawer = Drawer(parts)
    state: Mapping[str, Mapping[str, Tensor]] = torch.load(
        out / CHECKPOINT, map_location="cpu", weights_only=True
    )
    drawer.load_state_dict(state["averaged"])
    return InpainterParts(
        autoencoder, drawer.unet.eval(), drawer.text_encoder.eval(), parts.tokenizer
    )
