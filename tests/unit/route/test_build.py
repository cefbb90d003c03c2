"""Options to router: what is accepted, what is refused, and with which path."""

from typing import Any

import pytest
from pydantic import ValidationError

from deid_node.errors import ConfigurationError, RuleUndecidable
from deid_node.route.build import compile_router
from deid_node.route.options import RouteOptions
from deid_node.values.decision import Discard, Forward, Withhold
from deid_node.values.header import Header
from tests.unit.route.test_predicates import origin

FORWARD = {"kind": "forward", "treatment": "research", "destinations": ["archive"]}


def options(*whens: dict[str, Any], **more: Any) -> RouteOptions:
    rules = [
        {"name": f"rule{number}", "when": when, "then": FORWARD}
        for number, when in enumerate(whens)
    ]
    return RouteOptions.model_validate({"rules": rules, **more})


def header(**attributes: str) -> Header:
    return Header(tuple((keyword, (value,)) for keyword, value in attributes.items()))


def test_the_default_forwards_everything_to_the_archive() -> None:
    router = compile_router(RouteOptions(), treatments=["research"], destinations=["archive"])

    assert router.decide(Header(()), origin()) == Forward("everything", "research", ("archive",))
    assert router.keywords == frozenset()


def test_the_first_rule_that_holds_decides() -> None:
    router = compile_router(
        RouteOptions.model_validate(
            {
                "rules": [
                    {
                        "name": "doses",
                        "when": {"kind": "equals", "attribute": "Modality", "value": "SR"},
                        "then": {"kind": "discard"},
                    },
                    {
                        "name": "ward",
                        "when": {"kind": "equals", "attribute": "peer", "value": "ward"},
                        "then": {"kind": "withhold"},
                    },
                    {"name": "rest", "when": {"kind": "always"}, "then": FORWARD},
                ]
            }
        )
    )

    assert router.decide(header(Modality="SR"), origin()) == Discard("doses")
    assert router.decide(header(Modality="CT"), origin()) == Withhold("ward")
    assert router.keywords == {"Modality"}


@pytest.mark.parametrize(
    ("otherwise", "decision"), [("withhold", Withhold(None)), ("discard", Discard(None))]
)
def test_what_no_rule_matches_goes_as_the_site_says(otherwise: str, decision: object) -> None:
    never = {"kind": "not", "of": {"kind": "always"}}

    router = compile_router(options(never, otherwise=otherwise))

    assert router.decide(Header(()), origin()) == decision


def test_an_undecidable_rule_stops_the_search_for_a_later_one() -> None:
    router = compile_router(
        options({"kind": "present", "attribute": "StationName"}, {"kind": "always"})
    )

    with pytest.raises(RuleUndecidable):
        router.decide(Header((), unreadable=frozenset({"StationName"})), origin())


@pytest.mark.parametrize("value", ["CTImageStorage", "1.2.840.10008.5.1.4.1.1.2"])
def test_a_sop_class_may_be_given_by_its_name(value: str) -> None:
    router = compile_router(options({"kind": "equals", "attribute": "SOPClassUID", "value": value}))

    decision = router.decide(header(SOPClassUID="1.2.840.10008.5.1.4.1.1.2"), origin())

    assert isinstance(decision, Forward)


def test_addresses_may_be_networks() -> None:
    router = compile_router(
        options(
            {"kind": "one_of", "attribute": "address", "values": ["10.1.0.0/16", "192.168.0.9"]}
        )
    )

    assert isinstance(router.decide(Header(()), origin("10.1.99.3")), Forward)
    assert isinstance(router.decide(Header(()), origin("192.168.0.9")), Forward)
    assert router.decide(Header(()), origin("10.2.0.1")) == Withhold(None)


def test_an_address_is_itself_in_either_dress() -> None:
    router = compile_router(
        options({"kind": "equals", "attribute": "address", "value": "10.1.2.3"})
    )

    assert isinstance(router.decide(Header(()), origin("10.1.2.3")), Forward)
    assert isinstance(router.decide(Header(()), origin("::ffff:10.1.2.3")), Forward)
    assert router.decide(Header(()), origin("10.1.2.30")) == Withhold(None)


def test_every_kind_compiles_and_names_its_keywords() -> None:
    router = compile_router(
        options(
            {
                "kind": "all_of",
                "of": [
                    {"kind": "one_of", "attribute": "Modality", "values": ["CT", "MR"]},
                    {"kind": "any_of", "of": [
                        {"kind": "matches", "attribute": "StationName", "pattern": "CT[0-9]+"},
                        {"kind": "equals", "attribute": "SeriesNumber", "value": 3},
                    ]},
                    {"kind": "not", "of": {"kind": "present", "attribute": "PixelData"}},
                ],
            }
        )
    )  # fmt: skip

    assert router.keywords == {"Modality", "StationName", "SeriesNumber", "PixelData"}
    assert isinstance(router.decide(header(Modality="MR", SeriesNumber="3"), origin()), Forward)
    assert router.decide(header(Modality="MR", StationName="CTX"), origin()) == Withhold(None)


