"""That pixels once were compressed with loss: kept on record when nothing else tells any more.

Source: PS3.3 C.7.6.1.1.5 (lossy compression).
"""

from typing import Final

from pydicom.dataset import Dataset

from deid_node.pixeldata.attributes import put, value_of
from deid_node.pixeldata.frames import Frames

# PS3.3 C.7.6.1.1.5.2: how the irreversible step was made.
_METHODS: Final = {"50": "ISO_10918_1", "51": "ISO_10918_1", "53": "ISO_10918_1"} | {
    "55": "ISO_10918_1",
    "81": "ISO_14495_1",
    "91": "ISO_15444_1",
    "203": "ISO_15444_15",
}


def mark_lossy_history(dataset: Dataset, frames: Frames) -> None:
    """Keep on record that the pixels once were compressed with loss.

    For an instance that came lossy: once it is decoded, nothing in the transfer
    syntax tells any more. What the dataset says already stays; new blocks of a JPEG
    are no further step of compression, the picture around them was not compressed
    again.
    """
    irreversible = frames.syntax.may_lose and (
        frames.header is None or frames.header.reversible is not True
    )
    if not irreversible or value_of(dataset, "LossyImageCompression") == "01":
        return
    put(dataset, "LossyImageCompression", "01")
    if value_of(dataset, "LossyImageCompressionRatio") is None:
        plain = frames.layout.frame_bits * len(frames) / 8
        ratio = max(1.0, plain / max(1, len(frames.content)))
        put(dataset, "LossyImageCompressionRatio", f"{ratio:.2f}")
    method = _METHODS.get(frames.syntax.uid.rpartition(".")[2])
    if method is not None and value_of(dataset, "LossyImageCompressionMethod") is None:
        put(dataset, "LossyImageCompressionMethod", method)
