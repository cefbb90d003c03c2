# ruff: noqa: INP001  # for a script, not a package
"""The page of all settings, as the schema says it should read.

A section of the YAML becomes a heading with a table. A model that lies deeper
gets a heading of its own, named by the path where it stands; of several kinds
each gets one. A model that stands in two places, or in itself, is written once.
"""

import ast
import inspect
import re
import textwrap
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import yaml
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from deid_node.config.schema import Config

NAME: Final = "NAME"
"""Stands in a path for a name that the site chooses."""

_INTRODUCTION: Final = """\
<!-- Written by `make docs` from the schema and the options of each room. Do not edit. -->

# Configuration

A node reads one YAML file, given as `--config FILE`.
Every setting has a default, except those marked *required*.
[`config.example.yaml`](../config.example.yaml) shows them all with their defaults.

- An unknown key refuses to start, and so does a key that stands twice.
  A setting that is misspelt is never passed over.
- `${NAME}` inside a text is replaced by the environment variable `NAME`.
  A variable that is not set refuses to start.
- Secrets do not stand in the file: the settings that end in `_file` are paths to them.
- Relative paths count from the folder of the YAML file, not from where the node was started.
- A fault is told by its YAML path (`forward.destinations.archive.port`).
  What stood there is not repeated.
- The file is read at the start, and anew when the node is told to: [which settings can change
  then](operations.md#reload).

`deid-node check --config FILE` checks the file and everything that it points to.
`deid-node explain --config FILE` shows what the configuration does to each attribute.

In the tables below, `NAME` stands for a name that you choose and `[]` for each entry of a list.
A setting with a `kind` takes the other settings of that kind only.
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """One row: a setting with what may stand there."""

    path: str
    anchor: str
    kind: str
    default: str
    description: str


@dataclass(frozen=True, slots=True)
class Part:
    """One table: the settings of a model, below the path where it stands."""

    title: str
    level: int
    text: str
    settings: tuple[Setting, ...]


@dataclass(slots=True)
class _Walk:
    """What has been written so far; a model that holds itself is written once."""

    parts: list[Part] = field(default_factory=list)
    places: dict[type[BaseModel], str] = field(default_factory=dict)


def configuration() -> str:
    """Return the page of all settings."""
    parts = settings_parts()
    contents = [
        f"- [`{part.title}`](#{part.title}): {_code(_first_sentence(part.text))}"
        for part in parts
        if part.level == 2
    ]
    blocks = [_INTRODUCTION, "## Sections\n\n" + "\n".join(contents) + "\n"]
    blocks += [_part_text(part) for part in parts]
    return "\n".join(blocks)


def settings_parts() -> Sequence[Part]:
    """Return the tables of all sections of the schema, in its order."""
    walk = _Walk()
    for name, info in Config.model_fields.items():
        match _models(info.annotation):
            case [model] if get_origin(info.annotation) is None:
                _describe(walk, model, path=name, anchor=name, level=2)
            case _:
                text = _description(walk, Config, name)
                walk.parts.append(Part(name, 2, text, (_setting(walk, Config, name, "", ""),)))
                _nested(walk, info, name, name)
    return walk.parts


def _describe(
    walk: _Walk, model: type[BaseModel], *, path: str, anchor: str, level: int, kind: str = ""
) -> None:
    """Write the table of `model`, then those of the models that it holds."""
    title = f"{path} of kind {kind}" if kind else path
    walk.parts.append(
        Part(
            title=title,
            level=level,
            text=inspect.cleandoc(model.__doc__ or ""),
            settings=tuple(
                _setting(walk, model, name, f"{path}.", f"{anchor}.") for name in model.model_fields
            ),
        )
    )
    for name, info in model.model_fields.items():
        _nested(walk, info, f"{path}.{name}", f"{anchor}.{name}")


def _nested(walk: _Walk, info: FieldInfo, path: str, anchor: str) -> None:
    models = _models(info.annotation)
    path += _below(info.annotation)
    anchor += _below(info.annotation).replace("[]", "")
    fresh = [model for model in models if model not in walk.places]
    # All of them before the first is described: one may hold the others.
    walk.places.update(dict.fromkeys(fresh, anchor))
    for model in fresh:
        kind = _kind_of(model) if len(models) > 1 else ""
        below = f"{anchor}.{kind}" if kind else anchor
        _describe(walk, model, path=path, anchor=below, level=3, kind=kind)


def _setting(
    walk: _Walk, model: type[BaseModel], name: str, before: str, anchor_before: str
) -> Setting:
    info = model.model_fields[name]
    return Setting(
        path=before + name,
        anchor=anchor_before + name,
        kind=_words(info.annotation, info.metadata),
        default=_default(info),
        description=_description(walk, model, name),
    )


def _description(walk: _Walk, model: type[BaseModel], name: str) -> str:
    info = model.model_fields[name]
    told = info.description or _attribute_docstrings(model).get(name, "")
    if not told and name == "kind":
        return "Chooses this kind."
    models = _models(info.annotation)
    if not told and len(models) == 1:
        told = _first_sentence(inspect.cleandoc(models[0].__doc__ or ""))
    known = next((walk.places[one] for one in models if one in walk.places), None)
    told = " ".join(told.split())
    if told and not told.endswith("."):
        told += "."
    return f"{told} Written as [above](#{known}).".strip() if known else told


def _attribute_docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Return the texts that stand below the fields in the source of `model`."""
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    if not isinstance(body, ast.ClassDef):
        raise TypeError(f"{model.__name__} has no source")
    return {
        before.target.id: after.value.value
        for before, after in zip(body.body, body.body[1:], strict=False)
        if isinstance(before, ast.AnnAssign)
        and isinstance(before.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
        and isinstance(after.value.value, str)
    }


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "*required*"
    value = info.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        raise TypeError("a setting is neither required nor has it a default")
    return _flow(_plain(value))


def _plain(value: Any) -> Any:
    """Return `value` as YAML would have it."""
    match value:
        case BaseModel():
            return {name: _plain(item) for name, item in value}
        case Enum():
            return value.value
        case Path():
            return str(value) if value.is_absolute() else f"./{value}"
        case Mapping():
            return {str(name): _plain(item) for name, item in value.items()}
        case tuple() | list() | frozenset():
            return [_plain(item) for item in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6)
    return f"`{text.strip().removesuffix('...').strip()}`"


def _words(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    """Return in words what may stand there."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return _words(inner, (*metadata, *_flat(more)))
    metadata = tuple(_flat(metadata))
    if origin in (Union, types.UnionType):
        return _union_words(annotation, metadata)
    if origin is Literal:
        return _one_of(f"`{value}`" for value in get_args(annotation))
    if origin is tuple:
        least = ", at least one" if any(isinstance(one, MinLen) for one in metadata) else ""
        return f"list of {_plural(_words(get_args(annotation)[0]))}{least}"
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return f"mapping of names to {_plural(_words(get_args(annotation)[1]))}"
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return "section"
    if inspect.isclass(annotation) and issubclass(annotation, Enum):
        return _one_of(f"`{one.value}`" for one in annotation)
    return _SIMPLE[annotation] + _limits(metadata)


_SIMPLE: Final = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "`true` or `false`",
    Path: "path",
    type(None): "null",
}


def _union_words(annotation: Any, metadata: Sequence[Any]) -> str:
    members = get_args(annotation)
    models = _models(annotation)
    if len(models) > 1:
        return "one of the kinds " + _one_of(f"`{_kind_of(model)}`" for model in models)
    present = [one for one in members if one is not type(None)]
    words = [_words(one, metadata if len(present) == 1 else ()) for one in present]
    return ", or ".join(words + ["null"] * (len(present) < len(members)))


def _flat(metadata: Iterable[Any]) -> Iterator[Any]:
    for one in metadata:
        if isinstance(one, FieldInfo):
            yield from one.metadata
        else:
            yield one


def _limits(metadata: Sequence[Any]) -> str:
    words = []
    for one in metadata:
        match one:
            case Ge(ge=least):
                most = next((other.le for other in metadata if isinstance(other, Le)), None)
                words.append(f"{least} or more" if most is None else f"{least} to {most}")
            case Gt(gt=least):
                words.append(f"above {_number(least)}")
            case Lt(lt=limit):
                words.append(f"below {_number(limit)}")
            case MaxLen(max_length=most):
                words.append(f"at most {most} characters")
            case MinLen(min_length=1):
                words.append("not empty")
            case _ if pattern := getattr(one, "pattern", None):
                words.append(f"`{_escaped(str(pattern))}`")
            case _:
                pass
    return f" ({', '.join(words)})" if words else ""


def _number(limit: Any) -> str:
    return f"{limit:g}"


def _plural(words: str) -> str:
    if words.startswith("one of the kinds"):
        return "sections, each " + words
    plain, mark, rest = words.partition(" (")
    plurals = {"section": "sections", "text": "texts", "path": "paths"}
    return plurals.get(plain, plain) + mark + rest


def _one_of(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that `annotation` names, at any depth, each once."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return [annotation]
    found: dict[type[BaseModel], None] = {}
    for one in get_args(annotation):
        found.update(dict.fromkeys(_models(one)))
    return list(found)


def _below(annotation: Any) -> str:
    """Return what is put behind a path to speak of what lies in a list or a mapping."""
    origin = get_origin(annotation)
    if origin is tuple:
        return "[]"
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return f".{NAME}"
    if origin in (Annotated, Union, types.UnionType):
        return next(filter(None, map(_below, get_args(annotation))), "")
    return ""


def _kind_of(model: type[BaseModel]) -> str:
    return str(get_args(model.model_fields["kind"].annotation)[0])


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[^.]\.)\s", " ".join(text.split()), maxsplit=1)[0]


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _code(text: str) -> str:
    """Return a docstring's double backticks as those of Markdown."""
    return text.replace("``", "`")


def _part_text(part: Part) -> str:
    sentences = re.split(r"(?<=\.) (?=[A-Z])", " ".join(_code(part.text).split()))
    head, _, kind = part.title.partition(" of kind ")
    title = f"`{head}` of kind `{kind}`" if kind else f"`{head}`"
    rows = [
        f'| <a id="{one.anchor}"></a>`{one.path}` | {one.kind} | {one.default}'
        f" | {_escaped(_code(one.description))} |"
        for one in part.settings
    ]
    return "\n".join(
        (
            f"{'#' * part.level} {title}",
            "",
            *filter(None, sentences),
            "",
            "| Setting | What may stand there | Default | What it says |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
        )
    )
