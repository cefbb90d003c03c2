"""Which configuration it is, in sixteen digits: log, journal and status speak of it by them."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

_DIGITS: Final = 16


def fingerprint_of(config: BaseModel) -> str:
    """Return digits that are the same for the same settings, and tell nothing of them.

    Files that settings point to are not looked into: a key or a subject table that was
    replaced under its name is the same configuration.
    """
    content = json.dumps(_plain(config), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(content.encode("ascii")).hexdigest()[:_DIGITS]


def _plain(value: Any) -> Any:
    match value:
        case BaseModel():
            return {name: _plain(item) for name, item in value}
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case frozenset() | set():
            return sorted(str(item) for item in value)
        case None | bool() | int() | float() | str():
            return value
        case Path():
            return str(value)
        case _:
            # Enumerations and compiled forms say what they are by their text.
            return str(value)
