"""The promise of `Engine`, kept over every kind of worker."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from deid_node.errors import ConfigurationError
from deid_node.observe.events import Event
from deid_node.values.identity import InstanceId
from deid_node.values.order import MAX_STARTS
from deid_node.values.outcome import Cleaned, Discarded, Repeated, Withheld
from deid_node.work.contracts import CorridorFactory
from deid_node.work.workers.options import EngineOptions
from tests.fakes.peer_corridor import (
    CrashesAfterItsFirst,
    ScriptedCorridor,
    corridor_that_crashes,
    corridor_with_a_fault,
    corridor_without_weights,
    is_running,
)
from tests.fakes.peer_engine import BACKENDS, Bench


@pytest.fixture(
    scope="module",
    params=[
        # One cluster for all that need one: it takes longer to start than they do.
        pytest.param(kind, marks=[pytest.mark.xdist_group("ray")] if kind == "ray" else [])
        for kind in BACKENDS
    ],
)
def backend(request: pytest.FixtureRequest) -> str:
    if request.param == "ray":
        request.getfixturevalue("cluster")
    return str(request.param)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory, backend: str) -> Iterator[Bench]:
    """An engine of two workers for all tests in which no worker dies."""
    bench = Bench(tmp_path_factory.mktemp("calm"), backend, workers=2)
    with bench.running():
        yield bench


def test_every_kind_of_worker_is_held_to_it() -> None:
    options = get_args(EngineOptions) or (EngineOptions,)
    kinds = {option.model_fields["kind"].default for option in options}

    assert kinds == BACKENDS.keys()


def test_every_kind_of_outcome_is_recorded_with_one_start(calm: Bench) -> None:
    bench = calm
    scripts = (
        *("CLEAN", "DISCARD", "REPEAT", "WITHHOLD"),
        *("RAISE", "RAISE_OURS", "NONSENSE", "ENVIRONMENT"),
    )
    ids = {script: bench.ledger.receive(script) for script in scripts}

    assert bench.engine.ready_workers == 2
    bench.queue.offer_all(ids.values())
    bench.ledger.wait_for_outcomes(*ids.values())

    outcomes = {script: bench.ledger.outcomes[instance] for script, instance in ids.items()}
    assert isinstance(outcomes["CLEAN"], Cleaned)
    assert outcomes["DISCARD"] == Discarded("rule")
    assert outcomes["REPEAT"] == Repeated()
    assert outcomes["WITHHOLD"] == Withheld("undecodable", "no decoder")
    assert outcomes["RAISE"] == Withheld("unexpected", "unexpected ValueError")
    assert outcomes["RAISE_OURS"] == Withheld("undecodable", "frame 3 cannot be decoded")
    assert outcomes["NONSENSE"] == Withheld("unexpected", "unexpected TypeError")
    assert outcomes["ENVIRONMENT"] == Withheld("1", "")
    assert {bench.ledger.attempts[instance] for instance in ids.values()} == {1}


def test_an_instance_that_takes_its_worker_down_is_withheld_at_its_third_start(
    tmp_path: Path,
    backend: str,
) -> None:
    bench = Bench(tmp_path, backend)
    bad = bench.ledger.receive("SEGFAULT")
    others = [bench.ledger.receive("CLEAN") for _ in range(3)]

    with bench.running():
        bench.queue.offer_all([others[0], bad, *others[1:]])
        bench.ledger.wait_for_outcomes(bad, *others)

    lost = bench.ledger.outcomes[bad]
    assert lost == Withheld("worker_lost", "the worker process died at each start")
    lines = bench.log.lines_of(Event.WORKER_LOST)
    assert [(line["attempt"], line["signal"]) for line in lines] == [
        (1, signal.SIGSEGV),
        (2, signal.SIGSEGV),
        (3, signal.SIGSEGV),
    ]
    assert all(isinstance(bench.ledger.outcomes[other], Cleaned) for other in others)
    assert {bench.ledger.attempts[other] for other in others} == {1}


def test_each_way_of_dying_costs_one_start_of_one_instance_and_tells_no_value(
    tmp_path: Path, backend: str, capfd: pytest.CaptureFixture[str]
) -> None:
    bench = Bench(tmp_path, backend)
    bad = [
        bench.ledger.receive(script) for script in ("EXIT_ONCE", "KILL_ONCE", "UNPICKLABLE_ONCE")
    ]
    good, raising = bench.ledger.receive("CLEAN"), bench.ledger.receive("RAISE")

    with bench.running():
        bench.queue.offer_all([*bad, good, raising])
        bench.ledger.wait_for_outcomes(*bad, good, raising)

    assert all(isinstance(bench.ledger.outcomes[one], Cleaned) for one in (*bad, good))
    assert [bench.ledger.attempts[one] for one in (*bad, good)] == [2, 2, 2, 1]
    ended_by = [line.get("signal") for line in bench.log.lines_of(Event.WORKER_LOST)]
    assert ended_by == [None, signal.SIGKILL, None]
    written = capfd.readouterr()
    told = f"{bench.log.text}{bench.ledger.outcomes}{written.out}{written.err}"
    assert "Mueller" not in told


def test_a_worker_that_hangs_is_killed_and_its_instance_withheld_at_its_third_start(
    tmp_path: Path,
    backend: str,
) -> None:
    bench = Bench(tmp_path, backend, time_limit_seconds=0.7)
    bad, good = bench.ledger.receive("HANG"), bench.ledger.receive("CLEAN")

    with bench.running():
        bench.queue.offer_all([bad, good])
        bench.ledger.wait_for_outcomes(bad, good)

    assert bench.ledger.outcomes[bad] == Withheld(
        "time_limit", "cleaning outlasted its time limit at each start"
    )
    assert isinstance(bench.ledger.outcomes[good], Cleaned)
    assert bench.ledger.starts(bad) == 3


def test_a_worker_that_takes_all_memory_is_killed_and_its_instance_withheld_at_its_third_start(
    tmp_path: Path,
    backend: str,
) -> None:
    bench = Bench(tmp_path, backend, memory_limit_bytes=600_000_000)
    bad, passing = bench.ledger.receive("SWELL"), bench.ledger.receive("SWELL_ONCE")
    good = bench.ledger.receive("CLEAN")

    with bench.running():
        bench.queue.offer_all([bad, passing, good])
        bench.ledger.wait_for_outcomes(bad, passing, good)

    assert bench.ledger.outcomes[bad] == Withheld(
        "memory_limit", "cleaning needed more memory than there is, at each start"
    )
    assert isinstance(bench.ledger.outcomes[passing], Cleaned)
    assert isinstance(bench.ledger.outcomes[good], Cleaned)
    assert [bench.ledger.starts(one) for one in (bad, passing, good)] == [3, 2, 1]
    lines = bench.log.lines_of(Event.WORKER_LOST)
    assert [(line["code"], line["bytes"] > 600_000_000) for line in lines] == [
        ("memory_limit", True)
    ] * 4
    assert bench.ended("memory_limit") == 4


def test_a_worker_that_leaks_is_replaced_between_two_instances_at_no_cost(
    tmp_path: Path, backend: str
) -> None:
    bench = Bench(tmp_path, backend, memory_growth_bytes=120_000_000)
    ids = [bench.ledger.receive("LEAK") for _ in range(7)]

    with bench.running():
        bench.queue.offer_all(ids)
        bench.ledger.wait_for_outcomes(*ids)

    assert all(isinstance(bench.ledger.outcomes[one], Cleaned) for one in ids)
    assert set(bench.ledger.attempts.values()) == {1}
    workers = [(tmp_path / f"{one}.start1").read_text() for one in ids]
    assert workers == [pid for pid in dict.fromkeys(workers) for _ in range(3)][:7]
    grown = bench.log.lines_of(Event.WORKER_REPLACED)
    assert [line["bytes"] > 150_000_000 for line in grown] == [True, True]
    assert bench.ended("grown") == 2
    assert bench.log.lines_of(Event.WORKER_LOST) == []


def test_a_worker_serves_for_a_while_however_much_it_has_grown(
    tmp_path: Path, backend: str
) -> None:
    bench = Bench(tmp_path, backend, memory_growth_bytes=20_000_000, shortest_service_seconds=3600)
    ids = [bench.ledger.receive("LEAK") for _ in range(3)]

    with bench.running():
        bench.queue.offer_all(ids)
        bench.ledger.wait_for_outcomes(*ids)

    assert len({(tmp_path / f"{one}.start1").read_text() for one in ids}) == 1
    assert bench.ended("grown") == 0
    held = bench.metrics.registry.get_sample_value("deid_node_worker_memory_bytes", {"worker": "0"})
    assert held is not None
    assert held > 150_000_000


def test_a_corridor_that_gets_no_memory_costs_a_start_and_no_worker(calm: Bench) -> None:
    bench = calm
    short, passing = bench.ledger.receive("SHORT"), bench.ledger.receive("SHORT_ONCE")

    bench.queue.offer_all([short, passing])
    bench.ledger.wait_for_outcomes(short, passing)

    assert bench.ledger.outcomes[short] == Withheld(
        "memory_limit", "cleaning needed more memory than there is, at each start"
    )
    assert isinstance(bench.ledger.outcomes[passing], Cleaned)
    assert [bench.ledger.attempts[one] for one in (short, passing)] == [3, 2]
    assert "Mueller" not in f"{bench.log.text}{bench.ledger.outcomes}"
    assert bench.log.lines_of(Event.WORKER_LOST) == []


@pytest.mark.parametrize(
    ("script", "attempts", "outcome"),
    [
        ("HEALS", 3, Cleaned),
        ("PASSES", 3, Withheld),
        ("RAISE_PASSING", 3, Withheld),
    ],
)
def test_trouble_that_may_pass_is_started_again_up_to_three_times(
    script: str, attempts: int, outcome: type, calm: Bench
) -> None:
    bench = calm
    instance = bench.ledger.receive(script)

    bench.queue.offer(instance)
    bench.ledger.wait_for_outcomes(instance)

    assert isinstance(bench.ledger.outcomes[instance], outcome)
    assert bench.ledger.attempts[instance] == attempts == bench.ledger.starts(instance)


@pytest.mark.req("REQ-RX-21")
def test_a_disk_that_is_full_costs_time_and_no_start(calm: Bench) -> None:
    bench = calm
    instance = bench.ledger.receive("FULL")

    bench.queue.offer(instance)
    bench.ledger.wait_for_outcomes(instance)

    assert isinstance(bench.ledger.outcomes[instance], Cleaned)
    assert bench.ledger.attempts[instance] == 1
    tries = bench.ledger.folder / f"{instance}.tries"
    assert len(tries.read_text()) > MAX_STARTS


def test_signals_to_the_whole_group_do_not_end_a_worker(calm: Bench) -> None:
    bench = calm
    instance = bench.ledger.receive("INTERRUPTED")

    bench.queue.offer(instance)
    bench.ledger.wait_for_outcomes(instance)

    assert bench.ledger.attempts[instance] == 1
    assert isinstance(bench.ledger.outcomes[instance], Cleaned)


def test_an_idle_worker_that_dies_is_replaced(tmp_path: Path, backend: str) -> None:
    bench = Bench(tmp_path, backend)
    before, after = bench.ledger.receive("CLEAN"), bench.ledger.receive("CLEAN")

    with bench.running():
        bench.queue.offer(before)
        bench.ledger.wait_for_outcomes(before)
        os.kill(int((tmp_path / f"{before}.start1").read_text()), signal.SIGKILL)
        bench.queue.offer(after)
        bench.ledger.wait_for_outcomes(after)

    assert isinstance(bench.ledger.outcomes[after], Cleaned)


def test_a_worker_that_cannot_come_back_is_tried_until_it_can(tmp_path: Path, backend: str) -> None:
    bench = Bench(tmp_path, backend, factory=CrashesAfterItsFirst(tmp_path))
    bad, good = bench.ledger.receive("EXIT_ONCE"), bench.ledger.receive("CLEAN")

    with bench.running():
        (tmp_path / "broken").write_bytes(b"")
        bench.queue.offer_all([bad, good])
        while not (tmp_path / "tried").exists():
            time.sleep(0.01)
        (tmp_path / "broken").unlink()
        bench.ledger.wait_for_outcomes(bad, good)

    assert isinstance(bench.ledger.outcomes[good], Cleaned)


# A lambda goes through no pipe.
unsendable = lambda: ScriptedCorridor()  # noqa: E731, PLW0108


@pytest.mark.parametrize(
    ("factory", "path", "reason"),
    [
        (corridor_without_weights, "pixels.finder.model_file", "does not exist"),
        (corridor_with_a_fault, "", "the corridor cannot be built (ValueError)"),
        (corridor_that_crashes, "work.engine", "a worker cannot be started (WorkerDied)"),
        (unsendable, "work.engine", "a worker cannot be started (PicklingError)"),
    ],
)
def test_a_corridor_that_cannot_be_built_keeps_the_engine_from_starting(
    factory: CorridorFactory, path: str, reason: str, tmp_path: Path, backend: str
) -> None:
    bench = Bench(tmp_path, backend, factory=factory)

    with pytest.raises(ConfigurationError) as caught:
        bench.engine.start()

    assert (caught.value.path, caught.value.reason) == (path, reason)
    assert bench.left_behind == set()


def test_an_instance_is_never_with_two_workers(calm: Bench) -> None:
    bench = calm
    ids = [bench.ledger.receive("CLEAN") for _ in range(40)]

    for _ in range(5):
        for instance in ids:
            bench.queue.offer(instance)
    bench.ledger.wait_for_outcomes(*ids)

    assert {bench.ledger.attempts[instance] for instance in ids} == {1}
    assert bench.ledger.faults == []


def test_what_is_unknown_or_done_is_passed_over(calm: Bench) -> None:
    bench = calm
    known, unknown = bench.ledger.receive("CLEAN"), InstanceId("0123456789abcdef")

    bench.queue.offer_all([unknown, known])
    bench.ledger.wait_for_outcomes(known)

    assert unknown not in bench.ledger.outcomes


def test_a_journal_that_fails_costs_time_and_no_instance(calm: Bench) -> None:
    bench = calm
    bench.ledger.failing_claims = 1
    instance = bench.ledger.receive("CLEAN")

    bench.queue.offer(instance)
    bench.ledger.wait_for_outcomes(instance)

    assert bench.log.events().count(Event.SPOOL_FAILED) == 1


def test_stopping_finishes_what_is_in_hand_and_takes_nothing_new(
    tmp_path: Path, backend: str
) -> None:
    bench = Bench(tmp_path, backend)
    ids = [bench.ledger.receive("CLEAN") for _ in range(200)]

    bench.engine.start()
    bench.queue.offer_all(ids)
    bench.ledger.wait_for(lambda: len(bench.ledger.attempts) > 0)
    bench.engine.stop(finish_seconds=60)

    assert bench.ledger.attempts.keys() == bench.ledger.outcomes.keys()
    assert bench.left_behind == set()


def test_stopping_lets_go_of_what_does_not_end(tmp_path: Path, backend: str) -> None:
    bench = Bench(tmp_path, backend)
    instance = bench.ledger.receive("HANG")

    bench.engine.start()
    bench.queue.offer(instance)
    bench.ledger.wait_for(lambda: instance in bench.ledger.attempts)
    bench.engine.stop(finish_seconds=0)

    assert bench.ledger.outcomes == {}
    assert bench.left_behind == set()


@pytest.mark.parametrize("end", ["is killed", "ends without stopping it"])
def test_workers_end_with_the_process_that_started_them(
    end: str, tmp_path: Path, backend: str
) -> None:
    program = textwrap.dedent("""
        import pathlib, sys, time
        from tests.fakes.peer_engine import Bench
        if __name__ == "__main__":
            bench = Bench(pathlib.Path(sys.argv[1]), sys.argv[2])
            bench.engine.start()
            bench.queue.offer(bench.ledger.receive("HANG", "hang"))
            while not (pathlib.Path(sys.argv[1]) / "end").exists():
                time.sleep(0.01)
    """)
    script = tmp_path / "node.py"
    script.write_text(program)
    root = Path(__file__).parents[2]
    node = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path), backend],
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    try:
        mark = tmp_path / "hang.start1"
        while not (mark.exists() and mark.read_text()):
            assert node.poll() is None
            time.sleep(0.01)
        worker = int(mark.read_text())
        if end == "ends without stopping it":
            (tmp_path / "end").write_bytes(b"")
            node.wait()
    finally:
        node.kill()
        node.wait()

    # The test's own time limit is the assertion: a worker left behind would sleep an hour.
    while is_running(worker):
        time.sleep(0.01)
