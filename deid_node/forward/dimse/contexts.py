"""Which presentation contexts to offer, and in which one an instance travels.

Each context offers one SOP class in one transfer syntax, so the archive's answer
says exactly what it takes. An instance is offered in the syntax it is stored in
and, for archives that refuse that one, in the two that every archive must take
(PS3.5 section 10.1).
"""

from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from deid_node.forward.dimse.association import Association
from deid_node.forward.dimse.pdus import Context
from deid_node.values.instance import CleanInstance, Sealed

EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"
IMPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2"
MOST_CONTEXTS: Final = 128
"""Context ids are the odd numbers 1 to 255 (PS3.8 section 9.3.2.2)."""

Offer: TypeAlias = tuple[str, str]
"""SOP Class UID and Transfer Syntax UID."""


def offers_for(instance: CleanInstance) -> tuple[Offer, ...]:
    """Return what must be offered for `instance` and its companion, the best of each first."""
    return tuple(offer for content in instance.contents for offer in _offers(content))


def accepted_offer(association: Association, content: Sealed) -> Offer | None:
    """Return the best offer that the archive accepted for `content`, or None."""
    for offer in _offers(content):
        if association.accepts(*offer):
            return offer
    return None


def _offers(content: Sealed) -> tuple[Offer, ...]:
    syntaxes = dict.fromkeys(
        (content.transfer_syntax, EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN)
    )
    return tuple((content.sop_class_uid, syntax) for syntax in syntaxes)


def contexts_for(
    instances: Iterable[CleanInstance], remembered: Iterable[Offer]
) -> tuple[Context, ...]:
    """Return contexts for as many of `instances`, from the first, as fit into one association.

    What is left of the 128 goes to `remembered`, so that the association may
    also serve what came before and will come again.
    """
    chosen: dict[Offer, None] = {}
    for group in _groups(instances, remembered):
        fresh = [offer for offer in group if offer not in chosen]
        if len(chosen) + len(fresh) > MOST_CONTEXTS:
            break
        chosen.update(dict.fromkeys(fresh))
    return tuple(Context(2 * number + 1, *offer) for number, offer in enumerate(chosen))


def _groups(
    instances: Iterable[CleanInstance], remembered: Iterable[Offer]
) -> Iterator[tuple[Offer, ...]]:
    for instance in instances:
        yield offers_for(instance)
    for offer in remembered:
        yield (offer,)
