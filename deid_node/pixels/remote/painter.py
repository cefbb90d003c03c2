"""A model that fills and stands elsewhere: squares with a first guess go, painted ones come back.

What stood under a mask is not in a square: it was overwritten where the crop was made.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deid_node.errors import FillFailed
from deid_node.lines.messages import LineLost, Message
from deid_node.pixels.fill.tiles import SIDE_PIXELS, Guess, Square, SquarePainter
from deid_node.pixels.remote.place import Line
from deid_node.pixels.remote.words import Answer, Question

_AT_ONCE = 256
_SHAPE = (SIDE_PIXELS, SIDE_PIXELS, 3)


class RemotePainter:
    """Asks the model at the other end of `line`; `known` is the same model here, never loaded.

    It says what the model is called and what the squares are to hold before it sees them.
    """

    def __init__(self, known: SquarePainter, line: Line) -> None:
        self._known = known
        self._line = line

    @property
    def name(self) -> str:
        """As the model here would say; its weights were compared."""
        return self._known.name

    @property
    def guess(self) -> Guess:
        """What fills a hole before the model sees it: that is done here."""
        return self._known.guess

    def paint(self, squares: Sequence[Square]) -> Sequence[NDArray[np.float32]]:
        """Return each square painted.

        Raises `FillFailed` and `MemoryError` as the model there says, and `LineLost` where
        the line is lost and the process goes on.
        """
        done: list[NDArray[np.float32]] = []
        while len(done) < len(squares):
            done += self._some(squares[len(done) : len(done) + _AT_ONCE])
        return done

    def _some(self, squares: Sequence[Square]) -> Sequence[NDArray[np.float32]]:
        body = {
            "squares": [
                {
                    "top": one.top,
                    "left": one.left,
                    "scale": one.scale,
                    "prompt": one.prompt,
                    "seed": one.seed,
                }
                for one in squares
            ]
        }
        arrays = [array for one in squares for array in (one.picture, one.mask)]
        answer = self._line.ask(Message(Question.PAINT, body, arrays))
        match answer.kind:
            case Answer.FILL_FAILED:
                raise FillFailed
            case Answer.SHORT_OF_MEMORY:
                raise MemoryError
            case Answer.PAINTED if len(answer.arrays) == len(squares) and all(
                one.shape == _SHAPE and one.dtype == np.float32 and np.isfinite(one).all()
                for one in answer.arrays
            ):
                return answer.arrays
            case _:
                self._line.give_up()
                raise LineLost("no squares")


def squares_of(message: Message) -> list[Square]:
    """Return the squares that are to be painted; raise `ValueError` for nonsense."""
    told = message.body.get("squares")
    if not isinstance(told, list) or len(message.arrays) != 2 * len(told):
        raise ValueError("no squares")
    squares = []
    for one, picture, mask in zip(told, message.arrays[::2], message.arrays[1::2], strict=True):
        fits = picture.shape == _SHAPE and mask.shape == _SHAPE[:2]
        if not fits or picture.dtype != np.float32 or mask.dtype != np.bool_:
            raise ValueError("no squares")
        try:
            numbers = {name: int(one[name]) for name in ("top", "left", "scale", "seed")}
            prompt = str(one["prompt"])
        except (TypeError, KeyError):
            raise ValueError("no squares") from None
        squares.append(Square(picture, mask, prompt=prompt, **numbers))
    return squares
