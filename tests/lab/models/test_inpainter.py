"""An inpainter is written as diffusers loads it, and comes back as it was."""

import json
import shutil
import socket
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

import torch
from safetensors import safe_open

from deid_node.pixels.fill.prompts import PROMPTS
from deid_node_lab.models.export_inpainter import (
    build_folder,
    hashes_of,
    read_folder,
    write_folder,
)
from deid_node_lab.models.inpainter import TRAINING_STEPS, InpainterShape, parts_of, schedule
from deid_node_lab.models.prompt_tokens import tokenizer_of
from tests.builders.inpainter import TINY


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    build_folder(folder, TINY, seed=3)
    return folder


def test_the_weights_come_back_as_they_were_but_for_half_of_their_bits(folder: Path) -> None:
    written, back = parts_of(TINY, seed=3), read_folder(folder)

    for net, other in (
        (written.autoencoder, back.autoencoder),
        (written.unet, back.unet),
        (written.text_encoder, back.text_encoder),
    ):
        weights = other.state_dict()
        assert all(
            weights[name].dtype == torch.float32
            and torch.equal(weight.half().float(), weights[name])
            for name, weight in net.state_dict().items()
        )


def test_what_was_read_is_written_as_it_was(folder: Path, tmp_path: Path) -> None:
    write_folder(read_folder(folder), tmp_path / "again")

    assert hashes_of(tmp_path / "again") == hashes_of(folder)


def test_a_folder_is_loaded_without_a_network(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_named: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)

    assert read_folder(folder).unet.config.in_channels == 9


def test_all_weights_are_safetensors_of_16_bits(folder: Path) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())

    assert {path.suffix for path in files} == {".json", ".safetensors"}
    for path in files:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as tensors:
                assert {tensors.get_tensor(name).dtype for name in tensors.keys()} == {  # noqa: SIM118
                    torch.float16
                }


def test_nothing_but_the_folder_s_own_words_is_in_its_files(folder: Path) -> None:
    configurations = [json.loads(path.read_text("utf-8")) for path in folder.rglob("*.json")]

    assert str(folder.parent) not in json.dumps(configurations)


def test_the_hashes_name_every_file_by_its_path(folder: Path) -> None:
    hashes = hashes_of(folder)

    assert "unet/diffusion_pytorch_model.safetensors" in hashes
    assert len(hashes) == sum(path.is_file() for path in folder.rglob("*"))
    assert all(len(digest) == 64 for digest in hashes.values())


def test_a_folder_that_lacks_a_file_is_refused_by_the_file_s_name(
    folder: Path, tmp_path: Path
) -> None:
    half = tmp_path / "half"
    shutil.copytree(folder, half)
    (half / "unet" / "diffusion_pytorch_model.safetensors").unlink()

    with pytest.raises(FileNotFoundError, match=r"unet/diffusion_pytorch_model\.safetensors"):
        read_folder(half)


def test_the_same_seed_gives_the_same_weights_and_disturbs_no_other_chance() -> None:
    torch.manual_seed(5)
    undisturbed = torch.rand(3)
    torch.manual_seed(5)

    one, two = parts_of(TINY, seed=1), parts_of(TINY, seed=1)

    assert torch.equal(torch.rand(3), undisturbed)
    assert torch.equal(one.unet.conv_in.weight, two.unet.conv_in.weight)
    assert not torch.equal(one.unet.conv_in.weight, parts_of(TINY, seed=2).unet.conv_in.weight)


def test_the_last_time_of_the_schedule_is_pure_noise_and_the_first_step_starts_there() -> None:
    plan = schedule()
    plan.set_timesteps(4)

    assert plan.alphas_cumprod[TRAINING_STEPS - 1] == 0
    assert plan.timesteps.tolist() == [999, 749, 499, 249]


def test_one_step_answers_with_the_network_s_estimate_itself() -> None:
    plan = schedule()
    plan.set_timesteps(1)
    noise, estimate = torch.randn(1, 4, 4, 4), torch.rand(1, 4, 4, 4)

    answer = plan.step(-estimate, plan.timesteps[0], noise).prev_sample

    assert torch.allclose(answer, estimate)


def test_every_word_of_the_prompts_is_one_token() -> None:
    tokenizer = tokenizer_of(PROMPTS.values(), length=16)

    for prompt in {prompt for prompt in PROMPTS.values() if prompt != "x-ray image"}:
        assert len(tokenizer.tokenize(prompt)) == len(prompt.split())
    assert tokenizer.tokenize("x-ray image") == ["x</w>", "-</w>", "ray</w>", "image</w>"]


def test_words_that_share_letters_do_not_take_each_other_s_pieces() -> None:
    tokenizer = tokenizer_of(["abc", "bcd", "cab", "abcd", "aab"], length=8)

    assert tokenizer.tokenize("bcd abc aab cab abcd") == [
        "bcd</w>", "abc</w>", "aab</w>", "cab</w>", "abcd</w>",
    ]  # fmt: skip


def test_other_words_are_spelt_and_long_prompts_cut() -> None:
    tokenizer = tokenizer_of(PROMPTS.values(), length=8)

    assert "".join(tokenizer.tokenize("zebra")) == "zebra</w>"
    assert tokenizer.unk_token_id not in tokenizer("zebra 12").input_ids[1:-1]
    assert len(tokenizer("zebra " * 9, truncation=True).input_ids) == 8


def test_the_shape_knows_what_sides_a_picture_may_have() -> None:
    assert (InpainterShape().cell, InpainterShape().stride) == (4, 16)
