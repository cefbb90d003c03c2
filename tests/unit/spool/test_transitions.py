"""The two pictures of states: each edge starts where the page says, and nowhere else."""

from collections.abc import Callable
from itertools import product

import pytest

from deid_node.errors import CommitmentFailed, NoRule
from deid_node.spool import transitions
from deid_node.spool.committer import Transaction
from deid_node.spool.custody import Custody
from deid_node.values.identity import InstanceId
from deid_node.values.instance import BlobRef
from deid_node.values.outcome import Cleaned, Withheld
from deid_node.values.series import Place
from deid_node.values.state import DeliveryState, InstanceState
from tests.builders.custody import Spool
from tests.builders.values import a_clean_instance, an_arrival

RECEIVED, HELD, CLEAN, DELIVERED, WITHHELD, DISCARDED = InstanceState
DUE, SENT, HANDED, REFUSED = DeliveryState
"""HANDED is DELIVERED: the instances have a state of that name."""


def sealed(instance: InstanceId) -> Cleaned:
    return Cleaned(a_clean_instance(instance, BlobRef(f"{instance}.dcm", 5, "cc")))


Edge = Callable[[Transaction, InstanceId], bool]

EDGES: dict[str, tuple[Edge, dict[InstanceState, InstanceState]]] = {
    "hold": (
        lambda one, it: transitions.hold(one.connection, it, 1, Place("stack", 2.5)),
        {RECEIVED: HELD},
    ),
    "go_on": (
        lambda one, it: transitions.go_on(one.connection, it),
        {HELD: RECEIVED},
    ),
    "seal": (
        lambda one, it: transitions.seal(one.connection, sealed(it)),
        {RECEIVED: CLEAN},
    ),
    "withhold": (
        lambda one, it: transitions.withhold(one.connection, it, Withheld.because(NoRule())),
        {RECEIVED: WITHHELD},
    ),
    "withhold_sealed": (
        lambda one, it: transitions.withhold_sealed(one.connection, it, CommitmentFailed()),
        {CLEAN: WITHHELD},
    ),
    "discard_by_rule": (
        lambda one, it: transitions.discard_by_rule(one.connection, it, "rule"),
        {RECEIVED: DISCARDED},
    ),
    "discard": (
        lambda one, it: transitions.discard(one.connection, it),
        {WITHHELD: DISCARDED},
    ),
    "give_way": (
        lambda one, it: transitions.give_way(one.connection, it),
        {RECEIVED: DISCARDED, HELD: DISCARDED, CLEAN: DISCARDED, WITHHELD: DISCARDED},
    ),
    "supersede": (
        lambda one, it: transitions.supersede(one.connection, it),
        {DELIVERED: DELIVERED},
    ),
    "release, unsealed": (
        lambda one, it: transitions.release(one.connection, it, sealed=False),
        {WITHHELD: RECEIVED},
    ),
    "release, sealed": (
        lambda one, it: transitions.release(one.connection, it, sealed=True),
        {WITHHELD: CLEAN},
    ),
    "walk_again": (
        lambda one, it: transitions.walk_again(one.connection, it),
        {CLEAN: RECEIVED, DELIVERED: RECEIVED, WITHHELD: RECEIVED, DISCARDED: RECEIVED},
    ),
    "finish": (
        lambda one, it: transitions.finish(one.connection, it),
        {CLEAN: DELIVERED},
    ),
    "reopen": (
        lambda one, it: transitions.reopen(one.connection, it),
        {DELIVERED: CLEAN},
    ),
}


def in_state(custody: Custody, state: str) -> InstanceId:
    instance = Spool(custody).accept(an_arrival(), [b"bytes"]).instance.id
    custody.write(
        lambda one: one.connection.execute("UPDATE instances SET state = ?, attempts = 2", (state,))
    )
    return instance


