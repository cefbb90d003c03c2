from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pydantic import ValidationError

from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.work.engines.build import build_engine
from deid_node.work.engines.local import LocalEngine, available_cores
from deid_node.work.options import WorkOptions
from deid_node.work.queue import WorkQueue
from tests.fakes.event_log import RecordingLog
from tests.fakes.peer_corridor import MemoryLedger, scripted_corridor


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

    assert isinstance(engine, LocalEngine)
    assert engine.ready_workers == 0
