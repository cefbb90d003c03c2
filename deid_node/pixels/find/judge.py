"""The second stage of the finder: a network that weighs each box that the map proposes.

Its file belongs to the finder's: that one names its sha256, so the name of the finder
says which judge it had.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from deid_node.pixels.find import context
from deid_node.pixels.find.runtime import open_session
from deid_node.values.geometry import Found

_AT_ONCE: Final = 64
"""Cuts of one call: memory does not grow with the boxes of a page."""


class Judge:
    """Gives each box of a frame its final certainty.

    Raises
    ------
    ConfigurationError
        onnxruntime cannot load the model, or the device is not there.
    """

    def __init__(self, model: bytes, *, device: str, threads: int) -> None:
        self._session = open_session(model, device=device, threads=threads, room="pixels.finder")

    def judged(self, frame: NDArray[np.uint8], found: Sequence[Found]) -> tuple[Found, ...]:
        """Return `found` on a frame ``(rows, columns, 3)``, each with a score of this stage.

        A long line is looked at in three places, and is as certain as the best of them:
        a name at its end is a name.
        """
        best = np.zeros(len(found), np.float32)
        for owners, scores in self._scores(frame, found):
            np.maximum.at(best, owners, scores)
        return tuple(Found(one.box, float(score)) for one, score in zip(found, best, strict=True))

    def _scores(
        self, frame: NDArray[np.uint8], found: Sequence[Found]
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float32]]]:
        owners: list[int] = []
        near: list[NDArray[np.uint8]] = []
        for number, one in enumerate(found):
            cuts = context.near(frame, one.box)
            near.extend(cuts)
            owners.extend([number] * len(cuts))
            if len(near) >= _AT_ONCE or number == len(found) - 1:
                own = sorted(set(owners))
                place = {n: k for k, n in enumerate(own)}
                far = np.stack([context.far(frame, found[n].box) for n in own])
                facts = np.stack([context.facts(frame, found[n]) for n in own])
                of = np.array([place[n] for n in owners], np.intp)
                asked = {"near": np.stack(near), "far": far[of], "facts": facts[of]}
                scores = self._session.run(None, asked)[0]
                yield np.array(owners, np.intp), np.asarray(scores, np.float32)
                owners, near = [], []
