"""``deid-node check --call``: whether the destinations answer."""

from pathlib import Path

import pytest

from deid_node.cli import main
from tests.fakes.peer_archive import keeping_archive
from tests.fakes.waiting import free_port
from tests.fakes.web_archive import WebArchive
from tests.wire.nodes import cstore, node_folder, stow


@pytest.mark.slow
def test_each_destination_is_called_and_what_it_says_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with keeping_archive() as dimse, WebArchive() as web:
        destinations = {
            "archive": cstore(dimse.port),
            "cloud": stow(web.url),
            "out": {"kind": "folder", "dir": "./out"},
            "away": stow(f"http://127.0.0.1:{free_port()}"),
        }
        folder = node_folder(tmp_path / "node", forward={"destinations": destinations})
        without = main(["check", "--config", str(folder.config)])
        assert "answer" not in capsys.readouterr().out
        status = main(["check", "--config", str(folder.config), "--call"])

    assert (without, status) == (0, 2)
    assert capsys.readouterr().out.splitlines()[-4:] == [
        "destination archive answers",
        "destination cloud answers",
        "destination out answers",
        "destination away does not answer: the connection failed (ConnectionRefusedError)",
    ]
    assert dimse.stored == []
    assert web.asked == []
