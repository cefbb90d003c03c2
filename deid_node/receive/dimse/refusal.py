"""Why an association is turned away, in the words of A-ASSOCIATE-RJ."""

from dataclasses import dataclass

from deid_node.values.refusal import RefusalCode

_PERMANENT = 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reject reason; `code` labels it in the log.

    Source
    ------
    PS3.8 Table 9-21 (result, source, reason/diag).
    """

    code: RefusalCode
    result: int
    source: int
    diagnostic: int

    @property
    def is_callers_own(self) -> bool:
        """Whether it is the caller's fault, not the house's: to come again will not help."""
        return self.result == _PERMANENT


CALLED_AE_UNKNOWN = Refusal(RefusalCode.CALLED_AE_UNKNOWN, result=1, source=1, diagnostic=7)
CALLING_AE_UNKNOWN = Refusal(RefusalCode.CALLING_AE_UNKNOWN, result=1, source=1, diagnostic=3)
NOT_IDENTIFIED = Refusal(RefusalCode.NOT_IDENTIFIED, result=1, source=1, diagnostic=1)
TOO_MANY_ASSOCIATIONS = Refusal(RefusalCode.TOO_MANY_ASSOCIATIONS, result=2, source=3, diagnostic=2)
# Nobody learns whether it was the title or the certificate.
WRONG_CERTIFICATE = Refusal(RefusalCode.WRONG_CERTIFICATE, result=1, source=1, diagnostic=3)
TOO_MANY_OF_ADDRESS = Refusal(RefusalCode.TOO_MANY_OF_ADDRESS, result=2, source=3, diagnostic=2)
NO_ROOM = Refusal(RefusalCode.NO_ROOM, result=2, source=3, diagnostic=1)
CLOSING = Refusal(RefusalCode.CLOSING, result=2, source=3, diagnostic=1)
