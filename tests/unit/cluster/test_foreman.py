"""The foreman and the node's leases, over actors that are played: no Ray is needed."""

import threading
from pathlib import Path
from time import sleep

import pytest

from deid_node.errors import ConfigurationError
from deid_node.pixels.remote.wanted import WantedModels
from deid_node.work.workers.base import WorkforceAway
from deid_node.work.workers.lease import Lease
from tests.fakes.model_hall import line_tls
from tests.fakes.played_cluster import PlayedCluster, played
from tests.fakes.waiting import eventually, free_port

MODELS = WantedModels(weights={"finder": "0" * 64})


def test_a_place_is_kept_as_long_as_it_is_held_and_given_on_then(tmp_path: Path) -> None:
    with played(tmp_path / "tls") as cluster:
        first, second, third = (cluster.lease(workers_per_actor=2) for _ in range(3))

        places = [first.ask(MODELS), second.ask(MODELS)]
        assert len(cluster.hands) == 1
        third.ask(MODELS)
        assert len(cluster.hands) == 2

        assert [place.tickets for place in places] == [
            ("questions-1", "pulse-1"),
            ("questions-2", "pulse-2"),
        ]
        assert first.is_held
        first.close()
        eventually(lambda: cluster.hands[0].admitted == 2, what="the place is free")
        again = cluster.lease(workers_per_actor=2)
        eventually(lambda: _seated_at(cluster, again, 0), what="the place is given on")
        for lease in (second, third, again):
            lease.close()


def _seated_at(cluster: PlayedCluster, lease: Lease, number: int) -> bool:
    """Ask once, after the foreman has had time to see that the connection ended."""
    sleep(1.5)
    lease.ask(MODELS)
    return len(cluster.hands) == number + 2 and cluster.hands[number].admitted == 3


def test_an_actor_that_dies_ends_its_places(tmp_path: Path) -> None:
    with played(tmp_path / "tls") as cluster:
        lease = cluster.lease()
        lease.ask(MODELS)

        cluster.hands[0].died.set()

        eventually(lambda: not lease.is_held, what="the place is lost")
        other = cluster.lease()
        other.ask(MODELS)
        assert len(cluster.hands) == 2
        other.close()


def test_an_actor_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    with played(tmp_path / "tls") as cluster:
        cluster.stopped = True

        with pytest.raises(WorkforceAway, match="was lost"):
            cluster.lease().ask(MODELS)

        assert cluster.hands[0].dismissed


def test_models_for_nobody_are_let_go(tmp_path: Path) -> None:
    with played(tmp_path / "tls", idle_seconds=0.1) as cluster:
        lease = cluster.lease()
        lease.ask(MODELS)
        lease.close()

        eventually(lambda: cluster.hands[0].dismissed, what="the actor is let go")


def test_a_cluster_without_room_is_waited_for_so_long(tmp_path: Path) -> None:
    with played(tmp_path / "tls") as cluster:
        cluster.room.clear()

        with pytest.raises(WorkforceAway, match="has no room"):
            cluster.lease(placement_seconds=2).ask(MODELS)

        # What was asked of Ray stands: a cluster that grows is asked by it.
        cluster.room.set()
        cluster.lease().ask(MODELS)
        assert len(cluster.hands) == 1


def test_whoever_waits_for_room_can_be_called_off(tmp_path: Path) -> None:
    with played(tmp_path / "tls") as cluster:
        cluster.room.clear()
        lease = cluster.lease()
        threading.Timer(1, lease.close).start()

        with pytest.raises(WorkforceAway):
            lease.ask(MODELS)
        cluster.room.set()


def test_a_foreman_who_works_for_nobody_says_why(tmp_path: Path) -> None:
    with (
        played(tmp_path / "tls", refusal="the cluster does not encrypt") as cluster,
        pytest.raises(ConfigurationError) as caught,
    ):
        cluster.lease().ask(MODELS)

    assert (caught.value.path, caught.value.reason) == (
        "work.engine",
        "the cluster does not encrypt",
    )


def test_an_actor_that_must_not_work_says_why(tmp_path: Path) -> None:
    with played(tmp_path / "tls") as cluster:
        cluster.refusal = "the cluster has other weights than the node: finder"

        with pytest.raises(ConfigurationError, match="other weights"):
            cluster.lease().ask(MODELS)


def test_a_reason_that_may_not_stand_in_a_log_is_not_repeated(tmp_path: Path) -> None:
    with (
        played(tmp_path / "tls", refusal="M\N{LATIN SMALL LETTER U WITH DIAERESIS}ller") as cluster,
        pytest.raises(ConfigurationError, match="does not say why"),
    ):
        cluster.lease().ask(MODELS)


def test_a_foreman_who_is_away_or_of_another_authority_is_waited_for(tmp_path: Path) -> None:
    with played(tmp_path / "tls") as cluster:
        strange = line_tls(tmp_path / "strange")

        with pytest.raises(WorkforceAway, match="out of reach"):
            cluster.lease(port=free_port()).ask(MODELS)
        with pytest.raises(WorkforceAway, match="out of reach"):
            cluster.lease(tls=strange).ask(MODELS)
        assert cluster.hands == []
