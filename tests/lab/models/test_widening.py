"""An inpainter that is given more latent channels still does what it could."""

from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("diffusers", reason="the diffusion extra is not installed")

import torch

from deid_node_lab.models.inpainter import InpainterParts, parts_of
from deid_node_lab.models.widening import widened
from tests.builders.inpainter import TINY

WIDE = replace(TINY, latent_channels=6)


@pytest.fixture
def parts() -> InpainterParts:
    return parts_of(TINY, seed=2)


def test_it_gives_back_what_it_could_give_back(parts: InpainterParts) -> None:
    picture = torch.rand(1, 3, 16, 16) * 2 - 1

    wide = widened(parts, WIDE, seed=1)

    with torch.no_grad():
        known = parts.autoencoder.encode(picture).latent_dist.mean
        now = wide.autoencoder.encode(picture).latent_dist.mean
        before = parts.autoencoder.decode(known).sample
        after = wide.autoencoder.decode(now).sample
    assert now.shape[1] == 6
    assert torch.allclose(now[:, :4], known, atol=1e-5)
    assert torch.allclose(after, before, atol=1e-5)


def test_what_the_unet_sees_of_further_channels_changes_nothing(parts: InpainterParts) -> None:
    wide = widened(parts, WIDE, seed=1).unet
    told = torch.rand(1, 16, TINY.text_width)
    noisy, mask, around = (torch.rand(1, n, 4, 4) for n in (6, 1, 6))
    known = torch.cat([noisy[:, :4], mask, around[:, :4]], dim=1)
    every = torch.cat([noisy, mask, around], dim=1)

    with torch.no_grad():
        now = wide(every, torch.tensor(3), told).sample
        before = parts.unet(known, torch.tensor(3), told).sample

    assert torch.allclose(now[:, :4], before, atol=1e-5)


def test_as_many_channels_as_before_change_nothing(parts: InpainterParts) -> None:
    assert widened(parts, TINY, seed=1) is parts


def test_a_network_of_another_make_is_refused(parts: InpainterParts) -> None:
    other = replace(WIDE, autoencoder=(8, 8, 16))

    with pytest.raises(ValueError, match="differs in more than the channels"):
        widened(parts, other, seed=1)
