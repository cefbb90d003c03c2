"""AE titles as settings: what a peer or an archive can be called."""

import re
from typing import Annotated, TypeAlias

from pydantic import AfterValidator


def _ae_title(value: str) -> str:
    # PS3.5 section 6.2: default repertoire without backslash and control characters.
    if not re.fullmatch(r"[\x20-\x5b\x5d-\x7e]{1,16}", value) or not value.strip():
        raise ValueError("an AE title has 1 to 16 ASCII characters, no backslash")
    return value.strip()


AeTitle: TypeAlias = Annotated[str, AfterValidator(_ae_title)]
"""1 to 16 characters of the default repertoire; spaces around it do not count."""
