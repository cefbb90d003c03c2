"""A folder that cannot be used keeps the node from starting, and the reason names the file."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from deid_node.errors import ConfigurationError
from deid_node.pixels.fill import build, folder
from deid_node.pixels.fill.build import build_inpainter, build_painter
from deid_node.pixels.fill.folder import MaskedImage, open_folder
from deid_node.pixels.fill.options import FillPolicy, StableDiffusionOptions

UNET = "unet/diffusion_pytorch_model.safetensors"
WEIGHTS = ("text_encoder/model.safetensors", UNET, "vae/diffusion_pytorch_model.safetensors")


@pytest.fixture
def model(tiny_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_folder, tmp_path / "model"))


def hashes(model: Path) -> dict[str, str]:
    return {name: hashlib.sha256((model / name).read_bytes()).hexdigest() for name in WEIGHTS}


def set_in(file: Path, **values: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | values), "utf-8")


def pickled_only(model: Path) -> None:
    (model / UNET).rename(model / "unet" / "diffusion_pytorch_model.bin")


def cut_short(model: Path) -> None:
    whole = (model / UNET).read_bytes()
    (model / UNET).write_bytes(whole[:-100])


def huge_head(model: Path) -> None:
    (model / UNET).write_bytes(b"\xff" * 64)


def index_without(part: str) -> Callable[[Path], None]:
    return lambda model: set_in(model / "model_index.json", **{part: [None, None]})


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (shutil.rmtree, "the folder is not there"),
        (lambda m: (m / "model_index.json").unlink(), "model_index.json is missing"),
        (lambda m: (m / "model_index.json").write_text("{"), "model_index.json is no JSON"),
        (lambda m: set_in(m / "model_index.json", _class_name="X"), "model_index.json is not of"),
        (index_without("vae"), "model_index.json: vae is no AutoencoderKL"),
        (lambda m: (m / "vae/config.json").unlink(), "vae/config.json is missing"),
        (lambda m: (m / "tokenizer/tokenizer.json").unlink(), "tokenizer/vocab.json"),
        (lambda m: (m / WEIGHTS[0]).unlink(), f"{WEIGHTS[0]} is missing$"),
        (pickled_only, f"{UNET} is missing; pickled weights are never opened"),
        (cut_short, f"{UNET} is cut short"),
        (huge_head, f"{UNET} is cut short"),
        (lambda m: set_in(m / "unet/config.json", in_channels=4), "in_channels is not 9"),
        (lambda m: set_in(m / "unet/config.json", cross_attention_dim=7), "cross_attention_dim"),
        (lambda m: set_in(m / "vae/config.json", latent_channels=16), "in_channels is not 33"),
        (
            lambda m: set_in(m / "vae/config.json", latent_channels="4"),
            "latent_channels is no count",
        ),
        (lambda m: set_in(m / "unet/config.json", out_channels=8), "out_channels is not 4"),
        (
            lambda m: set_in(m / "scheduler/scheduler_config.json", prediction_type="sample"),
            "prediction_type",
        ),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused_with_its_reason(
    model: Path, spoil: Callable[[Path], object], reason: str
) -> None:
    spoil(model)

    with pytest.raises(ConfigurationError, match=reason) as refused:
        build_painter(StableDiffusionOptions(weights_dir=model))

    assert refused.value.path == "pixels.inpainter.weights_dir"
    assert str(model) not in str(refused.value)


def test_weights_that_are_pinned_and_right_are_taken(model: Path) -> None:
    options = StableDiffusionOptions(weights_dir=model, weights_sha256=hashes(model), steps=7)

    found = open_folder(options)

    assert found.name == f"sd-{hashes(model)[UNET][:8]}"
    assert (found.steps, found.masked_image) == (7, MaskedImage.GREY)


@pytest.mark.parametrize(
    ("pinned", "reason"),
    [
        ({UNET: "0" * 64}, f"{UNET} has another sha256 than is pinned"),
        ({UNET: None}, f"{WEIGHTS[0]} is not pinned beside the others"),
        ({"unet/more.safetensors": "0" * 64}, "unet/more.safetensors is pinned and missing"),
        ({"../secret": "0" * 64}, "names a file outside of the folder"),
    ],
)
def test_other_bytes_than_are_pinned_are_refused(
    model: Path, pinned: dict[str, str | None], reason: str
) -> None:
    wanted = {name: digest or hashes(model)[name] for name, digest in pinned.items()}
    options = StableDiffusionOptions(weights_dir=model, weights_sha256=wanted)

    with pytest.raises(ConfigurationError, match=reason) as refused:
        open_folder(options)

    assert refused.value.path == "pixels.inpainter.weights_sha256"


def test_a_card_beside_the_folder_says_how_it_is_run_and_pins_it(model: Path) -> None:
    card = {"masked_image": "telea", "steps": 3, "sha256": hashes(model)}
    (model.parent / "model.json").write_text(json.dumps(card), "utf-8")

    found = open_folder(StableDiffusionOptions(weights_dir=model))
    (model / UNET).write_bytes((model / UNET).read_bytes()[:-1] + b"\0")

    assert (found.steps, found.masked_image) == (3, MaskedImage.TELEA)
    with pytest.raises(ConfigurationError, match="another sha256"):
        open_folder(StableDiffusionOptions(weights_dir=model))


def test_a_card_that_says_something_unknown_is_refused(model: Path) -> None:
    (model.parent / "model.json").write_text('{"masked_image": "black"}', "utf-8")

    with pytest.raises(ConfigurationError, match="masked_image of its card is not known"):
        open_folder(StableDiffusionOptions(weights_dir=model))


def test_without_the_libraries_a_folder_is_refused_and_auto_goes_on(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "_LIBRARIES", ("a_library_that_is_not_there",))

    assert build_painter(StableDiffusionOptions()) is None
    assert build_inpainter(FillPolicy.AUTO, None).context_pixels > 0
    with pytest.raises(ConfigurationError, match=r"is not installed.*deid-node\[diffusion\]"):
        build_painter(StableDiffusionOptions(weights_dir=model))
    with pytest.raises(ConfigurationError, match=r"diffusion: .* is not installed"):
        build_inpainter(FillPolicy.DIFFUSION, None)


def test_where_no_model_ships_diffusion_is_refused_and_auto_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "shipped", lambda: tmp_path / "none")

    assert build_painter(StableDiffusionOptions()) is None
    with pytest.raises(ConfigurationError, match="diffusion: no model ships"):
        build_inpainter(FillPolicy.DIFFUSION, None)


@pytest.mark.parametrize("policy", list(FillPolicy))
def test_every_policy_is_built_where_there_is_a_model(policy: FillPolicy, model: Path) -> None:
    painter = build_painter(StableDiffusionOptions(weights_dir=model))

    inpainter = build_inpainter(policy, painter)

    assert inpainter.fill([]) == ()
    assert painter is not None
    assert not painter.loaded
