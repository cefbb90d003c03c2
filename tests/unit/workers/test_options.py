from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pydantic import ValidationError

from deid_node.errors import ConfigurationError
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.work.build import build_engine
from deid_node.work.options import WorkOptions
from deid_node.work.queue import WorkQueue
from deid_node.work.workers.build import build_workforce, check_workforce
from deid_node.work.workers.options import LocalOptions
from deid_node.work.workers.process import available_cores
from tests.fakes.event_log import RecordingLog
from tests.fakes.peer_corridor import MemoryLedger, scripted_corridor

TLS = {"certificate_file": "a.crt", "key_file": "a.key", "ca_file": "ca.crt"}


def test_a_kind_that_is_not_said_is_the_local_one() -> None:
    assert WorkOptions.model_validate({"engine": {"processes": 3}}).engine == LocalOptions(
        processes=3
    )


def test_a_cluster_has_a_worker_for_each_place_at_an_actor() -> None:
    said = {"kind": "ray", "host": "foreman", "tls": TLS, "actors": 3, "workers_per_actor": 4}
    options = WorkOptions.model_validate({"engine": said}).engine

    assert build_workforce(options).limits.workers == 12
    assert build_workforce(options, at_most=5).limits.workers == 5


def test_certificates_that_are_not_there_are_told_before_the_start() -> None:
    said = {"kind": "ray", "host": "foreman", "tls": TLS}

    with pytest.raises(ConfigurationError) as caught:
        check_workforce(WorkOptions.model_validate({"engine": said}).engine)
    assert caught.value.path == "work.engine.tls.ca_file"


def test_the_default_is_one_process_a_core_and_ten_minutes() -> None:
    options = WorkOptions()

    assert options.engine.kind == "local"
    assert options.engine.processes == "auto"
    assert options.engine.time_limit_seconds == 600
    assert options.engine.memory_limit_bytes == options.engine.memory_growth_bytes == "auto"
    assert available_cores() >= 1


@pytest.mark.parametrize(
    "engine",
    [
        {"kind": "ray"},
        {"kind": "ray", "host": "foreman", "tls": TLS, "actors": 0},
        {"kind": "ray", "host": "foreman", "tls": TLS, "processes": 2},
        {"kind": "ray", "host": "foreman", "tls": None},
        {"kind": "kubernetes"},
        {"kind": "local", "processes": 0},
        {"kind": "local", "processes": "many"},
        {"kind": "local", "time_limit_seconds": 0},
        {"kind": "local", "memory_limit_bytes": 1_000_000},
        {"kind": "local", "memory_growth_bytes": "none"},
        {"kind": "local", "threads": 3},
    ],
)
def test_what_is_not_offered_is_refused(engine: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WorkOptions.model_validate({"engine": engine})


def test_an_engine_that_was_never_started_can_be_stopped(tmp_path: Any) -> None:
    log: EventLog = RecordingLog()
    engine = build_engine(
        WorkOptions().engine,
        queue=WorkQueue(),
        ledger=MemoryLedger(tmp_path),
        corridor_factory=scripted_corridor,
        log=log,
        metrics=Metrics(CollectorRegistry()),
    )

    engine.stop(finish_seconds=0)

    assert engine.ready_workers == 0


def test_no_more_workers_are_hired_than_there_is_work() -> None:
    options = LocalOptions(processes=4, memory_growth_bytes="auto")

    of_four = build_workforce(options).limits
    of_one = build_workforce(options, at_most=1).limits

    assert (of_four.workers, of_one.workers) == (4, 1)
    assert build_workforce(options, at_most=9).limits == of_four
    # Each has its equal share of the memory.
    assert of_one.memory_growth_bytes // of_four.memory_growth_bytes == 4
