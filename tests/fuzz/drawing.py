"""Inputs drawn from a strategy: the same seed draws the same ones."""

from collections.abc import Callable
from typing import TypeVar

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")


def drawn(inputs: SearchStrategy[T], count: int, *, seed: int, take: Callable[[T], object]) -> None:
    """Hand up to `count` inputs of `inputs` to `take`, which judges them and raises nothing."""

    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        # Nothing fails here, so there is nothing to make smaller.
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.seed(seed)
    @given(inputs)
    def each(drawn_input: T) -> None:
        take(drawn_input)

    each()
