"""From options to a router: every name, pattern and network is checked here, at start."""

from collections.abc import Collection
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import assert_never

from pydicom._uid_dict import UID_dictionary
from pydicom.datadict import dictionary_VR, tag_for_keyword

from deid_node.errors import ConfigurationError
from deid_node.route.attributes import OfDataset, OfOrigin, OriginField, Subject
from deid_node.route.header import COMPARABLE_VRS
from deid_node.route.options import (
    AllOfOptions,
    AlwaysOptions,
    AnyOfOptions,
    DiscardOptions,
    EqualsOptions,
    ForwardOptions,
    MatchesOptions,
    NotOptions,
    OneOfOptions,
    PresentOptions,
    RouteOptions,
    RuleOptions,
    ThenOptions,
    WhenOptions,
    WithholdOptions,
)
from deid_node.route.patterns import compiled
from deid_node.route.predicates import (
    AllOf,
    Always,
    AnyOf,
    Matches,
    Not,
    OneOf,
    Predicate,
    Present,
    WithinNetworks,
)
from deid_node.route.router import Router
from deid_node.route.rules import Rule
from deid_node.values.decision import Decision, Discard, Forward, Withhold


def compile_router(
    options: RouteOptions,
    *,
    treatments: Collection[str] | None = None,
    destinations: Collection[str] | None = None,
    listeners: Collection[str] | None = None,
) -> Router:
    """Return the router that `options` describe.

    `treatments`, `destinations` and `listeners` are the names that exist; rules that name
    others are refused. None leaves that to the caller.

    Raises
    ------
    ConfigurationError
        With the YAML path of the first fault, never its value.
    """
    rules: list[Rule] = []
    for number, rule in enumerate(options.rules):
        path = f"route.rules[{number}]"
        if any(rule.name == earlier.name for earlier in rules):
            raise ConfigurationError(f"{path}.name", "another rule has this name")
        _check_names(rule, path, treatments, destinations)
        if listeners is not None:
            _check_listeners(rule.when, f"{path}.when", listeners)
        rules.append(
            Rule(rule.name, _predicate(rule.when, f"{path}.when"), _decision(rule.name, rule.then))
        )
    match options.otherwise:
        case "withhold":
            return Router(tuple(rules), Withhold(None))
        case "discard":
            return Router(tuple(rules), Discard(None))
        case _:
            assert_never(options.otherwise)


def _check_names(
    rule: RuleOptions,
    path: str,
    treatments: Collection[str] | None,
    destinations: Collection[str] | None,
) -> None:
    if not isinstance(rule.then, ForwardOptions):
        return
    if treatments is not None and rule.then.treatment not in treatments:
        raise ConfigurationError(f"{path}.then.treatment", "no treatment has this name")
    for number, name in enumerate(rule.then.destinations):
        if destinations is not None and name not in destinations:
            raise ConfigurationError(
                f"{path}.then.destinations[{number}]", "no destination has this name"
            )
        if name in rule.then.destinations[:number]:
            raise ConfigurationError(f"{path}.then.destinations[{number}]", "is named twice")


def _check_listeners(options: WhenOptions, path: str, listeners: Collection[str]) -> None:
    """Refuse a listener that is not there: its rule would never hold, and another would decide."""
    match options:
        case EqualsOptions(attribute=OriginField.LISTENER):
            named = {f"{path}.value": options.value}
        case OneOfOptions(attribute=OriginField.LISTENER):
            named = {f"{path}.values[{number}]": one for number, one in enumerate(options.values)}
        case AllOfOptions() | AnyOfOptions():
            for number, part in enumerate(options.of):
                _check_listeners(part, f"{path}.of[{number}]", listeners)
            return
        case NotOptions():
            _check_listeners(options.of, f"{path}.of", listeners)
            return
        case _:
            return
    for where, name in named.items():
        if name not in listeners:
            raise ConfigurationError(where, "no listener has this name")


def _decision(name: str, options: ThenOptions) -> Decision:
    match options:
        case ForwardOptions():
            return Forward(name, options.treatment, options.destinations)
        case WithholdOptions():
            return Withhold(name)
        case DiscardOptions():
            return Discard(name)
        case _:
            assert_never(options)


def _predicate(options: WhenOptions, path: str) -> Predicate:
    match options:
        case AlwaysOptions():
            return Always()
        case EqualsOptions():
            return _among(_comparable(options.attribute, path), ((f"{path}.value", options.value),))
        case OneOfOptions():
            return _among(
                _comparable(options.attribute, path),
                tuple(
                    (f"{path}.values[{number}]", value)
                    for number, value in enumerate(options.values)
                ),
            )
        case MatchesOptions():
            subject = _comparable(options.attribute, path)
            try:
                return Matches(subject, compiled(options.pattern))
            except ValueError as error:
                raise ConfigurationError(f"{path}.pattern", str(error)) from None
        case PresentOptions():
            return Present(_subject(options.attribute, path))
        case AllOfOptions():
            return AllOf(_parts(options.of, path))
        case AnyOfOptions():
            return AnyOf(_parts(options.of, path))
        case NotOptions():
            return Not(_predicate(options.of, f"{path}.of"))
        case _:
            assert_never(options)


def _parts(options: tuple[WhenOptions, ...], path: str) -> tuple[Predicate, ...]:
    return tuple(_predicate(part, f"{path}.of[{number}]") for number, part in enumerate(options))


def _among(subject: Subject, values: tuple[tuple[str, str], ...]) -> Predicate:
    """Return the predicate for `values`, each given with its YAML path."""
    if subject == OfOrigin(OriginField.ADDRESS):
        return WithinNetworks(tuple(_network(value, path) for path, value in values))
    return OneOf(subject, frozenset(_wanted(subject, value, path) for path, value in values))


def _network(value: str, path: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(value)
    except ValueError:
        raise ConfigurationError(path, "is neither an IP address nor a network (CIDR)") from None


def _subject(name: str, path: str) -> Subject:
    if name in tuple(OriginField):
        return OfOrigin(OriginField(name))
    tag = tag_for_keyword(name)
    if tag is None:
        raise ConfigurationError(f"{path}.attribute", "is no DICOM keyword")
    if tag >> 16 == 0:
        raise ConfigurationError(f"{path}.attribute", "belongs to the command, not to the dataset")
    return OfDataset(name)


def _comparable(name: str, path: str) -> Subject:
    subject = _subject(name, path)
    if isinstance(subject, OfDataset):
        tag = tag_for_keyword(name)
        if tag is None or dictionary_VR(tag) not in COMPARABLE_VRS:
            raise ConfigurationError(
                f"{path}.attribute", "holds no plain values; only `present` can ask for it"
            )
    return subject


def _wanted(subject: Subject, value: str, path: str) -> str:
    text = value.strip(" \0")
    if not text:
        raise ConfigurationError(path, "is empty; use `not` with `present` for that")
    if isinstance(subject, OfDataset) and dictionary_VR(subject.keyword) == "UI":
        return _uid(text, path)
    return text


def _uid(text: str, path: str) -> str:
    """Return the UID that `text` is, or is the name of (``CTImageStorage``)."""
    if text.replace(".", "").isdigit() and text.isascii():
        return text
    for uid, entry in UID_dictionary.items():
        if entry[4] == text:
            return uid
    raise ConfigurationError(path, "is neither a UID nor the name of one")
