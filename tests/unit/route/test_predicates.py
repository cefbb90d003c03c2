"""Each predicate over a table of headers, and the laws of all_of, any_of and not."""

import re
from datetime import UTC, datetime
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deid_node.errors import RuleUndecidable
from deid_node.route.attributes import OfDataset, OfOrigin, OriginField
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
from deid_node.values.header import Header
from deid_node.values.origin import Dimse, Http, Origin, Via

HEADER = Header(
    (
        ("Modality", ("US",)),
        ("ImageType", ("DERIVED", "PRIMARY", "")),
        ("StationName", ()),
        ("SeriesDescription", ("x" * 257,)),
    ),
    unreadable=frozenset({"Manufacturer"}),
)


def origin(address: str = "10.1.2.3", *, via: Via | None = None) -> Origin:
    return Origin(
        peer="ward",
        via=via or Dimse("US7  ", " DEIDNODE", address),
        association="a1",
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
        transfer_syntax="1.2.840.10008.1.2.1",
    )


def of(keyword: str) -> OfDataset:
    return OfDataset(keyword)


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        (Always(), True),
        (OneOf(of("Modality"), frozenset({"US"})), True),
        (OneOf(of("Modality"), frozenset({"us"})), False),
        (OneOf(of("Modality"), frozenset({"U"})), False),
        (OneOf(of("ImageType"), frozenset({"PRIMARY"})), True),
        (OneOf(of("ImageType"), frozenset({"ORIGINAL", "DERIVED"})), True),
        (OneOf(of("StationName"), frozenset({"A"})), False),
        (OneOf(of("BodyPartExamined"), frozenset({"CHEST"})), False),
        (OneOf(OfOrigin(OriginField.CALLING_AE), frozenset({"US7"})), True),
        (OneOf(OfOrigin(OriginField.CALLED_AE), frozenset({"DEIDNODE"})), True),
        (OneOf(OfOrigin(OriginField.PEER), frozenset({"ward"})), True),
        (OneOf(OfOrigin(OriginField.ADDRESS), frozenset({"10.1.2.3"})), True),
        (Matches(of("Modality"), re.compile("U.")), True),
        (Matches(of("Modality"), re.compile("U")), False),
        (Matches(of("ImageType"), re.compile("PRI.*")), True),
        (Matches(of("BodyPartExamined"), re.compile(".*")), False),
        (Present(of("Modality")), True),
        (Present(of("StationName")), False),
        (Present(of("BodyPartExamined")), False),
        (Present(OfOrigin(OriginField.PEER)), True),
        (WithinNetworks((ip_network("10.1.0.0/16"),)), True),
        (WithinNetworks((ip_network("10.2.0.0/16"), ip_network("::/0"))), False),
    ],
)
def test_a_predicate_answers_as_the_table_says(predicate: Predicate, *, expected: bool) -> None:
    assert predicate.holds(HEADER, origin()) is expected
    assert Not(predicate).holds(HEADER, origin()) is not expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.168.7.1", True),
        ("::ffff:192.168.7.1", True),
        ("192.168.8.1", False),
        ("fe80::1%eth0", True),
        ("scanner.example", False),
        ("", False),
    ],
)
def test_a_network_takes_addresses_in_either_dress(address: str, *, expected: bool) -> None:
    networks = WithinNetworks((ip_network("192.168.7.0/24"), ip_network("fe80::/10")))

    assert networks.holds(HEADER, origin(address)) is expected


@pytest.mark.parametrize(
    "predicate",
    [
        OneOf(of("Manufacturer"), frozenset({"X"})),
        Matches(of("Manufacturer"), re.compile(".*")),
        Present(of("Manufacturer")),
        Not(Present(of("Manufacturer"))),
        AllOf((Always(), Present(of("Manufacturer")))),
        AnyOf((Not(Always()), Present(of("Manufacturer")))),
    ],
)
def test_an_unreadable_attribute_leaves_the_question_open(predicate: Predicate) -> None:
    with pytest.raises(RuleUndecidable) as caught:
        predicate.holds(HEADER, origin())

    assert caught.value.keyword == "Manufacturer"


def test_a_value_too_long_for_a_pattern_leaves_the_question_open() -> None:
    with pytest.raises(RuleUndecidable):
        Matches(of("SeriesDescription"), re.compile("x*")).holds(HEADER, origin())


class Answer:
    """A predicate whose answer is given: yes, no, or None for undecidable."""

    def __init__(self, answer: bool | None) -> None:
        self.answer = answer

    def __repr__(self) -> str:
        return f"Answer({self.answer})"

    @property
    def keywords(self) -> frozenset[str]:
        return frozenset({"Modality"})

    def holds(self, header: Header, origin: Origin) -> bool:
        if self.answer is None:
            raise RuleUndecidable("Modality")
        return self.answer


def answer(predicate: Predicate) -> bool | None:
    try:
        return predicate.holds(HEADER, origin())
    except RuleUndecidable:
        return None


def trees() -> st.SearchStrategy[Predicate]:
    leaves: st.SearchStrategy[Predicate] = st.sampled_from((True, False, None)).map(Answer)
    return st.recursive(
        leaves,
        lambda parts: st.one_of(
            parts.map(Not),
            st.lists(parts, min_size=1, max_size=4).map(lambda of: AllOf(tuple(of))),
            st.lists(parts, min_size=1, max_size=4).map(lambda of: AnyOf(tuple(of))),
        ),
        max_leaves=12,
    )


@given(trees())
def test_not_twice_is_nothing(tree: Predicate) -> None:
    assert answer(Not(Not(tree))) == answer(tree)


@given(st.lists(trees(), min_size=1, max_size=4))
def test_not_any_is_all_not_and_the_other_way_round(parts: list[Predicate]) -> None:
    negated = tuple(Not(part) for part in parts)

    assert answer(Not(AnyOf(tuple(parts)))) == answer(AllOf(negated))
    assert answer(Not(AllOf(tuple(parts)))) == answer(AnyOf(negated))


@given(
    st.lists(trees(), min_size=1, max_size=4).flatmap(
        lambda parts: st.tuples(st.just(parts), st.permutations(parts))
    )
)
def test_the_order_of_parts_never_matters(pair: tuple[list[Predicate], list[Predicate]]) -> None:
    parts, shuffled = pair

    assert answer(AllOf(tuple(parts))) == answer(AllOf(tuple(shuffled)))
    assert answer(AnyOf(tuple(parts))) == answer(AnyOf(tuple(shuffled)))


@given(trees())
def test_one_part_alone_is_itself_and_always_is_neutral_in_all_of(tree: Predicate) -> None:
    assert answer(AllOf((tree,))) == answer(AnyOf((tree,))) == answer(tree)
    assert answer(AllOf((Always(), tree))) == answer(tree)
    assert answer(AnyOf((Not(Always()), tree))) == answer(tree)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        (OriginField.CALLING_AE, None),
        (OriginField.CALLED_AE, None),
        (OriginField.ADDRESS, ("10.1.2.3",)),
        (OriginField.PEER, ("ward",)),
    ],
)
def test_what_came_by_http_has_an_address_and_no_ae_title(
    field: OriginField, values: tuple[str, ...] | None
) -> None:
    seen = origin(via=Http("US7", "10.1.2.3"))

    assert OfOrigin(field).values(HEADER, seen) == values
    assert Present(OfOrigin(field)).holds(HEADER, seen) is (values is not None)
