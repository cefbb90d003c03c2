"""Whether a destination answers, asked without sending it anything."""

from pathlib import Path

import pytest

from deid_node.errors import DestinationUnavailable
from deid_node.forward.build import call_destination
from deid_node.forward.options import CStoreOptions, FolderOptions
from tests.fakes.peer_archive import ScriptedArchive, keeping_archive
from tests.fakes.stow_sending import stow
from tests.fakes.waiting import free_port
from tests.fakes.web_archive import Reply, WebArchive


def cstore(port: int) -> CStoreOptions:
    return CStoreOptions(kind="cstore", ae_title="ARCHIVE", host="127.0.0.1", port=port)


def test_destinations_of_each_kind_answer(tmp_path: Path) -> None:
    with keeping_archive() as dimse, WebArchive() as web:
        call_destination("archive", cstore(dimse.port))
        call_destination("cloud", stow(web.url))
        call_destination("out", FolderOptions(kind="folder", dir=tmp_path))

    assert dimse.stored == []
    assert web.asked == []
    (look,) = web.looks
    # All of an archive is what some of them answer where 0 is asked for.
    assert look.endswith("&limit=1")


def test_one_that_nobody_serves_does_not() -> None:
    port = free_port()

    for options in (cstore(port), stow(f"http://127.0.0.1:{port}")):
        with pytest.raises(DestinationUnavailable, match="connection failed"):
            call_destination("archive", options)


def test_one_that_rejects_us_says_why() -> None:
    with (
        ScriptedArchive(lambda peer: peer.reject()) as archive,
        pytest.raises(DestinationUnavailable, match="the association was rejected"),
    ):
        call_destination("archive", cstore(archive.port))


@pytest.mark.parametrize("status", [200, 204, 404, 405, 406, 501])
def test_an_archive_of_the_web_that_finds_or_searches_nothing_answers(status: int) -> None:
    with WebArchive() as archive:
        archive.on_look = lambda _path, _query: Reply(status)
        call_destination("cloud", stow(archive.url))

        assert len(archive.looks) == 1


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "does not let us in"),
        (403, "does not let us in"),
        (302, "answered 302"),
        (400, "answered 400"),
        (503, "answered 503"),
    ],
)
def test_an_archive_of_the_web_that_is_not_well_does_not(status: int, told: str) -> None:
    with WebArchive() as archive:
        archive.on_look = lambda _path, _query: Reply(status)
        with pytest.raises(DestinationUnavailable, match=told):
            call_destination("cloud", stow(archive.url))
