"""Configurations that take over while DCMTK sends: nothing is lost, and nothing is doubled."""

import json
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from deid_node.config.load import load
from deid_node.demo.samples import give_uid, shipped
from deid_node.demo.server import RunningNode
from deid_node.spool.custody import Custody
from deid_node.values.state import InstanceState
from tests.fakes import dcmtk
from tests.fakes.waiting import eventually
from tests.wire.nodes import NodeFolder, node_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("reload"),
    pytest.mark.peer("storescu", "echoscu"),
]


def changed(folder: NodeFolder, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(folder.config.read_text())
    change(content)
    folder.config.write_text(json.dumps(content))


def reloaded(folder: NodeFolder, change: Callable[[dict[str, Any]], None]) -> None:
    changed(folder, change)
    done = folder.command("reload", "--config", folder.config)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("in force: configuration ")


def small_files(folder: Path, count: int) -> Sequence[Path]:
    folder.mkdir()
    paths = []
    for number in range(count):
        dataset = dcmread(shipped("CT_small.dcm"))
        give_uid(dataset, generate_uid(prefix=None, entropy_srcs=[str(folder), str(number)]))
        paths.append(folder / f"{number:03}.dcm")
        dataset.save_as(paths[-1], enforce_file_format=True)
    return paths


def echo(node: RunningNode, calling: str = "CT1") -> bool:
    return (
        dcmtk.run(
            "echoscu", "-aet", calling, "-aec", "DEIDNODE", "127.0.0.1", str(node.port)
        ).returncode
        == 0
    )


def rows(folder: NodeFolder) -> list[dict[str, Any]]:
    custody = Custody(load(folder.config).spool, exclusive=False)
    custody.open()
    with closing(custody):
        return [dict(row) for row in custody.read("SELECT * FROM instances ORDER BY sequence")]


@pytest.fixture
def folder(root: Path) -> NodeFolder:
    return node_folder(root)


@pytest.fixture
def node(folder: NodeFolder) -> Iterator[RunningNode]:
    with folder.running() as node:
        yield node
        assert node.stop() == 0


def test_nothing_is_lost_or_doubled_when_configurations_take_over_under_load(
    folder: NodeFolder, node: RunningNode, tmp_path: Path
) -> None:
    """Associations stand over every reload: one sends all the time, another waits in between."""
    files = small_files(tmp_path / "files", 120)
    sent: list[int] = []

    def send(part: Sequence[Path]) -> None:
        done = dcmtk.run(
            "storescu", "-aet", "CT1", "-aec", "DEIDNODE", "127.0.0.1", str(node.port), *part
        )
        sent.append(done.returncode)

    senders = [threading.Thread(target=send, args=(files[start::4],)) for start in range(4)]
    for sender in senders:
        sender.start()
    eventually(lambda: folder.events("instance_received"), what="instances come")

    def other_rule(content: dict[str, Any]) -> None:
        content["route"]["rules"][0]["name"] = "renamed"

    def other_place(content: dict[str, Any]) -> None:
        content["forward"]["destinations"]["archive"]["dir"] = "./elsewhere"

    def more_workers(content: dict[str, Any]) -> None:
        content["work"]["engine"]["processes"] = 2

    for change in (other_rule, other_place, more_workers):
        reloaded(folder, change)
    for sender in senders:
        sender.join()
    journeys = folder.wait_until_ended(len(files))

    assert sent == [0, 0, 0, 0]
    assert [one.state for one in journeys] == [InstanceState.DELIVERED] * len(files)
    assert len({one.sop_instance_uid for one in journeys}) == len(files)
    delivered = [
        path.name
        for name in ("archive", "elsewhere")
        for path in (folder.root / name).rglob("*.dcm")
    ]
    assert len(delivered) == len(set(delivered)) == len(files)
    assert not folder.events("association_aborted")
    # Each was cleaned once, under one configuration, and the journal says under which.
    cleaned = folder.events("instance_cleaned")
    assert max(Counter(one["instance"] for one in cleaned).values()) == 1
    known = {one["configuration"] for one in folder.events("configuration_reloaded")}
    told = {row["id"]: json.loads(row["report"])["configuration"] for row in rows(folder)}
    assert len(known) == 3
    assert {one["instance"]: one["configuration"] for one in cleaned} == told
    assert len(set(told.values()) - known) <= 1


def test_nothing_is_begun_under_the_old_configuration_once_the_new_one_is_in_force(
    folder: NodeFolder, node: RunningNode, tmp_path: Path
) -> None:
    def withhold(content: dict[str, Any]) -> None:
        content["route"]["rules"][0]["then"] = {"kind": "withhold"}

    reloaded(folder, withhold)
    (file,) = small_files(tmp_path / "files", 1)
    dcmtk.run("storescu", "-aec", "DEIDNODE", "127.0.0.1", str(node.port), file)

    (journey,) = folder.wait_until_ended(1)
    assert (journey.state, journey.code) == (InstanceState.WITHHELD, "rule_withholds")


def test_an_association_that_stands_outlives_a_change_of_its_terms(
    folder: NodeFolder, node: RunningNode
) -> None:
    """DCMTK sends one instance, waits while the peers change, and sends the next."""
    from pynetdicom import AE
    from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

    caller = AE("CT1")
    caller.add_requested_context(Verification)
    association = caller.associate("127.0.0.1", node.port, ae_title="DEIDNODE")

    def only_another(content: dict[str, Any]) -> None:
        content["receive"]["peers"] = [{"name": "mr", "ae_title": "MR"}]

    reloaded(folder, only_another)

    assert association.send_c_echo().Status == 0x0000
    association.release()
    assert not echo(node, "CT1")
    assert echo(node, "MR")
    assert 'instances_received_total{door="dimse",peer="mr"} 0.0' in node.metrics().decode()


def test_a_refused_configuration_changes_nothing_and_says_why(
    folder: NodeFolder, node: RunningNode
) -> None:
    before = folder.config.read_text()

    def other_port(content: dict[str, Any]) -> None:
        content["receive"]["port"] = 11999
        content["observe"]["log_level"] = "debug"

    changed(folder, other_port)
    done = folder.command("reload", "--config", folder.config)

    assert done.returncode == 2
    assert done.stderr == (
        "refused, nothing has changed: receive.port: changes with a restart of the node only"
        " (and so do observe.log_level)\n"
    )
    (told,) = folder.events("configuration_refused")
    assert told["code"] == "configuration"
    assert "receive.port" in told["reason"]
    assert 'deid_node_reloads_total{result="refused"} 1.0' in node.metrics().decode()
    assert echo(node)
    folder.config.write_text(before)


def test_nonsense_is_found_before_the_node_is_asked(folder: NodeFolder, node: RunningNode) -> None:
    def no_such_destination(content: dict[str, Any]) -> None:
        content["route"]["rules"][0]["then"]["destinations"] = ["gone"]

    changed(folder, no_such_destination)
    done = folder.command("reload", "--config", folder.config)
    node.process.send_signal(signal.SIGHUP)

    assert done.returncode == 2
    assert "route.rules[0].then.destinations[0]" in done.stderr
    (told,) = eventually(lambda: folder.events("configuration_refused"), what="the node refuses")
    assert "route.rules[0].then.destinations[0]" in told["reason"]
    assert echo(node)


def test_another_site_key_is_not_taken_in_passing(folder: NodeFolder, node: RunningNode) -> None:
    (folder.root / "pseudonym.key").write_bytes(bytes(range(32)))

    done = folder.command("reload", "--config", folder.config)

    assert done.returncode == 2
    assert "metadata.pseudonym_key_file: the spool was used with the key" in done.stderr


def test_a_node_that_is_stopped_while_it_prepares_ends_in_order(
    folder: NodeFolder, node: RunningNode
) -> None:
    node.process.send_signal(signal.SIGHUP)

    assert node.stop() == 0


def test_nobody_is_asked_where_no_node_runs(folder: NodeFolder) -> None:
    with folder.running() as node:
        assert node.stop() == 0

    done = folder.command("reload", "--config", folder.config)

    assert done.returncode == 2
    assert done.stderr == "deid-node: no node runs on the spool of this configuration\n"


def test_a_terminal_that_is_closed_ends_the_node_as_ever(folder: NodeFolder) -> None:
    import os
    import sys

    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "deid_node", "serve", "--config", str(folder.config)]
    with folder.log.open("wb") as out:
        process = subprocess.Popen(
            command, stdin=theirs, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    os.close(theirs)
    eventually(lambda: folder.events("node_ready"), what="the node is ready")

    os.close(ours)
    process.send_signal(signal.SIGHUP)

    assert process.wait(90) == 0
