"""Health: what makes a node live and ready."""

import pytest

from deid_node.errors import SpoolUnavailable
from deid_node.observe.health import Health, Lifecycle, PartCheck


def raises(fault: Exception) -> PartCheck:
    def ask() -> str | None:
        raise fault

    return PartCheck("spool", ask)


def well(name: str = "spool") -> PartCheck:
    return PartCheck(name, lambda: None)


def ill(name: str = "spool", code: str = "spool_full") -> PartCheck:
    return PartCheck(name, lambda: code)


def running(health: Health) -> Health:
    health.enter(Lifecycle.RUNNING)
    return health


def test_a_running_node_whose_parts_are_well_is_ready() -> None:
    condition = running(Health([well("spool"), well("receive")])).ready()

    assert condition.well
    assert condition.parts == (("node", "ok"), ("spool", "ok"), ("receive", "ok"))


def test_a_node_is_not_ready_before_it_says_so() -> None:
    condition = Health([well()]).ready()

    assert not condition.well
    assert condition.parts[0] == ("node", "starting")


def test_a_stopping_node_is_live_and_not_ready() -> None:
    health = running(Health([well()]))

    health.enter(Lifecycle.STOPPING)

    assert health.live().well
    assert not health.ready().well


def test_one_part_in_trouble_makes_the_node_not_ready_and_is_named() -> None:
    condition = running(Health([well("receive"), ill("spool")])).ready()

    assert not condition.well
    assert ("spool", "spool_full") in condition.parts


def test_a_part_in_trouble_that_may_pass_leaves_the_node_live() -> None:
    assert running(Health([ill()])).live().well


def test_a_vital_part_in_trouble_makes_the_node_neither_live_nor_ready() -> None:
    health = running(Health(vital=[ill("receive", "thread_ended")]))

    assert not health.live().well
    assert not health.ready().well


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (SpoolUnavailable("CANARY^JANE"), "spool_unavailable"),
        (OSError("CANARY^JANE"), "check_failed"),
    ],
)
def test_a_check_that_fails_is_trouble_told_by_a_code(fault: Exception, code: str) -> None:
    condition = running(Health([raises(fault)])).ready()

    assert condition.parts[1] == ("spool", code)


def test_an_advisory_part_in_trouble_is_told_and_leaves_the_node_ready() -> None:
    health = running(Health([well()], advisory=[ill("archive", "destination_unreachable")]))

    condition = health.ready()

    assert condition.well
    assert ("archive", "destination_unreachable") in condition.parts
