"""Programs beside ours answer in our boxes; where one is missing, it is said."""

import importlib
import socket
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from deid_node.errors import InputError
from deid_node.pixeldata.arrays import DisplayFrame
from deid_node_lab.peers.base import Peer
from deid_node_lab.peers.build import build_peers
from deid_node_lab.peers.faster_paddle import FasterPaddle
from deid_node_lab.peers.rapidocr import RapidOcr
from deid_node_lab.peers.tesseract import Tesseract

MAKERS: Mapping[str, Callable[[], Peer]] = {
    "rapidocr": RapidOcr,
    "rapidocr, doubled": lambda: RapidOcr(scale=2),
    "faster-paddle": FasterPaddle,
    "tesseract": Tesseract,
}


@pytest.fixture(params=MAKERS)
def peer(request: pytest.FixtureRequest) -> Peer:
    try:
        return MAKERS[request.param]()
    except InputError as error:
        pytest.skip(str(error))


def written(*, colour: bool) -> DisplayFrame:
    picture = np.full((200, 400, 3), 20, np.uint8)
    cv2.putText(picture, "HOSPITAL 12345", (40, 100), 0, 1.0, (240, 240, 240), 2)
    return picture if colour else np.ascontiguousarray(picture[..., 0])


@pytest.mark.parametrize("colour", [False, True], ids=["grey", "colour"])
def test_a_peer_finds_and_reads_large_letters(peer: Peer, colour: bool) -> None:
    picture = written(colour=colour)
    before = picture.copy()

    boxes, texts = peer.boxes(picture), peer.texts(picture)

    assert np.array_equal(picture, before)
    assert boxes
    for box in boxes:
        assert box.right <= 400
        assert box.bottom <= 200
        assert 60 < (box.top + box.bottom) / 2 < 110
    assert "12345" in "".join(texts).replace(" ", "")


def test_a_peer_finds_nothing_on_an_empty_picture(peer: Peer) -> None:
    empty = np.zeros((120, 120), np.uint8)

    assert not peer.boxes(empty)
    assert not peer.texts(empty)


def test_missing_programs_are_left_out_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    def gone(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", gone)

    peers, missing = build_peers(threads=1)

    assert peers == ()
    assert len(missing) == 3
    assert all("make peers" in one for one in missing[:2])
    assert "tesseract" in missing[2]


def test_a_peer_asks_no_network_and_leaves_no_file(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Models that a package does not hold would be fetched when it first looks."""

    def refused(*_arguments: object) -> None:
        raise AssertionError("a peer opens a connection")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    peer.boxes(written(colour=True))
    peer.texts(written(colour=True))

    assert not list(tmp_path.rglob("*"))


def test_models_that_the_package_does_not_hold_are_not_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    empty = ModuleType("rapidocr")
    empty.__file__ = str(tmp_path / "__init__.py")
    import_module = importlib.import_module
    monkeypatch.setattr(
        importlib,
        "import_module",
        lambda name: empty if name == "rapidocr" else import_module(name),
    )

    with pytest.raises(InputError, match="does not hold"):
        RapidOcr()


def test_tesseract_is_given_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        program = Tesseract()
    except InputError as error:
        pytest.skip(str(error))
    calls: list[list[str]] = []
    run = subprocess.run

    def noted(command: list[str], **more: object) -> object:
        calls.append(command)
        return run(command, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", noted)

    program.texts(written(colour=False))

    assert calls[0][1:3] == ["-", "-"]
