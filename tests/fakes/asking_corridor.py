"""A corridor that shows one picture to models elsewhere, and writes what they found.

It has no models of its own: without the cluster nothing can come of an instance.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixels.remote.finder import RemoteFinder
from deid_node.pixels.remote.place import Line
from deid_node.pixels.remote.wanted import WantedModels, wanted_models
from deid_node.pixels.text.find.base import Finder
from deid_node.pixels.text.find.options import CrnnOptions
from deid_node.values.instance import BlobRef
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Cleaned, Outcome
from tests.builders.values import a_clean_instance


def picture() -> DisplayFrame:
    """Return a picture with a line of text, always the same."""
    import cv2

    frame = np.zeros((96, 256), np.uint8)
    cv2.putText(frame, "DOE^JANE 1970", (10, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1)
    return frame


@dataclass
class AskingCorridor:
    finder: Finder

    def clean(self, order: WorkOrder) -> Outcome:
        mark = order.output.with_suffix(f".start{order.attempt}")
        mark.write_text(str(os.getpid()))
        (found,) = self.finder.find([picture()])
        if not found:
            raise ValueError
        content = repr(found).encode()
        order.output.write_bytes(content)
        return Cleaned(a_clean_instance(order.id, BlobRef(order.output.name, len(content), "00")))


@dataclass(frozen=True)
class AskingFactory:
    """Leaves a file `broken` of the folder in a worker's way, like one that has no models."""

    folder: Path

    def __call__(self) -> AskingCorridor:
        raise AssertionError("it was to ask models elsewhere")

    def wanted(self) -> WantedModels:
        return wanted_models(CrnnOptions(), None)

    def over(self, line: Line) -> AskingCorridor:
        return AskingCorridor(RemoteFinder("asked", line))
