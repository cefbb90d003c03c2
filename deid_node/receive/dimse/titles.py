"""AE titles as callers write them, and as they should have.

A title is 16 characters of the default repertoire, filled up with spaces. Some fill
up with zeros, as strings end in C, and some write Latin-1; the library breaks such an
association off without a word. The titles of a request are put right before it sees them.

Source: PS3.8 Table 9-11; PS3.5 6.2 (AE).
"""

import re
from typing import Final

_CALLED: Final = slice(10, 26)
_CALLING: Final = slice(26, 42)
_TITLE_BYTES: Final = 16
_NOT_OF_A_TITLE: Final = re.compile(rb"[^\x20-\x5b\x5d-\x7e]")
STAND_IN: Final = b"?"
"""Stands for a character that no title may have, and for a title that is empty."""


def with_plain_titles(request: bytearray) -> tuple[bytearray, bool]:
    """Return an A-ASSOCIATE-RQ with titles that can be read, and whether the caller's was one.

    What follows a zero is padding. A request that is too short comes back as it is.
    """
    if len(request) < _CALLING.stop:
        return request, True
    plain = bytearray(request)
    plain[_CALLED], _ = _plain(request[_CALLED])
    plain[_CALLING], is_plain = _plain(request[_CALLING])
    return plain, is_plain


def _plain(field: bytearray) -> tuple[bytes, bool]:
    told = bytes(field).partition(b"\x00")[0].strip(b" ")
    title = _NOT_OF_A_TITLE.sub(STAND_IN, told) or STAND_IN
    return title.ljust(_TITLE_BYTES), title == told
