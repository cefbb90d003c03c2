"""UIDs as they are written: one, or a list of them."""

import re

SEPARATOR = "\\"
_UID = re.compile(r"[0-2](\.[0-9]+)+")
_LONGEST_UID = 64


def are_uids(text: str) -> bool:
    """Return whether every value of `text` is a UID.

    Source
    ------
    PS3.5 9.1 (UID encoding); ISO/IEC 9834-1 (three roots: what begins with another number
    is a day or a telephone number). Leading zeros are let pass, as senders write them.
    """
    values = (value.strip("\0 ") for value in text.split(SEPARATOR))
    return all(len(uid) <= _LONGEST_UID and _UID.fullmatch(uid) for uid in values)
