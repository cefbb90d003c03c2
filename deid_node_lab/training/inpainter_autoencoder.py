"""First stage of the inpainter: an autoencoder that gives back what it was given.

Its latents are what the second stage draws, so what they lose no fill can have.
The step number alone decides what is seen, so a training goes on where it was cut off.
"""

import copy
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn
from torch.utils.data import Dataset

from deid_node_lab.models.inpainter import parts_of
from deid_node_lab.training.backgrounds import read_every
from deid_node_lab.training.checkpoints import resume, save_state
from deid_node_lab.training.course import (
    chosen_device,
    follow,
    rate_of_learning,
    stream,
    write_down,
)
from deid_node_lab.training.crops import CropMaker
from deid_node_lab.training.inpainter_options import InpainterTraining, first_parts

CHECKPOINT = "autoencoder.pt"
CURVE = "autoencoder_curve.csv"
_COLUMNS = ("step", "learning_rate", "loss", "validation_psnr", "seconds")
_VALIDATION_CROPS = 64
_VALIDATION_SEED_OFFSET = 7919
_EDGES = 0.5
_SPREAD = 3e-4
_SCALES = 3


class _Batches(Dataset[Tensor]):
    """Batch number `step`, ``(batch, 3, side, side)`` from -1 to 1."""

    def __init__(self, maker: CropMaker, batch: int, first: int, last: int) -> None:
        self._maker, self._batch, self._first, self._last = maker, batch, first, last

    def __len__(self) -> int:
        return max(0, self._last - self._first)

    def __getitem__(self, offset: int) -> Tensor:
        start = (self._first + offset) * self._batch
        return in_range(np.stack([self._maker.picture(start + n) for n in range(self._batch)]))


def in_range(pictures: np.ndarray) -> Tensor:
    """Return 8-bit pictures ``(count, rows, columns, 3)`` as the networks take them.

    ``(count, 3, rows, columns)``, float32 from -1 to 1.
    """
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1.0


def train_autoencoder(options: InpainterTraining, *, tell: Callable[[str], None] = print) -> Path:
    """Train, or go on training, and return the checkpoint's path."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    cv2.setNumThreads(1)
    device = chosen_device(options.device)
    options.out.mkdir(parents=True, exist_ok=True)
    net = first_parts(options).autoencoder.train()
    net.to(device, memory_format=torch.channels_last)
    averaged = copy.deepcopy(net).requires_grad_(False)
    descent = torch.optim.AdamW(net.parameters(), lr=options.learning_rate, weight_decay=0.0)
    first = resume(options.out / CHECKPOINT, net, averaged, descent, device)
    maker = CropMaker(
        read_every(options.backgrounds, "train"), side=options.side, seed=options.seed
    )
    check = CropMaker(
        read_every(options.backgrounds, "validation"), side=options.side,
        seed=options.seed + _VALIDATION_SEED_OFFSET,
    )  # fmt: skip
    examined = _Batches(check, _VALIDATION_CROPS, 0, 1)[0]
    batches = _Batches(maker, options.batch, first, options.steps)
    started, losses = time.monotonic(), []
    for step, pictures in enumerate(stream(batches, workers=options.workers), start=first):
        rate = rate_of_learning(
            step, steps=options.steps, highest=options.learning_rate,
            warm_up=options.warm_up, fall=options.fall,
        )  # fmt: skip
        for parameters in descent.param_groups:
            parameters["lr"] = rate
        descent.zero_grad(set_to_none=True)
        shown = pictures.to(device).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=options.half_precision):
            loss = autoencoder_loss(net, shown, torch.Generator().manual_seed(step))
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
            row = (
                step + 1, rate, float(np.mean(losses)),
                restored_psnr(averaged, examined.to(device)), time.monotonic() - started,
            )  # fmt: skip
            write_down(options.out / CURVE, _COLUMNS, row)
            losses.clear()
            tell(
                f"autoencoder step={step + 1}/{options.steps} loss={row[2]:.4f} "
                f"validation_psnr={row[3]:.2f} dB"
            )
    return options.out / CHECKPOINT


def autoencoder_loss(net: AutoencoderKL, pictures: Tensor, chance: torch.Generator) -> Tensor:
    """Return how far `pictures` come back changed, edges included, plus the latents' spread.

    Differences count at full, half and quarter size: an error that all pixels of a
    place share is seen from afar. The latents are drawn towards a standard normal
    distribution just enough that near ones mean alike.
    """
    spread = net.encode(pictures).latent_dist
    back = net.decode(spread.sample(chance)).sample.float()
    wrong = back - pictures
    loss = wrong.new_zeros(())
    for scale in range(_SCALES):
        if scale:
            wrong = nn.functional.avg_pool2d(wrong, 2)
        across, down = wrong.diff(dim=3), wrong.diff(dim=2)
        loss = loss + wrong.abs().mean() + _EDGES * (across.abs().mean() + down.abs().mean())
    total: Tensor = loss / _SCALES + _SPREAD * spread.kl().float().mean() / spread.mean[0].numel()
    return total


def restored_psnr(net: AutoencoderKL, pictures: Tensor) -> float:
    """Return the mean over `pictures` of how well they come back, in dB of 255 grey levels."""
    with torch.no_grad():
        back = torch.cat(
            [net.decode(net.encode(one).latent_dist.mode()).sample for one in pictures[:, None]]
        )
    errors = ((back.clamp(-1, 1) - pictures) / 2).square().mean(dim=(1, 2, 3)).clamp_min(1e-8)
    return float((-10 * errors.log10()).mean())


def load_autoencoder(checkpoint: Path, options: InpainterTraining) -> AutoencoderKL:
    """Return the averaged autoencoder of a checkpoint, its latents scaled to a spread of one.

    The factor comes from training crops and is kept in the autoencoder's configuration.
    """
    net = parts_of(options.shape, seed=options.seed).autoencoder
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    net.load_state_dict(state["averaged"])
    maker = CropMaker(
        read_every(options.backgrounds, "train"), side=options.side, seed=options.seed
    )
    with torch.no_grad():
        latents = net.encode(_Batches(maker, _VALIDATION_CROPS, 0, 1)[0]).latent_dist.mode()
    net.register_to_config(scaling_factor=round(float(1 / latents.std()), 5))
    return net.eval()
