"""The network of the reader: what does a line say.

A light CRNN. Convolutions shrink a line of 32 pixels to a row of columns, one for
every 4 pixels; a bidirectional LSTM walks them, so that a letter is judged with its
neighbours. Each column answers twice: letters of narrow fonts are hardly wider than
one. A newcomer would expect letters here: the network only says at each step which
letter it sees, or none, and `deid_node.pixels.text.read.letters` makes a line of that.

Source
------
Shi, Bai, Yao (2015), "An End-to-End Trainable Neural Network for Image-based
Sequence Recognition"; Graves et al. (2006), "Connectionist Temporal Classification".
"""

from dataclasses import dataclass

from torch import Tensor, nn

from deid_node_lab.models.finder import Unit

HEIGHT = 32
"""Rows of what the network takes; its width is a multiple of `STRIDE`."""

STRIDE = 4
"""Columns of what the network takes for one column of features."""

STEPS_A_COLUMN = 2


@dataclass(frozen=True, slots=True)
class ReaderShape:
    """How wide the network is; the file of weights fixes it. `letters` counts the alphabet."""

    letters: int
    half: int = 24
    quarter: int = 48
    eighth: int = 96
    column: int = 128
    recurrent: int = 96


class ReaderNet(nn.Module):
    """Lines in, logits of letters out: first that of none, then one a letter."""

    def __init__(self, shape: ReaderShape) -> None:
        super().__init__()
        self.shape = shape
        self.features = nn.Sequential(
            Unit(1, shape.half, 4, stride=2),
            Unit(shape.half, shape.quarter, 3, stride=2),
            Unit(shape.quarter, shape.quarter, 3),
            nn.Conv2d(shape.quarter, shape.eighth, 3, stride=(2, 1), padding=1, bias=False),
            nn.BatchNorm2d(shape.eighth),
            nn.ReLU(inplace=True),
            Unit(shape.eighth, shape.eighth, 3),
            nn.Conv2d(shape.eighth, shape.column, (HEIGHT // 8, 1), bias=False),
            nn.BatchNorm2d(shape.column),
            nn.ReLU(inplace=True),
        )
        self.lstm = nn.LSTM(shape.column, shape.recurrent, bidirectional=True)
        self.letters = nn.Linear(2 * shape.recurrent, STEPS_A_COLUMN * (1 + shape.letters))

    def forward(self, lines: Tensor) -> Tensor:
        """Return the logits along each line.

        Parameters
        ----------
        lines
            ``(count, 1, HEIGHT, width)``, float32 as `deid_node.pixels.text.read.crops.line_of`
            gives them; the width is a multiple of `STRIDE`.

        Returns
        -------
        ``(count, steps, 1 + letters)`` with ``steps = width / STRIDE * STEPS_A_COLUMN``.
        """
        columns = self.features(lines)[:, :, 0].permute(2, 0, 1)
        walked = self.lstm(columns)[0]
        logits: Tensor = self.letters(walked).permute(1, 0, 2)
        return logits.reshape(logits.shape[0], -1, 1 + self.shape.letters)
