"""The thread of the node that waits for those who ask for another configuration."""

from pathlib import Path
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from deid_node.config.schema import Config
from deid_node.observe.metrics import Metrics
from deid_node.reload import reloader as reloader_module
from deid_node.reload.reloader import Reloader
from deid_node.reload.renewal import InForce, Renewal
from deid_node.spool.custody import Custody
from deid_node.spool.options import SpoolOptions
from deid_node.spool.reload_note import ReloadNotes
from tests.fakes.event_log import RecordingLog


@pytest.mark.timeout(60)
def test_a_node_that_stops_does_not_wait_for_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reloader_module, "_LOOK_SECONDS", 3600.0)
    custody = Custody(SpoolOptions(dir=tmp_path / "spool", reserve_bytes=0), exclusive=True)
    custody.open()
    # Nothing is taken over: neither parts nor a builder are asked for anything.
    nothing = cast("Any", None)
    reloader = Reloader(
        Renewal(InForce(Config()), nothing, nothing),
        Config,
        ReloadNotes(custody),
        metrics=Metrics(CollectorRegistry()),
        log=RecordingLog(),
    )

    reloader.start()
    reloader.stop()

    note = ReloadNotes(custody).last()
    custody.close()
    assert note is not None
    assert (note.number, note.result) == (1, "started")
