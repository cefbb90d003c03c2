"""Small networks that judge fills. They are trained on the spot and never ship.

None of them is large enough to be an expert: what counts is that the same network
sees the truth and every arm's fill of it.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

LAYERS = 3
"""How many of the patch network's layers a distance is taken over."""


class _Unit(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )


class PatchNet(nn.Module):
    """Names the class of a patch of any size from about 32 pixels.

    Parameters
    ----------
    inputs, classes
        Channels of a patch and how many classes there are.
    widths
        Channels of each stage; each but the first halves the patch once, the first as
        well unless `keep_size`.
    """

    def __init__(
        self,
        inputs: int,
        classes: int,
        *,
        widths: Sequence[int] = (24, 32, 48, 64),
        keep_size: bool = False,
    ) -> None:
        super().__init__()
        self.stages = nn.ModuleList()
        before = inputs
        for number, width in enumerate(widths):
            stride = 1 if keep_size and number == 0 else 2
            self.stages.append(
                nn.Sequential(_Unit(before, width, stride=stride), _Unit(width, width))
            )
            before = width
        self.head = nn.Linear(before, classes)

    def maps(self, patches: Tensor) -> list[Tensor]:
        """Return what each stage makes of ``(count, inputs, rows, columns)``."""
        made = []
        for stage in self.stages:
            patches = stage(patches)
            made.append(patches)
        return made

    def features(self, patches: Tensor) -> Tensor:
        """Return what the last layer judges by: ``(count, width)``."""
        return self.maps(patches)[-1].mean(dim=(2, 3))

    def forward(self, patches: Tensor) -> Tensor:
        """Return a score for each class: ``(count, classes)``."""
        scores: Tensor = self.head(self.features(patches))
        return scores


class StructureNet(nn.Module):
    """Names the structure at each pixel, at half the size of what it is shown."""

    def __init__(self, inputs: int, classes: int, *, width: int = 16) -> None:
        super().__init__()
        self.fine = nn.Sequential(_Unit(inputs, width, stride=2), _Unit(width, width))
        self.middle = nn.Sequential(_Unit(width, 2 * width, stride=2), _Unit(2 * width, 2 * width))
        self.coarse = nn.Sequential(
            _Unit(2 * width, 3 * width, stride=2), _Unit(3 * width, 3 * width)
        )
        self.to_middle = _Unit(5 * width, 2 * width)
        self.to_fine = _Unit(3 * width, width)
        self.head = nn.Conv2d(width, classes, 1)
        self.enlarge = nn.Upsample(scale_factor=2, mode="nearest")

    def forward(self, patches: Tensor) -> Tensor:
        """Return scores ``(count, classes, rows / 2, columns / 2)``; sizes are multiples of 8."""
        fine = self.fine(patches)
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        up = self.to_middle(torch.cat([self.enlarge(coarse), middle], dim=1))
        scores: Tensor = self.head(self.to_fine(torch.cat([self.enlarge(up), fine], dim=1)))
        return scores
