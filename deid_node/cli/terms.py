"""What the outcomes of ``clean`` depend on, told so that a change of it can be named.

Whatever is not in here may change while a back-file is under way: how many workers there are,
where the log goes.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from deid_node import __version__
from deid_node.batch.terms import Terms
from deid_node.config.schema import Config
from deid_node.metadata.apply.keys import fingerprint_of

_SECTIONS: Final = ("route", "treatments", "pixels", "metadata")


def terms_of(config: Config, *, keys: Sequence[bytes], input_path: Path) -> Terms:
    """Return the terms of cleaning `input_path` under `config`; `keys` are its treatments'.

    Raises `OSError` where the table of subjects cannot be read.
    """
    facts = {
        "the version of deid-node": __version__,
        "INPUT": str(input_path.absolute()),
    }
    for name, key in zip(config.treatments, keys, strict=True):
        facts[f"the pseudonym key of treatment {name}"] = fingerprint_of(key)
        table = config.treatments[name].project.over(config.metadata).subject_table_file
        if table is not None:
            facts[f"the subject table of treatment {name}"] = _sha256(table)
    for section in _SECTIONS:
        facts |= dict(_settings(getattr(config, section), section))
    return Terms(facts)


def _settings(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the YAML path of every setting, and what it says."""
    match value:
        case BaseModel():
            for name, one in value:
                yield from _settings(one, f"{path}.{name}")
        case Mapping():
            for name, one in value.items():
                yield from _settings(one, f"{path}.{name}")
        case tuple():
            yield path, str(len(value))
            for number, one in enumerate(value):
                yield from _settings(one, f"{path}[{number}]")
        case frozenset():
            yield path, ", ".join(sorted(str(one) for one in value))
        case _:
            yield path, str(value)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
