"""What a running node can change, and what needs a restart.

A part that holds something open for all its life (a port, the spool, the audit trail) keeps
the settings that it was opened with; whatever is asked anew for each association, instance or
delivery can change between two of them.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

from deid_node.config.schema import Config
from deid_node.errors import ConfigurationError

_SECTIONS: Final = r"(?:route|treatments|pixels|metadata|work|forward)\b.*"
_TERMS: Final = (
    r"receive\.(?:listeners\[\d+\]\.)?(?:peers|user_identity|max_associations"
    r"|max_associations_per_address|max_refusals_per_minute|log_ae_titles)\b.*"
)
_STOW_TERMS: Final = (
    r"receive\.stow\.(?:peers|max_requests|max_requests_per_address|max_request_bytes"
    r"|max_refusals_per_minute)\b.*"
)
_CHANGEABLE: Final = re.compile(f"{_SECTIONS}|{_TERMS}|{_STOW_TERMS}")


def require_changeable(old: Config, new: Config) -> None:
    """Return if a node under `old` can take `new` over while it runs.

    Raises `ConfigurationError` that names every setting which cannot change.
    """
    fixed = [path for path in changes(old, new) if not _CHANGEABLE.fullmatch(path)]
    if fixed:
        more = f" (and so do {', '.join(fixed[1:])})" if fixed[1:] else ""
        raise ConfigurationError(fixed[0], f"changes with a restart of the node only{more}")


def changes(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Yield the YAML path of each setting that differs; a list of other length as a whole."""
    if type(old) is type(new) and isinstance(old, BaseModel):
        for name, value in old:
            yield from changes(value, getattr(new, name), f"{path}.{name}".removeprefix("."))
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in dict.fromkeys((*old, *new)):
            yield from changes(old.get(name), new.get(name), f"{path}.{name}")
    elif isinstance(old, tuple) and isinstance(new, tuple) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from changes(one, other, f"{path}[{number}]")
    elif old != new:
        yield path
