"""What every program beside ours offers: boxes, and words."""

from collections.abc import Sequence
from typing import Protocol

from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.values.geometry import Box


class Peer(Protocol):
    """Finds and reads text on one picture.

    Promise, tested for every backend by ``tests/lab/evaluation/test_peers.py``:

    * boxes lie inside the picture, without a margin of ours;
    * the picture is not written to, and neither it nor a word of it goes to disk,
      to a log or over a network;
    * a picture without text gives nothing, and is no error.

    It does not promise what one box is: a line for one program, a word for another.
    """

    @property
    def name(self) -> str:
        """The program and its version, as a table tells it."""
        ...

    def boxes(self, picture: DisplayFrame) -> Sequence[Box]:
        """Return where text is seen, as cheaply as the program allows."""
        ...

    def texts(self, picture: DisplayFrame) -> Sequence[str]:
        """Return what is read there; never to be shown or kept."""
        ...
