"""The steps whose duration is measured."""

from enum import StrEnum


class Stage(StrEnum):
    """The steps of the journey that take time, in its order.

    `SCRUB` is all from the plan to the second look, writing included. `TOTAL` is from the
    first look at the pixels to the seal, all from `DECODE` to `SCRUB`: reading the blob and
    asking the rules come before it.
    """

    RECEIVE = "receive"
    DECODE = "decode"
    FIND = "find"
    FILL = "fill"
    ENCODE = "encode"
    SCRUB = "scrub"
    DELIVER = "deliver"
    TOTAL = "total"
