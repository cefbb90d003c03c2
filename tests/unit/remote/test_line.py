"""A line to models: who is let in, what is lost when, and what comes too late."""

import ssl
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deid_node.errors import ConfigurationError, FillFailed
from deid_node.lines.channel import call, calling_context
from deid_node.lines.messages import LineLost, Message
from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixels.remote.finder import RemoteFinder
from deid_node.pixels.remote.hall import open_hall
from deid_node.pixels.remote.painter import RemotePainter
from deid_node.pixels.remote.wanted import WantedModels, wanted_models
from deid_node.pixels.remote.words import HELLO, Purpose
from deid_node.pixels.text.find.options import CrnnOptions
from deid_node.values.geometry import Box, Found
from tests.fakes.model_hall import hall, line_tls
from tests.fakes.partition import Partition

VIEW = np.arange(64 * 80, dtype=np.uint8).reshape(64, 80)


class Script:
    """A finder that answers as it is told to."""

    name = "script-00000000"

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.error: BaseException | None = None
        self.go = threading.Event()
        self.go.set()
        self.inside = threading.Event()
        self.found: tuple[Found, ...] = (Found(Box(1, 2, 30, 12), 1 / 3),)

    def find(self, frames: Sequence[DisplayFrame]) -> Sequence[tuple[Found, ...]]:
        self.calls.append(len(frames))
        self.inside.set()
        assert self.go.wait(60)
        if self.error is not None:
            raise self.error
        return [self.found for _ in frames]


@pytest.fixture
def script() -> Script:
    return Script()


def test_boxes_and_scores_come_back_as_they_were_found(script: Script, tmp_path: Path) -> None:
    with hall(tmp_path / "tls", script) as there:
        finder = RemoteFinder(script.name, there.line())

        assert finder.name == script.name
        assert finder.find([VIEW, VIEW]) == (script.found, script.found)


def test_many_small_views_go_in_more_than_one_question(script: Script, tmp_path: Path) -> None:
    with hall(tmp_path / "tls", script) as there:
        found = RemoteFinder("script", there.line()).find([VIEW[:32, :32]] * 2500)

    assert len(found) == 2500
    assert sum(script.calls) == 2500
    assert len(script.calls) == 3


def test_no_ticket_lets_two_connections_in(script: Script, tmp_path: Path) -> None:
    with hall(tmp_path / "tls", script) as there:
        place = there.place()
        there.line(place)

        with pytest.raises(LineLost):
            there.line(place)


@pytest.mark.parametrize("ticket", ["", "x" * 43, 7, None, "\N{SNOWMAN}"])
def test_without_a_ticket_nobody_is_let_in(ticket: object, script: Script, tmp_path: Path) -> None:
    with hall(tmp_path / "tls", script) as there:
        there.hall.admit()
        context = calling_context(there.tls, "tls")
        with call("127.0.0.1", there.hall.port, context, server_name=None, seconds=10) as channel:
            channel.send(Message(HELLO, {"ticket": ticket, "for": Purpose.QUESTIONS}), seconds=10)

            with pytest.raises(LineLost):
                channel.receive(seconds=10)


def test_a_certificate_of_another_authority_is_not_heard(script: Script, tmp_path: Path) -> None:
    strange = line_tls(tmp_path / "strange")
    with hall(tmp_path / "tls", script) as there:
        place = there.place()
        trusting = replace(place, tls=strange.model_copy(update={"ca_file": there.tls.ca_file}))

        with pytest.raises(LineLost):
            there.line(trusting)
        with pytest.raises(LineLost):
            there.line(replace(place, tls=strange))


def test_nothing_older_than_tls_1_3_is_spoken(script: Script, tmp_path: Path) -> None:
    with hall(tmp_path / "tls", script) as there:
        context = calling_context(there.tls, "tls")
        with call("127.0.0.1", there.hall.port, context, server_name=None, seconds=10) as channel:
            assert channel._connection.version() == "TLSv1.3"
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        old.load_verify_locations(there.tls.ca_file)
        old.load_cert_chain(there.tls.certificate_file, there.tls.key_file)
        with pytest.raises(LineLost):
            call("127.0.0.1", there.hall.port, old, server_name=None, seconds=10)


def test_the_name_in_the_certificate_may_be_one_for_all_machines(
    script: Script, tmp_path: Path
) -> None:
    with hall(tmp_path / "tls", script) as there:
        place = there.place()
        other = there.tls.model_copy(update={"server_name": "models.example"})

        with pytest.raises(LineLost):
            there.line(replace(place, tls=other))


def test_a_line_that_breaks_is_told_of_while_nothing_is_asked(
    script: Script, tmp_path: Path
) -> None:
    with (
        hall(tmp_path / "tls", script) as there,
        Partition(there.hall.port) as link,
    ):
        there.line(there.place(port=link.port))
        assert not there.lost.is_set()
        link.cut()

        assert there.lost.wait(60)


