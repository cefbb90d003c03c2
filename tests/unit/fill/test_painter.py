from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from deid_node.errors import ConfigurationError, FillFailed
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.diffusion import DiffusionInpainter
from deid_node.pixels.fill.folder import Folder, MaskedImage, open_folder
from deid_node.pixels.fill.options import StableDiffusionOptions
from deid_node.pixels.fill.painter import Painter
from deid_node.pixels.fill.tiles import Square
from deid_node.values.geometry import Box
from tests.fakes.finder import finds_always, finds_nothing
from tests.unit.pixeldata.instances import Kind, instance, noise

Painted = list[NDArray[np.float32]]


def square(number: int = 0) -> Square:
    draw = np.random.default_rng(number)
    mask = np.zeros((256, 256), dtype=np.bool_)
    mask[100:120, 40:200] = True
    picture = draw.uniform(0, 255, (256, 256, 3)).astype(np.float32)
    return Square(picture, mask, 0, 0, 1, "ct image", 5)


class Starved(Painter):
    """Believes in an accelerator; each device has room for so many squares at a time."""

    def __init__(
        self, folder: Folder, room: Mapping[str, int], fault: Exception | None = None
    ) -> None:
        super().__init__(folder)
        self.tried: list[tuple[str, int]] = []
        self._room = room
        self._fault = fault or torch.OutOfMemoryError("no memory")

    def _chosen_device(self) -> str:
        return "cuda"

    def _load(self, device: str) -> None:
        super()._load("cpu")
        self._batch = 4 if device == "cuda" else 1
        self.believed = device

    def _step_down(self) -> None:
        self._device = self.believed
        super()._step_down()
        self._device = "cpu"

    def _painted(self, squares: Sequence[Square]) -> Painted:
        self.tried.append((self.believed, len(squares)))
        if len(squares) > self._room[self.believed]:
            raise self._fault
        return super()._painted(squares)


@pytest.fixture
def folder(tiny_folder: Path) -> Folder:
    return open_folder(StableDiffusionOptions(weights_dir=tiny_folder, steps=1))


def test_out_of_memory_means_fewer_squares_at_a_time(folder: Folder) -> None:
    painter = Starved(folder, MappingProxyType({"cuda": 2, "cpu": 1}))

    painted = painter.paint([square(n) for n in range(5)])

    assert len(painted) == 5
    assert painter.tried == [("cuda", 4), ("cuda", 2), ("cuda", 2), ("cuda", 1)]


def test_then_the_processor_and_it_stays_there(folder: Folder) -> None:
    painter = Starved(folder, MappingProxyType({"cuda": 0, "cpu": 1}))

    painted = painter.paint([square(n) for n in range(2)])
    painter.paint([square()])

    assert len(painted) == 2
    assert painter.tried == [("cuda", 2), ("cuda", 2), ("cuda", 1)] + [("cpu", 1)] * 3


@pytest.mark.parametrize(
    "fault",
    [
        torch.OutOfMemoryError("no memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
    ids=["torch", "numpy", "allocator"],
)
def test_then_the_instance_is_withheld_and_may_be_tried_again(
    folder: Folder, fault: Exception
) -> None:
    painter = Starved(folder, MappingProxyType({"cuda": 0, "cpu": 0}), fault)

    with pytest.raises(FillFailed) as failed:
        painter.paint([square()])

    assert failed.value.passes
    assert painter.tried[-1] == ("cpu", 1)


def test_no_instance_passes_with_its_text_when_memory_is_out(folder: Folder) -> None:
    painter = Starved(folder, MappingProxyType({"cuda": 0, "cpu": 0}))
    finder = finds_always(Box(8, 8, 20, 20))
    cleaner = PixelCleaner(finder, DiffusionInpainter(painter), second_look=finds_nothing())

    with pytest.raises(FillFailed):
        cleaner.clean(instance(noise(Kind(), frames=1), Kind()), seed=1)


def test_another_fault_is_no_lack_of_memory(folder: Folder) -> None:
    painter = Starved(folder, MappingProxyType({"cuda": 0, "cpu": 0}), RuntimeError("device lost"))

    with pytest.raises(RuntimeError, match="device lost"):
        painter.paint([square()])


def test_what_is_no_picture_is_not_used(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    painter = Painter(folder)
    painter.paint([square()])
    with torch.no_grad():
        next(iter(painter._pipeline.unet.parameters())).fill_(float("nan"))

    with pytest.raises(FillFailed):
        painter.paint([square()])


def test_an_accelerator_that_is_not_there_is_refused(tiny_folder: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has an accelerator")
    options = StableDiffusionOptions(weights_dir=tiny_folder, device="cuda")

    with pytest.raises(ConfigurationError, match="sees no CUDA device"):
        Painter(open_folder(options)).paint([square()])


@pytest.mark.parametrize("masked_image", list(MaskedImage))
def test_the_pipeline_gets_the_masked_picture_as_the_card_says(
    folder: Folder, masked_image: MaskedImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    painter = Painter(Folder(folder.path, folder.name, masked_image, steps=1, device=folder.device))
    painter.paint([square()])
    seen: list[torch.Tensor] = []
    encode = painter._pipeline.vae.encode

    def watched(picture: torch.Tensor) -> object:
        seen.append(picture)
        return encode(picture)

    monkeypatch.setattr(painter._pipeline.vae, "encode", watched)

    painter.paint([square()])

    (picture,) = seen
    under = picture[0, :, 100:120, 40:200]
    assert bool((under == 0).all()) is (masked_image is MaskedImage.GREY)


def test_values_a_little_out_of_range_are_those_at_its_end(folder: Folder) -> None:
    """The pipeline takes a picture with anything below zero for one from -1 to 1, and says so."""
    inside, outside = square(), square()
    inside.picture[:9], outside.picture[:9] = 0, -0.01

    first, second = Painter(folder).paint([inside, outside])

    assert np.array_equal(first, second)


def test_a_prompt_is_encoded_once(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    painter = Painter(folder)
    (first,) = painter.paint([square()])
    monkeypatch.delattr(type(painter._pipeline), "encode_prompt")

    # The pipeline looks again at embeddings it is given; ours are not made again.
    assert painter._embedding("ct image").shape[0] == 1
    with pytest.raises(AttributeError):
        painter._embedding("mr image")
    assert first.shape == (256, 256, 3)


def test_loading_writes_nothing(folder: Folder, capfd: pytest.CaptureFixture[str]) -> None:
    """The streams of a worker are the node's log."""
    Painter(folder).paint([square()])

    assert capfd.readouterr() == ("", "")
