"""The whole folder of Stable Diffusion 2 inpainting, as a site places it: tiny and random here.

A real one is never part of a test: 5 GB, withdrawn by its maker.
"""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
import pytest
from pydicom.uid import UltrasoundImageStorage

pytest.importorskip("diffusers", reason="diffusers is not installed here")

from deid_node import cli
from deid_node.cli.status import ExitStatus
from deid_node.errors import ConfigurationError
from deid_node.metadata.apply.keys import new_key_file
from deid_node.pixels.fill.build import build_painter
from deid_node.pixels.fill.crops import picture_crop
from deid_node.pixels.fill.diffusion import DiffusionInpainter
from deid_node.pixels.fill.folder import MaskedImage, open_folder
from deid_node.pixels.fill.options import StableDiffusionOptions
from deid_node.pixels.fill.tiles import Square
from tests.builders.inpainter import painter_of
from tests.builders.stable_diffusion2 import UNET, WEIGHTS, build_sd2
from tests.builders.textures import rough_pixels
from tests.unit.pixeldata.instances import Kind, instance

pytestmark = [
    pytest.mark.slow,
    # The sampler of such folders makes arrays in a way that numpy will give up; a worker is silent.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_sd2(tmp_path_factory.mktemp("sd2") / "stable-diffusion-2-inpainting")


@pytest.fixture
def placed(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / whole.name))


def pins(folder: Path) -> dict[str, str]:
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in WEIGHTS}


def configured(root: Path, folder: Path, pinned: dict[str, str]) -> Path:
    """Write a configuration as the page of pixels tells it."""
    key = root / "key"
    if not key.exists():
        new_key_file(key)
    lines = "".join(f"      {name}: {digest}\n" for name, digest in pinned.items())
    (root / "node.yaml").write_text(
        f"spool: {{dir: ./spool}}\n"
        f"metadata: {{pseudonym_key_file: ./key}}\n"
        f"treatments: {{research: {{fill: diffusion}}}}\n"
        f"forward: {{destinations: {{archive: {{kind: folder, dir: ./sent}}}}}}\n"
        f"pixels:\n"
        f"  inpainter:\n"
        f"    weights_dir: {folder}\n"
        f"    steps: 1\n"
        f"    device: cpu\n"
        f"    weights_sha256:\n{lines}",
        "utf-8",
    )
    return root / "node.yaml"


def a_square() -> Square:
    picture = np.random.default_rng(5).uniform(0, 255, (256, 256, 3)).astype(np.float32)
    mask = np.zeros((256, 256), np.bool_)
    mask[100:130, 40:200] = True
    return Square(picture, mask, 16, 24, 1, "ct image", 5)


def test_the_folder_is_taken_as_it_was_placed(whole: Path) -> None:
    found = open_folder(StableDiffusionOptions(weights_dir=whole, weights_sha256=pins(whole)))

    assert found.name == f"sd-{pins(whole)[UNET][:8]}"
    assert (found.masked_image, found.steps, found.side_pixels) == (MaskedImage.GREY, 20, 512)


def test_it_paints_squares_in_the_size_that_it_was_trained_on(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    painter = painter_of(whole)
    painter.paint([a_square()])
    unet = painter._pipeline.unet
    seen: list[tuple[int, ...]] = []
    forward = unet.forward

    def watched(given: Any, *told: Any, **named: Any) -> Any:
        seen.append(tuple(given.shape))
        return forward(given, *told, **named)

    monkeypatch.setattr(unet, "forward", watched)

    first, again = (painter.paint([a_square()])[0] for _ in range(2))

    assert seen == [(1, 9, 64, 64)] * 2
    assert first.shape == (256, 256, 3)
    assert np.array_equal(first, again)


def test_what_lies_under_the_mask_is_not_shown_to_it(whole: Path) -> None:
    inpainter, mask = DiffusionInpainter(painter_of(whole)), a_square().mask
    bare = np.random.default_rng(5).integers(0, 256, (256, 256)).astype(np.uint8)
    written = np.where(mask, 255 - bare, bare).astype(np.uint8)

    one, two = inpainter.fill([picture_crop(frame, mask) for frame in (bare, written)])

    assert np.array_equal(one.values[mask], two.values[mask])


def test_a_safety_checker_is_never_opened(tmp_path: Path) -> None:
    painter = painter_of(build_sd2(tmp_path / "older", checker=True))

    painter.paint([a_square()])

    assert painter._pipeline.safety_checker is None
    assert painter._pipeline.feature_extractor is None


def set_in(file: Path, **values: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | values), "utf-8")


