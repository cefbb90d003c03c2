"""The network of the finder's second stage: is what the map proposes text.

Two small towers of convolutions look at a box along its line and from afar
(`deid_node.pixels.find.context`); what both say, and a few numbers about the box, are
weighed together. It sees only boxes that the map proposes, so it costs nothing where
nothing is proposed.
"""

import torch
from torch import Tensor, nn

from deid_node.models.finder import Block, Unit
from deid_node.pixels.find.context import FACTS

_WHITE = 255.0


class Tower(nn.Sequential):
    """Convolutions that end in the mean and the peak of each feature, ``(count, 2 * last)``."""

    def __init__(self, widths: tuple[int, int, int]) -> None:
        first, second, third = widths
        super().__init__(
            Unit(4, first, 4, stride=2),
            Block(first),
            Unit(first, second, 3, stride=2),
            Block(second),
            Block(second),
            Unit(second, third, 3, stride=2),
            Block(third),
            Block(third),
        )

    def forward(self, cuts: Tensor) -> Tensor:
        """Return what was seen on cuts ``(count, 4, rows, columns)``, about -1 to 1."""
        seen: Tensor = super().forward(cuts)  # type: ignore[no-untyped-call]
        return torch.cat([seen.mean((2, 3)), seen.amax((2, 3))], 1)


class JudgeNet(nn.Module):
    """Cuts and facts in, one logit a box out: above 0 it is rather text than not."""

    def __init__(self) -> None:
        super().__init__()
        self.near = Tower((24, 40, 64))
        self.far = Tower((16, 32, 48))
        self.weigh = nn.Sequential(
            nn.Linear(2 * (64 + 48) + FACTS, 64), nn.ReLU(inplace=True), nn.Linear(64, 1)
        )

    def forward(self, near: Tensor, far: Tensor, facts: Tensor) -> Tensor:
        """Return the logits, ``(count,)``.

        Parameters
        ----------
        near, far
            ``(count, 4, rows, columns)`` float32, 0 to 255, as `context` cuts them.
        facts
            ``(count, FACTS)`` float32.
        """
        towers = (
            tower(cuts / (_WHITE / 2) - 1.0) for tower, cuts in ((self.near, near), (self.far, far))
        )
        logits: Tensor = self.weigh(torch.cat([*towers, facts], 1))[:, 0]
        return logits
