"""The network of the finder: where on a frame does text stand.

A light CRNN. Convolutions halve the frame four times; a bidirectional LSTM
walks the columns at 1/16 and another the rows at 1/8, so that a letter is judged
with the line it stands in; the way back up ends in two maps at 1/2 resolution.
A newcomer would expect boxes here: the network only colours pixels, and
`deid_node.pixels.text.find.maps` makes boxes of them.

Source
------
Shi, Bai, Yao (2015), "An End-to-End Trainable Neural Network for Image-based
Sequence Recognition" (convolutions, then recurrence along the line); Liao et
al. (2020), "Real-time Scene Text Detection with Differentiable Binarization"
(a shrunken core beside the full region, so that neighbouring lines part).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

STRIDE = 16
"""Height and width of what the network takes are multiples of this many pixels."""

MAP_STRIDE = 2
"""One pixel of a map stands for a square of this many pixels of the frame."""


@dataclass(frozen=True, slots=True)
class FinderShape:
    """How wide the network is; the file of weights fixes it."""

    half: int = 24
    quarter: int = 40
    eighth: int = 64
    sixteenth: int = 96
    recurrent: int = 32
    head: int = 32


class Unit(nn.Sequential):
    """Convolution, batch normalisation, ReLU; the normalisation folds into the weights."""

    def __init__(self, inputs: int, outputs: int, size: int, *, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, size, stride=stride, padding=(size - 1) // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Block(nn.Module):
    """Residual block: a wide view a channel (5 x 5), then mixing of the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.view = nn.Conv2d(channels, channels, 5, padding=2, groups=channels, bias=False)
        self.view_norm = nn.BatchNorm2d(channels)
        self.widen = nn.Conv2d(channels, 2 * channels, 1)
        self.narrow = nn.Conv2d(2 * channels, channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        # It begins by letting through what it reads: a trained network may grow by such blocks.
        nn.init.zeros_(self.norm.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        mixed = torch.relu(self.widen(self.view_norm(self.view(features))))
        return torch.relu(features + self.norm(self.narrow(mixed)))


class Recurrence(nn.Module):
    """Bidirectional LSTM along the rows, or along the columns; added to what it read."""

    def __init__(self, channels: int, hidden: int, *, along_rows: bool) -> None:
        super().__init__()
        self.along_rows = along_rows
        self.lstm = nn.LSTM(channels, hidden, bidirectional=True)
        self.back = nn.Conv2d(2 * hidden, channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        count, channels, rows, columns = features.shape
        if self.along_rows:
            lines = features.permute(3, 0, 2, 1).reshape(columns, count * rows, channels)
            walked = self.lstm(lines)[0].reshape(columns, count, rows, -1).permute(1, 3, 2, 0)
        else:
            lines = features.permute(2, 0, 3, 1).reshape(rows, count * columns, channels)
            walked = self.lstm(lines)[0].reshape(rows, count, columns, -1).permute(1, 3, 0, 2)
        return torch.relu(features + self.norm(self.back(walked)))


class FinderNet(nn.Module):
    """Frames in, logits of two maps out: the core of each line of text, and its region."""

    def __init__(self, shape: FinderShape | None = None) -> None:
        super().__init__()
        widths = shape or FinderShape()
        self.at_half = nn.Sequential(
            Unit(3, widths.half, 4, stride=2),
            nn.Conv2d(widths.half, widths.half, 3, padding=1, groups=widths.half, bias=False),
            Unit(widths.half, widths.half, 1),
        )
        self.at_quarter = nn.Sequential(
            Unit(widths.half, widths.quarter, 3, stride=2),
            Block(widths.quarter),
            Block(widths.quarter),
        )
        self.at_eighth = nn.Sequential(
            Unit(widths.quarter, widths.eighth, 3, stride=2),
            *(Block(widths.eighth) for _ in range(5)),
        )
        self.at_sixteenth = nn.Sequential(
            Unit(widths.eighth, widths.sixteenth, 3, stride=2),
            Block(widths.sixteenth),
            Block(widths.sixteenth),
            Block(widths.sixteenth),
            Recurrence(widths.sixteenth, widths.recurrent, along_rows=False),
            Block(widths.sixteenth),
            Block(widths.sixteenth),
        )
        self.to_eighth = Unit(widths.sixteenth, widths.eighth, 1)
        self.rows = Recurrence(widths.eighth, widths.recurrent, along_rows=True)
        self.to_quarter = Unit(widths.eighth, widths.quarter, 1)
        self.merge = Block(widths.quarter)
        self.head = Unit(widths.quarter, widths.head, 3)
        self.maps = nn.Conv2d(widths.head, 2 * 4, 1)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.shuffle = nn.PixelShuffle(2)

    def forward(self, frames: Tensor) -> Tensor:
        """Return the logits of the two maps.

        Parameters
        ----------
        frames
            ``(count, 3, rows, columns)``, float32 from 0 to 255 as displayed, red,
            green, blue; rows and columns are multiples of `STRIDE`.

        Returns
        -------
        ``(count, 2, rows / MAP_STRIDE, columns / MAP_STRIDE)``: core, region.
        """
        half = self.at_half(frames / 127.5 - 1.0)
        quarter = self.at_quarter(half)
        eighth = self.at_eighth(quarter)
        sixteenth = self.at_sixteenth(eighth)
        eighth = self.rows(eighth + self.up(self.to_eighth(sixteenth)))
        quarter = self.merge(quarter + self.up(self.to_quarter(eighth)))
        logits: Tensor = self.shuffle(self.maps(self.head(quarter)))
        return logits