def test_silence_is_a_loss_and_what_comes_after_it_reaches_nobody(
    script: Script, tmp_path: Path
) -> None:
    with hall(tmp_path / "tls", script) as there:
        script.go.clear()
        finder = RemoteFinder("script", there.line(replace(there.place(), answer_seconds=1)))
        with pytest.raises(LineLost):
            finder.find([VIEW])
        assert there.lost.is_set()

        script.go.set()
        script.found = ()
        again = RemoteFinder("script", there.line())

        assert again.find([VIEW, VIEW]) == ((), ())


def test_a_network_that_swallows_everything_is_told_of(script: Script, tmp_path: Path) -> None:
    with (
        hall(tmp_path / "tls", script) as there,
        Partition(there.hall.port) as link,
    ):
        there.line(there.place(port=link.port, seconds=2))
        link.swallow()

        assert there.lost.wait(60)


def test_questions_of_several_lines_share_a_call(script: Script, tmp_path: Path) -> None:
    with hall(tmp_path / "tls", script, window_seconds=0.2) as there:
        finders = [RemoteFinder("script", there.line()) for _ in range(4)]
        script.go.clear()
        asking = [threading.Thread(target=lambda one=one: one.find([VIEW])) for one in finders]
        for thread in asking:
            thread.start()
        script.go.set()
        for thread in asking:
            thread.join()

    assert sum(script.calls) == 4
    assert len(script.calls) < 4


@pytest.mark.parametrize("told", [MemoryError(), RuntimeError("Mueller")], ids=repr)
def test_want_of_memory_is_an_answer_and_any_other_error_the_end(
    told: BaseException, script: Script, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with hall(tmp_path / "tls", script) as there:
        finder = RemoteFinder("script", there.line())
        script.error = told
        wanted = MemoryError if isinstance(told, MemoryError) else LineLost

        with pytest.raises(wanted):
            finder.find([VIEW])

        assert there.fault.is_set() == (wanted is LineLost)


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [[], []],
        [[[0, 0, 81, 10, 0.5]]],
        [[[0, 0, 10, 65, 0.5]]],
        [[[5, 0, 5, 10, 0.5]]],
        [[[0, 0, 10, 10, 1.5]]],
        [[[0, 0, 10, 10.5, 0.5]]],
        [[[0, 0, 10, 10]]],
        [[[0, 9, 10, 20, 0.5], [0, 3, 10, 8, 0.5]]],
        None,
    ],
)
def test_boxes_that_no_finder_could_find_lose_the_line(frames: object) -> None:
    class Nonsense:
        given_up = False

        def ask(self, _: Message) -> Message:
            return Message("found", {"frames": frames})

        def give_up(self) -> None:
            self.given_up = True

    line = Nonsense()

    with pytest.raises(LineLost):
        RemoteFinder("script", line).find([VIEW])  # type: ignore[arg-type]
    assert line.given_up


def test_a_model_that_cannot_run_says_so(tmp_path: Path, script: Script) -> None:
    from tests.unit.fill.test_painter import square

    class Starved:
        name = "sd-00000000"
        guess = staticmethod(lambda shown, _mask: shown)

        def paint(self, squares: Sequence[object]) -> list[np.ndarray]:
            raise FillFailed

    with hall(tmp_path / "tls", script, Starved()) as there:
        painter = RemotePainter(Starved(), there.line())

        assert painter.name == "sd-00000000"
        with pytest.raises(FillFailed):
            painter.paint([square()])


def test_a_cluster_with_other_weights_or_another_version_is_refused(tmp_path: Path) -> None:
    wanted = wanted_models(CrnnOptions(), None)
    other = wanted.model_copy(update={"weights": {"finder": "0" * 64}})

    WantedModels.model_validate(wanted.told()).require_same()
    with pytest.raises(ConfigurationError, match="other weights than the node: finder"):
        open_hall(
            other,
            context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
            host="127.0.0.1",
            threads=1,
            window_seconds=0,
            fault=lambda: None,
        )
    with pytest.raises(ConfigurationError, match="another version"):
        wanted.model_copy(update={"version": "0.0.0"}).require_same()


def test_what_travels_is_views_and_nothing_else(script: Script, tmp_path: Path) -> None:
    """The promise of `docs/cluster.md`: a view is an array of bytes, beside words of ours."""
    heard: list[Message] = []
    with hall(tmp_path / "tls", script) as there:
        line = there.line()
        ask = line.ask

        def recording(question: Message) -> Message:
            heard.append(question)
            return ask(question)

        line.ask = recording  # type: ignore[method-assign]
        RemoteFinder("script", line).find([VIEW])

    assert [(one.kind, dict(one.body), len(one.arrays)) for one in heard] == [("find", {}, 1)]