@pytest.mark.parametrize(
    ("name", "start"),
    list(product(EDGES, InstanceState)),
    ids=lambda one: str(one).replace(", ", "-"),
)
def test_an_edge_of_an_instance_starts_where_the_page_says(
    custody: Custody, name: str, start: InstanceState
) -> None:
    instance = in_state(custody, start)
    edge, ways = EDGES[name]

    moved = custody.write(lambda one: edge(one, instance))

    (row,) = custody.read("SELECT * FROM instances")
    assert moved is (start in ways)
    assert row["state"] == ways.get(start, start)
    if row["state"] == RECEIVED and start not in {RECEIVED, HELD}:
        # Whoever walks again has all starts, and no seal.
        assert (row["attempts"], row["code"], row["clean_sha256"]) == (0, None, None)


DELIVERY_EDGES: dict[str, tuple[Edge, dict[DeliveryState, DeliveryState]]] = {
    **{
        f"close, {end}": (
            lambda one, it, end=end: transitions.close(  # type: ignore[misc]
                one.connection, it, "archive", end, status=0
            ),
            {DUE: end},
        )
        for end in (HANDED, SENT, REFUSED)
    },
    "close, of other bytes": (
        lambda one, it: transitions.close(
            one.connection, it, "archive", HANDED, status=0, sha256="dd"
        ),
        {},
    ),
    "confirm": (
        lambda one, it: transitions.confirm(one.connection, it, "archive"),
        {SENT: HANDED, DUE: HANDED},
    ),
    "refuse": (lambda one, it: transitions.refuse(one.connection, it, "archive"), {SENT: REFUSED}),
    "send_again": (
        lambda one, it: transitions.send_again(one.connection, it, "archive", 7),
        {SENT: DUE},
    ),
    "redeliver": (
        lambda one, it: transitions.redeliver(one.connection, it, None),
        {DUE: DUE, SENT: DUE, HANDED: DUE},
    ),
    "redeliver elsewhere": (
        lambda one, it: transitions.redeliver(one.connection, it, "folder"),
        {},
    ),
}


@pytest.mark.parametrize(
    ("name", "start"),
    list(product(DELIVERY_EDGES, DeliveryState)),
    ids=lambda one: str(one).replace(", ", "-"),
)
def test_an_edge_of_a_delivery_starts_where_the_page_says(
    custody: Custody, name: str, start: DeliveryState
) -> None:
    instance = in_state(custody, RECEIVED)
    custody.write(lambda one: transitions.seal(one.connection, sealed(instance)))
    custody.write(lambda one: one.connection.execute("UPDATE deliveries SET state = ?", (start,)))
    edge, ways = DELIVERY_EDGES[name]

    moved = custody.write(lambda one: edge(one, instance))

    (row,) = custody.read("SELECT * FROM deliveries")
    assert moved is (start in ways)
    assert row["state"] == ways.get(start, start)


def test_an_instance_is_delivered_with_its_last_destination(custody: Custody) -> None:
    instance = in_state(custody, RECEIVED)
    custody.write(lambda one: transitions.seal(one.connection, sealed(instance)))

    too_early = custody.write(lambda one: transitions.finish(one.connection, instance))
    custody.write(lambda one: transitions.confirm(one.connection, instance, "archive"))
    at_last = custody.write(lambda one: transitions.finish(one.connection, instance))

    assert (too_early, at_last) == (False, True)


def test_what_was_refused_is_due_again_with_the_release(custody: Custody) -> None:
    instance = in_state(custody, RECEIVED)
    custody.write(lambda one: transitions.seal(one.connection, sealed(instance)))
    custody.write(
        lambda one: transitions.close(one.connection, instance, "archive", REFUSED, status=1)
    )
    custody.write(
        lambda one: transitions.withhold_sealed(one.connection, instance, CommitmentFailed())
    )

    custody.write(lambda one: transitions.release(one.connection, instance, sealed=True))

    assert [row["state"] for row in custody.read("SELECT state FROM deliveries")] == ["due"]
