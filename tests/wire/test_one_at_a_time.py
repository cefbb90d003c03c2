"""DCMTK's storescp as it comes: one association at a time, and others wait without an answer."""

import random
from pathlib import Path
from time import monotonic

import pytest
from prometheus_client import CollectorRegistry

from deid_node.forward.build import build_destination
from deid_node.forward.options import CStoreOptions
from deid_node.forward.sender import Sender
from deid_node.observe.events import Event
from deid_node.observe.labels import ConfiguredNames
from deid_node.observe.metrics import Metrics
from deid_node.spool.custody import Custody
from deid_node.spool.deliveries import Deliveries
from deid_node.spool.options import SpoolOptions
from deid_node.values.retry import RetryPolicy
from tests.builders.custody import delivery_states, sealed
from tests.fakes.dcmtk import run, storescp
from tests.fakes.event_log import RecordingLog
from tests.fakes.waiting import eventually, free_port

pytestmark = [pytest.mark.slow, pytest.mark.peer("storescp", "echoscu")]

COUNT = 120
TIMEOUT_SECONDS = 30


def test_an_archive_that_serves_one_at_a_time_is_not_starved(tmp_path: Path) -> None:
    """All is there before the second request would even have been given up."""
    custody = Custody(SpoolOptions(dir=tmp_path / "spool", reserve_bytes=0), exclusive=True)
    custody.open()
    for number in range(1, COUNT + 1):
        sealed(custody, tmp_path, number=number)
    log, port = RecordingLog(), free_port()
    metrics = Metrics(CollectorRegistry(), ConfiguredNames(destinations=("archive",)))

    with storescp(tmp_path / "archive", port, one_at_a_time=True):
        sender = Sender(
            build_destination(
                "archive",
                CStoreOptions(
                    kind="cstore",
                    ae_title="RESEARCH",
                    host="127.0.0.1",
                    port=port,
                    max_associations=2,
                    timeout_seconds=TIMEOUT_SECONDS,
                ),
            ),
            Deliveries(custody),
            RetryPolicy(1, 2, 300),
            log=log,
            metrics=metrics,
            draw=random.Random(1),
        )
        began = monotonic()
        sender.start()
        eventually(
            lambda: set(delivery_states(custody, "archive").values()) == {"delivered"},
            what="all are delivered",
            patience_seconds=TIMEOUT_SECONDS,
        )
        seconds = monotonic() - began
        # Ours is not kept open: whoever calls next is answered.
        echo = run("echoscu", "-ta", "10", "-aec", "RESEARCH", "127.0.0.1", str(port))
        allowed = metrics.registry.get_sample_value(
            "deid_node_destination_associations", {"destination": "archive", "state": "allowed"}
        )
        sender.stop(finish_seconds=5)
    custody.close()

    assert seconds < TIMEOUT_SECONDS
    assert echo.returncode == 0, echo.stderr
    assert [line["count"] for line in log.lines_of(Event.DESTINATION_LIMITED)] == [1]
    assert log.lines_of(Event.DESTINATION_UNREACHABLE) == []
    assert allowed == 1
    assert len(list((tmp_path / "archive").iterdir())) == COUNT
