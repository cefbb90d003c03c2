"""What the finder is punished for: pixels of text it leaves, pixels it takes without need.

Text covers a few per cent of a frame. Averaging over all pixels would teach the
network to say no; only the hardest of the empty pixels count.
"""

import torch
from torch import Tensor, nn

_NEGATIVES_PER_POSITIVE = 4.0
_LEAST_NEGATIVES = 400
_CORE_SHARE = 0.5


def finder_loss(logits: Tensor, core: Tensor, region: Tensor, weight: Tensor) -> Tensor:
    """Return the loss of a batch.

    Parameters
    ----------
    logits
        ``(count, 2, rows, columns)``: core, region.
    core, region
        Targets of 0 or 1, ``(count, rows, columns)``.
    weight
        Weight of a pixel, 0 where nothing is asked for; same shape.
    """
    inside = weight > 0
    parts = [
        _balanced(logits[:, 0], core, weight) + _dice(logits[:, 0], core, inside),
        _balanced(logits[:, 1], region, weight) + _dice(logits[:, 1], region, inside),
    ]
    return _CORE_SHARE * parts[0] + parts[1]


def _balanced(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    each = nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none") * weight
    positive = target > 0.5
    negative = each[~positive]
    count = int(positive.sum())
    kept = min(
        negative.numel(), max(int(_NEGATIVES_PER_POSITIVE * count), _LEAST_NEGATIVES * len(target))
    )
    hardest = torch.topk(negative, kept, sorted=False).values
    return (each[positive].sum() + hardest.sum()) / (count + kept)


def _dice(logits: Tensor, target: Tensor, inside: Tensor) -> Tensor:
    share = torch.sigmoid(logits) * inside
    target = target * inside
    common = (share * target).sum()
    return 1.0 - (2.0 * common + 1.0) / (share.sum() + target.sum() + 1.0)
