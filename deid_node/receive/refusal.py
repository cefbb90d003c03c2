"""Why an association is turned away, in the words of A-ASSOCIATE-RJ."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reject reason; `code` labels it in the log.

    Source
    ------
    PS3.8 Table 9-21 (result, source, reason/diag).
    """

    code: str
    result: int
    source: int
    diagnostic: int


CALLED_AE_UNKNOWN = Refusal("called_ae_unknown", result=1, source=1, diagnostic=7)
CALLING_AE_UNKNOWN = Refusal("calling_ae_unknown", result=1, source=1, diagnostic=3)
TOO_MANY_ASSOCIATIONS = Refusal("too_many_associations", result=2, source=3, diagnostic=2)
NO_ROOM = Refusal("no_room", result=2, source=3, diagnostic=1)
CLOSING = Refusal("closing", result=2, source=3, diagnostic=1)
