"""Values are frozen all the way down, and so are options."""

import dataclasses
import enum
import importlib
import types
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from tests.architecture.source import Module, modules

IMMUTABLE = (str, int, float, bool, bytes, complex, type(None), datetime, Path)


VALUES = [module for module in modules() if module.name.startswith("values/")]
OPTIONS = [
    module
    for module in modules()
    if module.path.name == "options.py" or module.name == "config/schema.py"
]


def _classes(module: Module) -> list[type]:
    """Return the classes that `module` itself defines."""
    content = vars(importlib.import_module(module.dotted)).values()
    return [one for one in content if isinstance(one, type) and one.__module__ == module.dotted]


def _frozen(hint: Any) -> bool:
    """Return whether a value of that type cannot change."""
    if isinstance(hint, typing.NewType):
        return _frozen(hint.__supertype__)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return True
    if origin is typing.Annotated:
        return _frozen(arguments[0])
    if origin in {tuple, frozenset, typing.Union, types.UnionType}:
        return all(_frozen(one) for one in arguments if one is not Ellipsis)
    if isinstance(hint, type):
        return (
            hint in IMMUTABLE
            or issubclass(hint, enum.Enum)
            or (dataclasses.is_dataclass(hint) and _is_frozen_dataclass(hint))
        )
    return False


def _is_frozen_dataclass(one: type) -> bool:
    hints = typing.get_type_hints(one, include_extras=True)
    parameters: Any = vars(one)["__dataclass_params__"]
    return bool(parameters.frozen) and all(
        _frozen(hints[field.name]) for field in dataclasses.fields(one)
    )


def test_values_are_frozen_all_the_way_down_and_have_slots() -> None:
    values = [one for module in VALUES for one in _classes(module) if dataclasses.is_dataclass(one)]

    assert values
    assert not [one for one in values if not _is_frozen_dataclass(one)]
    assert not [one for one in values if "__slots__" not in vars(one)]


def test_options_are_frozen_and_refuse_what_they_do_not_know() -> None:
    options = [one for module in OPTIONS for one in _classes(module) if issubclass(one, BaseModel)]

    assert options
    assert not [one for one in options if one.model_config.get("frozen") is not True]
    assert not [one for one in options if one.model_config.get("extra") != "forbid"]


@pytest.mark.parametrize(
    ("hint", "frozen"),
    [
        (str, True),
        (tuple[tuple[str, int], ...], True),
        (frozenset[str], True),
        (str | None, True),
        (list[str], False),
        (dict[str, str], False),
        (tuple[list[int], ...], False),
        (Mapping[str, str], False),
        (Callable[[], None], False),
        (Any, False),
    ],
)
def test_the_rule_itself_sees_what_it_should(hint: Any, frozen: bool) -> None:
    assert _frozen(hint) is frozen