def pointer(folder: Path) -> None:
    (folder / UNET).write_bytes(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:"
        + b"0" * 64
        + b"\nsize 3463726504\n"
    )


def weights_of_another(folder: Path) -> None:
    """Give the UNet weights of a model that only draws, with the configuration of this one."""
    from diffusers import UNet2DConditionModel

    told = json.loads((folder / "unet/config.json").read_text("utf-8"))
    own = UNet2DConditionModel.from_config(told | {"in_channels": 4})
    own.save_pretrained(folder / "unet", safe_serialization=True)
    set_in(folder / "unet/config.json", in_channels=9)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (pointer, f"{UNET} is a pointer of Git LFS"),
        (
            lambda f: (f / UNET).unlink(),
            rf"{UNET} is missing; diffusion_pytorch_model.fp16.safetensors would do",
        ),
        (weights_of_another, f"{UNET} is not of the make that unet/config.json says"),
        (lambda f: shutil.rmtree(f / "scheduler"), "scheduler/scheduler_config.json is missing"),
        (lambda f: (f / "tokenizer/merges.txt").unlink(), "merges.txt is missing"),
        (lambda f: (f / "tokenizer/vocab.json").write_text("{"), "tokenizer/vocab.json is no JSON"),
        (lambda f: set_in(f / "unet/config.json", sample_size=None), "sample_size is no count"),
        (
            lambda f: set_in(f / "vae/config.json", block_out_channels=8),
            "block_out_channels is no list",
        ),
        (
            lambda f: set_in(
                f / "model_index.json", _class_name="StableDiffusionXLInpaintPipeline"
            ),
            "model_index.json is not of a StableDiffusionInpaintPipeline",
        ),
    ],
)
def test_a_folder_that_was_placed_wrongly_is_refused_with_its_file(
    placed: Path, spoil: Callable[[Path], object], reason: str
) -> None:
    spoil(placed)

    with pytest.raises(ConfigurationError, match=reason):
        build_painter(StableDiffusionOptions(weights_dir=placed))


def test_check_takes_what_is_pinned_and_refuses_another_byte(
    placed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(tmp_path, placed, pins(placed))

    taken = cli.main(["check", "--config", str(config)])
    (placed / UNET).write_bytes((placed / UNET).read_bytes()[:-1] + b"\x01")
    refused = cli.main(["check", "--config", str(config)])

    assert (taken, refused) == (ExitStatus.DONE, ExitStatus.MISUSE)
    said = capsys.readouterr().err
    assert f"pixels.inpainter.weights_sha256: {UNET} has another sha256 than is pinned" in said


@pytest.fixture
def hub() -> Iterator[tuple[str, list[bytes]]]:
    """A hub that nobody is to call: its address, and what it was asked for."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    asked.append(connection.recv(200))

        thread = threading.Thread(target=listen)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        over.set()
        thread.join()


def test_an_instance_is_filled_by_it_and_no_hub_is_asked(
    placed: Path, tmp_path: Path, hub: tuple[str, list[bytes]]
) -> None:
    address, asked = hub
    pixels = rough_pixels(3)
    written = cv2.putText(pixels.copy(), "DOE JANE", (20, 110), 0, 0.9, 255, 2, cv2.LINE_AA)
    dataset = instance(written[None, ..., None], Kind())
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UltrasoundImageStorage
    dataset.Modality = "US"
    (tmp_path / "in").mkdir()
    dataset.save_as(tmp_path / "in" / "a.dcm")
    config = configured(tmp_path, placed, pins(placed))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}

    run = subprocess.run(
        [sys.executable, "-m", "deid_node", "clean", "in", "out", "--config", str(config),
         "--report", "report.jsonl"],
        cwd=tmp_path, env={**environment, "HF_ENDPOINT": address}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip

    assert run.returncode == ExitStatus.DONE, run.stderr
    (line,) = (tmp_path / "report.jsonl").read_text("utf-8").splitlines()
    told = json.loads(line)
    assert told["outcome"] == "clean"
    assert {region["fill"] for region in told["regions"]} == {"diffusion"}
    cleaned = pydicom.dcmread(tmp_path / told["output"]).pixel_array
    changed = cleaned != written
    inside = np.zeros_like(changed)
    for region in told["regions"]:
        rows, columns = (region["top"], region["bottom"]), (region["left"], region["right"])
        inside[slice(*rows), slice(*columns)] = True
    assert changed[inside].mean() > 0.5
    assert not changed[~inside].any()
    assert asked == []
