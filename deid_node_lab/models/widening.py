"""Gives the weights of an inpainter to one that has more channels in its latents.

What the known channels mean stays as it was: the autoencoder begins with what it could
give back, the UNet with what it could draw, and both learn what the further ones are for.
"""

from typing import Final

import torch
from torch import nn

from deid_node_lab.models.inpainter import InpainterParts, InpainterShape, parts_of

_LATENT_LAYERS: Final = frozenset(
    {
        "encoder.conv_out", "quant_conv", "post_quant_conv", "decoder.conv_in",
        "conv_in", "conv_out",
    }
)  # fmt: skip
"""Where latents go in or come out, of the autoencoder and of the UNet."""


def widened(parts: InpainterParts, shape: InpainterShape, *, seed: int) -> InpainterParts:
    """Return `parts` with as many latent channels as `shape` has, `parts` itself if they are.

    The further channels begin with random weights in the autoencoder and in what the
    UNet answers, and have no influence on what it sees; the same seed gives the same.

    Raises
    ------
    ValueError
        Weights differ in more than the channels of the latents.
    """
    known = int(parts.autoencoder.config["latent_channels"])
    wanted = shape.latent_channels
    if known == wanted:
        return parts
    fresh = parts_of(shape, seed=seed)
    with torch.no_grad():
        _take_over(fresh.autoencoder, parts.autoencoder, known, wanted)
        _take_over(fresh.unet, parts.unet, known, wanted)
    return InpainterParts(fresh.autoencoder, fresh.unet, parts.text_encoder, parts.tokenizer)


def _take_over(net: nn.Module, other: nn.Module, known: int, wanted: int) -> None:
    """Copy the weights of `other` into `net`; further channels do not reach what is known."""
    places = {
        known: tuple(range(known)),
        # Means of all channels, then their spreads.
        2 * known: (*range(known), *range(wanted, wanted + known)),
        # Noisy latents, the mask, then the latents of the masked image.
        2 * known + 1: (*range(known), *range(wanted, wanted + known + 1)),
    }
    own = net.state_dict()
    for name, weight in other.state_dict().items():
        target = own[name]
        if target.shape == weight.shape:
            target.copy_(weight)
        elif name.rpartition(".")[0] in _LATENT_LAYERS:
            axes = [
                torch.tensor(range(size) if size == target.shape[axis] else places[size])
                for axis, size in enumerate(weight.shape)
            ]
            target[axes[0]] = 0
            target[torch.meshgrid(*axes, indexing="ij")] = weight
        else:
            raise ValueError(f"differs in more than the channels of its latents: {name}")
