"""In which transfer syntaxes instances are taken, at every door.

Whether pixels can be looked into is no matter of the door: what cannot be is withheld
later, where a person sees it.
"""

from typing import Final

from pydicom._uid_dict import UID_dictionary

_NO_DATASET: Final = frozenset(
    {
        "1.2.840.10008.1.2.6.1",  # RFC 2557 MIME encapsulation
        "1.2.840.10008.1.2.6.2",  # XML encoding
        "1.2.840.10008.1.20",  # Papyrus 3
    }
)
_TAKEN: Final = frozenset(
    uid
    for uid, (_, kind, *_) in UID_dictionary.items()
    if kind == "Transfer Syntax" and uid not in _NO_DATASET
)


def is_taken(transfer_syntax: str) -> bool:
    """Return whether a dataset in it can be parsed: all that are registered, retired ones too."""
    return transfer_syntax in _TAKEN