TYPO = "Zebra"


@pytest.mark.parametrize(
    ("when", "path"),
    [
        ({"kind": "equals", "attribute": TYPO, "value": "1"}, "when.attribute"),
        ({"kind": "present", "attribute": TYPO}, "when.attribute"),
        ({"kind": "equals", "attribute": "PixelData", "value": TYPO}, "when.attribute"),
        ({"kind": "equals", "attribute": "ReferencedImageSequence", "value": TYPO},
         "when.attribute"),
        ({"kind": "equals", "attribute": "SmallestImagePixelValue", "value": "1"},
         "when.attribute"),
        ({"kind": "present", "attribute": "MessageID"}, "when.attribute"),
        ({"kind": "equals", "attribute": "SOPClassUID", "value": TYPO}, "when.value"),
        ({"kind": "equals", "attribute": "Modality", "value": "  "}, "when.value"),
        ({"kind": "one_of", "attribute": "SOPClassUID", "values": ["1.2", TYPO]},
         "when.values[1]"),
        ({"kind": "one_of", "attribute": "address", "values": ["10.0.0.0/8", TYPO]},
         "when.values[1]"),
        ({"kind": "one_of", "attribute": "address", "values": ["10.0.0.1/8"]}, "when.values[0]"),
        ({"kind": "matches", "attribute": "Modality", "pattern": "(Zebra"}, "when.pattern"),
        ({"kind": "all_of", "of": [{"kind": "always"}, {"kind": "not", "of": {
            "kind": "any_of", "of": [{"kind": "present", "attribute": TYPO}]}}]},
         "when.of[1].of.of[0].attribute"),
    ],
)  # fmt: skip
def test_a_fault_is_told_by_its_path_and_never_by_its_value(
    when: dict[str, Any], path: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        compile_router(options({"kind": "always"}, when))

    assert caught.value.path == f"route.rules[1].{path}"
    assert TYPO not in str(caught.value)


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+", "(a*)*b", "(?:a|ab)*c", "(a|aa){1,40}", "((a?){9}){9}b", "(?=(x+)+)y", r"(a)\1",
     "(?:(?:a+)b?)+", "(a{1,9}){1,9}", "(?>a+b)+c"],
)  # fmt: skip
def test_a_pattern_whose_time_may_explode_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigurationError, match=r"pattern: must not"):
        compile_router(options({"kind": "matches", "attribute": "Modality", "pattern": pattern}))


@pytest.mark.parametrize(
    "pattern",
    ["CT|MR", "(CT|MR)[0-9]*", r"US\d{1,3}", r"(\d{2}){3}", "(?i)ward.*", "[A-Z]+_[A-Z]+",
     "(ab)+", "(?!OLD).*", "(a|b)*"],
)  # fmt: skip
def test_ordinary_patterns_are_accepted_and_end_on_hostile_values(pattern: str) -> None:
    router = compile_router(
        options({"kind": "matches", "attribute": "StationName", "pattern": pattern})
    )

    # Exponential time would be years: the time limit of the test run is the assertion.
    router.decide(header(StationName="A" * 256), origin())


def test_two_rules_of_one_name_are_refused() -> None:
    rule = {"name": "same", "when": {"kind": "always"}, "then": FORWARD}

    with pytest.raises(ConfigurationError) as caught:
        compile_router(RouteOptions.model_validate({"rules": [rule, rule]}))

    assert caught.value.path == "route.rules[1].name"


@pytest.mark.parametrize(
    ("known", "path"),
    [
        ({"treatments": ["other"]}, "route.rules[0].then.treatment"),
        ({"destinations": ["other"]}, "route.rules[0].then.destinations[0]"),
    ],
)
def test_names_that_do_not_exist_are_refused(known: dict[str, Any], path: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        compile_router(RouteOptions(), **known)

    assert caught.value.path == path


def test_a_destination_named_twice_is_refused() -> None:
    then = {"kind": "forward", "treatment": "research", "destinations": ["a", "a"]}
    rule = {"name": "twice", "when": {"kind": "always"}, "then": then}

    with pytest.raises(ConfigurationError) as caught:
        compile_router(RouteOptions.model_validate({"rules": [rule]}))

    assert caught.value.path == "route.rules[0].then.destinations[1]"


@pytest.mark.parametrize(
    "when",
    [
        {},
        {"kind": "sometimes"},
        {"kind": "always", "attribute": "Modality"},
        {"kind": "equals", "attribute": "Modality"},
        {"kind": "equals", "attribute": "Modality", "value": ""},
        {"kind": "equals", "attribute": "Modality", "value": False},
        {"kind": "one_of", "attribute": "Modality", "values": []},
        {"kind": "all_of", "of": []},
        {"kind": "not", "of": [{"kind": "always"}]},
    ],
)
def test_a_malformed_predicate_is_refused_by_the_schema(when: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        options(when)


def test_options_are_values() -> None:
    made = options({"kind": "always"})

    assert made == options({"kind": "always"})
    assert hash(made) == hash(options({"kind": "always"}))
    with pytest.raises(ValidationError):
        made.otherwise = "discard"
