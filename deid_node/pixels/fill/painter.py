"""The pipeline of Stable Diffusion that paints squares, loaded on first use.

One code path for the model that ships and for a site's own: the class of diffusers,
from a folder on disk, without the hub. It starts from pure noise, and the picture it is
conditioned on has no masked pixel in it. Fit for one thread.

When memory runs out it goes on with fewer squares at a time, then on the processor, for
good; when that fails too, with an error that withholds the instance.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, assert_never

import cv2
import numpy as np
from numpy.typing import NDArray

from deid_node.errors import ConfigurationError, FillFailed
from deid_node.pixels.fill.folder import Folder, MaskedImage
from deid_node.pixels.fill.grain import noise_at
from deid_node.pixels.fill.harmonic import stretched
from deid_node.pixels.fill.telea import grown_in
from deid_node.pixels.fill.tiles import SIDE_PIXELS, Guess, Square
from deid_node.pixels.fill.tones import TOP

_BATCH_CUDA: Final = 16
_SCALES: Final = 16
_GREY: Final = 0.5


class Painter:
    """Paints squares with the model of `folder`.

    On a processor squares run one by one: as fast as together, and the same whatever
    runs beside them.
    """

    def __init__(self, folder: Folder, *, threads: int = 1) -> None:
        self._folder = folder
        self._threads = threads
        self._pipeline: Any = None
        self._embeddings: dict[str, Any] = {}
        self._device = ""
        self._batch = 1
        # A model of larger pictures is shown the square larger, by a whole factor.
        self._scale = max(1, folder.side_pixels // SIDE_PIXELS)

    @property
    def name(self) -> str:
        """The model's name: ``sd-`` and the first 8 digits of its UNet's sha256."""
        return self._folder.name

    @property
    def loaded(self) -> bool:
        """Whether the model is in memory."""
        return self._pipeline is not None

    @property
    def guess(self) -> Guess:
        """What fills a hole before the model sees it."""
        match self._folder.masked_image:
            case MaskedImage.HARMONIC:
                return stretched
            case MaskedImage.TELEA | MaskedImage.GREY:
                return grown_in
            case _:
                assert_never(self._folder.masked_image)

    def paint(self, squares: Sequence[Square]) -> list[NDArray[np.float32]]:
        """Return each square painted, ``(256, 256, 3)``, 0 to 255.

        Raises
        ------
        FillFailed
            Memory is short on the processor as well, or what comes out is no picture.
        ConfigurationError
            An accelerator is asked for and there is none.
        """
        done: list[NDArray[np.float32]] = []
        while len(done) < len(squares):
            if self._pipeline is None:
                self._load(self._chosen_device())
            try:
                with _memory_told():
                    done += self._painted(squares[len(done) : len(done) + self._batch])
            except _NoRoom:
                self._step_down()
        return done

    def _chosen_device(self) -> str:
        import torch

        there = torch.cuda.is_available()
        if self._folder.device == "cuda" and not there:
            raise ConfigurationError("pixels.inpainter.device", "torch sees no CUDA device")
        return "cuda" if there and self._folder.device != "cpu" else "cpu"

    def _load(self, device: str) -> None:
        # Nothing is asked of a hub, also not by a library that only wants to count.
        os.environ["HF_HUB_OFFLINE"] = os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
        # A worker's streams are the node's log: libraries write nothing there.
        os.environ["TRANSFORMERS_VERBOSITY"] = "error"
        import diffusers
        import torch
        import transformers

        diffusers.utils.logging.set_verbosity_error()
        diffusers.utils.logging.disable_progress_bar()
        transformers.utils.logging.disable_progress_bar()
        on_cpu = device == "cpu"
        pipeline = diffusers.StableDiffusionInpaintPipeline.from_pretrained(
            self._folder.path,
            local_files_only=True,
            use_safetensors=True,
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        if not isinstance(pipeline.scheduler, diffusers.DDIMScheduler):
            pipeline.scheduler = diffusers.DPMSolverMultistepScheduler.from_config(
                pipeline.scheduler.config
            )
        pipeline.set_progress_bar_config(disable=True)
        pipeline.unet.to(memory_format=torch.channels_last)
        pipeline.vae.to(memory_format=torch.channels_last)
        if on_cpu:
            torch.set_num_threads(self._threads)
        self._pipeline = pipeline.to(device, torch.float32 if on_cpu else torch.float16)
        self._embeddings = {}
        self._device = device
        self._batch = 1 if on_cpu else _BATCH_CUDA

    def _step_down(self) -> None:
        if self._batch > 1:
            self._batch //= 2
            return
        if self._device == "cpu":
            raise FillFailed
        self._pipeline = None
        import torch

        torch.cuda.empty_cache()
        self._load("cpu")

    def _painted(self, squares: Sequence[Square]) -> list[NDArray[np.float32]]:
        import torch

        pipeline = self._pipeline
        with torch.inference_mode():
            side = SIDE_PIXELS * self._scale
            masks = self._tensor([self._cells(square.mask)[None] for square in squares])
            shown = [_enlarged(square.picture, side) / TOP for square in squares]
            pictures = self._tensor([picture.transpose(2, 0, 1) for picture in shown])
            if self._folder.masked_image is MaskedImage.GREY:
                pictures = torch.where(masks > _GREY, _GREY, pictures)
            seen = pipeline.vae.encode(pictures * 2 - 1).latent_dist.mode()
            painted = pipeline(
                prompt_embeds=torch.cat([self._embedding(square.prompt) for square in squares]),
                image=pictures,
                mask_image=masks,
                masked_image_latents=seen * pipeline.vae.config.scaling_factor,
                latents=self._tensor([self._noise(square) for square in squares]),
                height=side,
                width=side,
                strength=1.0,
                guidance_scale=1.0,
                num_inference_steps=self._folder.steps,
                output_type="pt",
            ).images
            if self._folder.masked_image is not MaskedImage.GREY:
                # What the autoencoder loses of the first guess is no change that was drawn.
                lost = pictures - (pipeline.vae.decode(seen).sample / 2 + 0.5).clamp(0, 1)
                painted = painted + lost
        result = painted.float().cpu().numpy().transpose(0, 2, 3, 1) * np.float32(TOP)
        if not np.isfinite(result).all():
            raise _NoRoom
        cut = (len(squares), SIDE_PIXELS, self._scale, SIDE_PIXELS, self._scale, 3)
        return list(result.reshape(cut).mean(axis=(2, 4)))

    def _cells(self, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return a mask of whole latents: one that a masked pixel lies in is masked."""
        cell = self._pipeline.vae_scale_factor
        wide = mask.repeat(self._scale, axis=0).repeat(self._scale, axis=1)
        count = len(wide) // cell
        masked = wide.reshape(count, cell, count, cell).any(axis=(1, 3))
        return np.kron(masked, np.ones((cell, cell), np.float32)).astype(np.float32)

    def _noise(self, square: Square) -> NDArray[np.float32]:
        cell = self._pipeline.vae_scale_factor
        return noise_at(
            square.seed * _SCALES + min(square.scale, _SCALES - 1),
            top=square.top * self._scale // cell,
            left=square.left * self._scale // cell,
            rows=SIDE_PIXELS * self._scale // cell,
            columns=SIDE_PIXELS * self._scale // cell,
            layers=self._pipeline.vae.config.latent_channels,
        )

    def _embedding(self, prompt: str) -> Any:
        if prompt not in self._embeddings:
            self._embeddings[prompt], _ = self._pipeline.encode_prompt(
                prompt, self._device, 1, do_classifier_free_guidance=False
            )
        return self._embeddings[prompt]

    def _tensor(self, arrays: Sequence[NDArray[np.float32]]) -> Any:
        import torch

        stacked = torch.from_numpy(np.ascontiguousarray(np.stack(arrays)))
        return stacked.to(self._device, self._pipeline.unet.dtype)


def _enlarged(picture: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return a square in another size, within what can be shown."""
    larger = cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(larger, 0, TOP), np.float32)


class _NoRoom(Exception):
    """So many squares do not go on this device."""


@contextmanager
def _memory_told() -> Iterator[None]:
    """Turn each way in which torch says that memory is short into one."""
    import torch

    try:
        yield
    except (MemoryError, torch.OutOfMemoryError):
        raise _NoRoom from None
    except RuntimeError as error:
        # The processor's allocator has no class of its own.
        if "alloc" not in str(error):
            raise
        raise _NoRoom from None
