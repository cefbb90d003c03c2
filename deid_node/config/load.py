"""From a YAML file to a `Config`, or one clear fault.

A fault is named by its YAML path. What stood there is never repeated: a value
in the wrong place may be a secret.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ValidationError

from deid_node.config.schema import Config
from deid_node.errors import ConfigurationError

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice: the first would be dropped in silence.

    ``yes``, ``no``, ``on`` and ``off`` are words, as in YAML 1.2: a setting may offer
    them. Where true or false is asked for they are understood all the same.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, "a key stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_truth(self, node: yaml.ScalarNode) -> bool | str:
        """Return true and false as such, and any other word of YAML 1.1 for them as a word."""
        word = str(self.construct_scalar(node))
        return word.lower() == "true" if word.lower() in {"true", "false"} else word


_Loader.add_constructor("tag:yaml.org,2002:bool", _Loader.construct_truth)


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """Return the configuration in the YAML file at `path`.

    Relative paths in it count from the folder of the file. ``${NAME}`` in a text
    is replaced by the environment variable.

    Raises
    ------
    ConfigurationError
        The file cannot be read, is no YAML, has an unknown key or a wrong value.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError("", f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError("", f"{path} is not UTF-8 text") from None
    return parse(text, folder=path.parent, environment=environment)


def parse(text: str, *, folder: Path, environment: Mapping[str, str]) -> Config:
    """Return the configuration in `text`; see `load`."""
    try:
        # A subclass of SafeLoader: no tag can construct an object of Python's.
        content = yaml.load(text, _Loader)  # noqa: S506
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        what = getattr(error, "problem", None) or "cannot be parsed"
        what = what if what == "a key stands twice" else "cannot be parsed"
        raise ConfigurationError("", f"not valid YAML: {where}: {what}") from None
    if not isinstance(content, dict | None):
        raise ConfigurationError("", "the configuration is not a mapping of sections")
    filled = _filled(content or {}, (), environment)
    try:
        config = Config.model_validate(filled)
    except ValidationError as error:
        raise _first_fault(error, filled) from None
    anchored: Config = _anchored(config, folder.absolute())
    return anchored


def _filled(value: Any, path: tuple[str | int, ...], environment: Mapping[str, str]) -> Any:
    match value:
        case dict():
            return {key: _filled(item, (*path, key), environment) for key, item in value.items()}
        case list():
            return [
                _filled(item, (*path, number), environment) for number, item in enumerate(value)
            ]
        case str():
            for name in _VARIABLE.findall(value):
                if name not in environment:
                    raise ConfigurationError(
                        yaml_path(path), f"the environment has no variable {name}"
                    )
            return _VARIABLE.sub(lambda match: environment[match[1]], value)
        case _:
            return value


def _first_fault(error: ValidationError, content: Any) -> ConfigurationError:
    # Of a union's alternatives the one that was followed deepest is the one that was meant.
    faults = error.errors(include_url=False, include_input=False)
    fault = max(faults, key=lambda fault: len(_location(fault["loc"], content)))
    location = _location(fault["loc"], content)
    match fault["type"]:
        case "extra_forbidden":
            reason = "unknown key"
        case "missing":
            reason = "must be given"
        case "union_tag_invalid" | "union_tag_not_found":
            # The library's own text quotes what stood there.
            location = (*location, "kind")
            reason = f"must be one of {fault.get('ctx', {}).get('expected_tags', 'the kinds')}"
        case _:
            reason = fault["msg"].removeprefix("Value error, ")
    return ConfigurationError(yaml_path(location), reason)


def _location(location: tuple[str | int, ...], content: Any) -> tuple[str | int, ...]:
    """Return `location` without the names that pydantic adds for a union's members."""
    path: list[str | int] = []
    for number, part in enumerate(location):
        if _has(content, part):
            content = content[part]
        elif not (number == len(location) - 1 and isinstance(content, dict)):
            continue
        path.append(part)
    return tuple(path)


def _has(content: Any, part: str | int) -> bool:
    if isinstance(content, list):
        return isinstance(part, int) and part < len(content)
    return isinstance(content, dict) and part in content


def yaml_path(location: tuple[str | int, ...]) -> str:
    """Return a location as it is told to people: ``route.rules[0].name``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")


def _anchored(model: Any, folder: Path) -> Any:
    """Return `model` with every relative path in it made absolute, at any depth."""
    match model:
        case BaseModel():
            return model.model_copy(
                update={name: _anchored(value, folder) for name, value in model}
            )
        case Path():
            return folder / model
        case tuple():
            return tuple(_anchored(item, folder) for item in model)
        case Mapping():
            # No proxy of it: what a worker is built from is sent to its process.
            return {key: _anchored(item, folder) for key, item in model.items()}
        case _:
            return model
