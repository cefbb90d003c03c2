"""What is said on a line to models: each kind of message, once for both sides."""

from enum import StrEnum
from typing import Final

HELLO: Final = "hello"
"""The first message of a connection; its body has a ticket, and what the connection is for."""

WELCOME: Final = "welcome"
"""The answer, where the ticket is good."""


class Purpose(StrEnum):
    """What a connection is for."""

    QUESTIONS = "questions"
    PULSE = "pulse"


class Question(StrEnum):
    """What models are asked."""

    FIND = "find"
    """Arrays are views as a reader sees them."""
    PAINT = "paint"
    """Arrays are squares, picture and mask in turns; the body says where they lie."""


class Answer(StrEnum):
    """What comes back."""

    FOUND = "found"
    """The body has the boxes of each view, edges and score."""
    PAINTED = "painted"
    """Arrays are the squares."""
    FILL_FAILED = "fill_failed"
    SHORT_OF_MEMORY = "short_of_memory"


class Seat(StrEnum):
    """What is said between a node and the cluster's foreman, who keeps it told by beats."""

    ASKED = "seat"
    """The body is a `Placement`."""
    GIVEN = "seated"
    """The body has host, port and tickets of one line."""
    REFUSED = "refused"
    """The body has a reason: the node is not to work with this cluster."""
    AWAY = "away"
    """Not for now."""
