"""A corridor without models for back-files: what becomes of an input stands in its text.

``UID 7`` is cleaned under a UID made of the number, with bytes made of the whole text. The words
``withhold``, ``discard`` and ``crash`` do as they say; ``marked`` makes a companion.
"""

import dataclasses
import hashlib
import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path

from deid_node.errors import Undecodable
from deid_node.values.instance import BlobRef, Companion
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Cleaned, Discarded, Outcome, Withheld
from tests.builders.values import CT_IMAGE_STORAGE, EXPLICIT, a_clean_instance

PER_SERIES = 10


class LightCorridor:
    """Quick, and the same every time."""

    def clean(self, order: WorkOrder) -> Outcome:
        text = order.blob.read_text()
        if "crash" in text:
            os.kill(os.getpid(), signal.SIGKILL)
        if "withhold" in text:
            return Withheld.because(Undecodable("frame 3 cannot be decoded"), "everything")
        if "discard" in text:
            return Discarded("everything")
        found = re.search(r"UID (\d+)", text)
        assert found is not None
        number = int(found[1])
        clean = dataclasses.replace(
            a_clean_instance(order.id, _written(order.output, f"clean {text}")),
            sop_instance_uid=f"2.25.{number}",
            series_instance_uid=f"2.25.9{number // PER_SERIES}",
        )
        if "marked" in text:
            blob = _written(order.companion_output, f"marks {text}")
            uid = f"2.25.7{number}"
            companion = Companion(blob, CT_IMAGE_STORAGE, uid, "2.25.8", EXPLICIT)
            clean = dataclasses.replace(clean, companion=companion)
        return Cleaned(clean)


@dataclass(frozen=True)
class LightFactory:
    def __call__(self) -> LightCorridor:
        return LightCorridor()


def _written(path: Path, text: str) -> BlobRef:
    content = text.encode()
    path.write_bytes(content)
    return BlobRef(path.name, len(content), hashlib.sha256(content).hexdigest())
