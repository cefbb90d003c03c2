"""The HTTP port, over a real socket on loopback."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse_plain

from deid_node.errors import ConfigurationError
from deid_node.observe.events import Event
from deid_node.observe.exporter import Exporter
from deid_node.observe.health import Health, Lifecycle, PartCheck
from deid_node.observe.metrics import Metrics
from tests.fakes.event_log import RecordingLog


class Node:
    """An exporter with the parts it asks."""

    def __init__(self) -> None:
        self.log = RecordingLog()
        self.metrics = Metrics(CollectorRegistry())
        self.trouble: str | None = None
        self.fault: Exception | None = None
        self.health = Health([PartCheck("spool", self._ask)])
        self.exporter = Exporter("127.0.0.1", 0, self.metrics, self.health, log=self.log)

    def _ask(self) -> str | None:
        if self.fault is not None:
            raise self.fault
        return self.trouble

    def ask(
        self, path: str, *, method: str = "GET", accept: str = ""
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.exporter.port, timeout=10)
        try:
            connection.request(method, path, headers={"Accept": accept})
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def send(self, request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.exporter.port), timeout=10) as peer:
            peer.sendall(request)
            # The server may have answered and closed already: then there is nothing to shut.
            with suppress(OSError):
                peer.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: peer.recv(65536), b""))


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    node.exporter.start()
    node.health.enter(Lifecycle.RUNNING)
    yield node
    node.exporter.stop()


def test_metrics_are_served_as_plain_text(node: Node) -> None:
    node.metrics.instance_received("any", 7)

    response, body = node.ask("/metrics")

    families = {family.name: family for family in parse_plain(body.decode())}
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/plain")
    assert families["deid_node_received_bytes"].samples[0].value == 7


def test_metrics_are_served_as_openmetrics_to_who_asks_for_it(node: Node) -> None:
    response, body = node.ask("/metrics", accept="application/openmetrics-text; version=1.0.0")

    assert response.headers["Content-Type"].startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
    families = parse_open(body.decode())  # type: ignore[no-untyped-call]
    assert "deid_node_received_bytes" in {family.name for family in families}


def test_a_query_string_changes_nothing(node: Node) -> None:
    response, _ = node.ask("/metrics?x=1")

    assert response.status == 200


def test_a_ready_node_says_so(node: Node) -> None:
    response, body = node.ask("/health/ready")

    assert response.status == 200
    assert json.loads(body) == {"ready": True, "parts": {"node": "ok", "spool": "ok"}}


def test_a_node_in_trouble_answers_503_and_names_the_part_by_code(node: Node) -> None:
    node.trouble = "spool_full"

    response, body = node.ask("/health/ready")

    assert response.status == 503
    assert json.loads(body) == {"ready": False, "parts": {"node": "ok", "spool": "spool_full"}}


def test_a_node_in_passing_trouble_is_still_live(node: Node) -> None:
    node.trouble = "spool_full"

    response, body = node.ask("/health/live")

    assert (response.status, json.loads(body)["live"]) == (200, True)


@pytest.mark.parametrize("path", ["/", "/metrics/", "/health", "/../etc/passwd", "/CANARY"])
def test_an_unknown_path_is_404_and_not_repeated(node: Node, path: str) -> None:
    response, body = node.ask(path)

    assert (response.status, body) == (404, b"404 Not Found\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CANARY"])
def test_another_method_is_405(node: Node, method: str) -> None:
    response, body = node.ask("/metrics", method=method)

    assert (response.status, body) == (405, b"405 Method Not Allowed\n")
    assert response.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    ("path", "status"), [("/metrics", 200), ("/health/ready", 200), ("/nope", 404)]
)
def test_head_answers_without_a_body(node: Node, path: str, status: int) -> None:
    response, body = node.ask(path, method="HEAD")

    assert (response.status, body) == (status, b"")
    assert int(response.headers["Content-Length"]) > 0


def test_one_connection_carries_several_requests(node: Node) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", node.exporter.port, timeout=10)
    for _ in range(3):
        connection.request("GET", "/health/live")
        assert connection.getresponse().read() == b'{"live": true, "parts": {}}'
    connection.close()


def test_a_caller_that_says_nothing_holds_up_nobody(node: Node) -> None:
    with socket.create_connection(("127.0.0.1", node.exporter.port), timeout=10):
        assert node.ask("/health/live")[0].status == 200


def test_a_connection_left_open_does_not_keep_the_exporter_from_stopping() -> None:
    node = Node()
    node.exporter.start()
    connection = http.client.HTTPConnection("127.0.0.1", node.exporter.port, timeout=10)
    connection.request("GET", "/health/live")
    connection.getresponse().read()

    node.exporter.stop()

    connection.close()
    assert "observe-http" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"CANARY^JANE\r\n\r\n",
        b"GET /CANARY^JANE HTTP/9.9\r\n\r\n",
        b"GET CANARY^JANE NONSENSE\r\n\r\n",
        b"CANARY^JANE /metrics HTTP/1.1\r\n\r\n",
        b"GET /" + b"CANARY" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nX: " + b"CANARY" * 20_000 + b"\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nAccept: \xff\xfeCANARY\r\n\r\n",
        b"\x01\x00\x00\x00\x00\xcd" + b"CANARY" * 34,
        b"",
    ],
    ids=["word", "version", "no-http", "method", "long", "header", "bytes", "dicom", "nothing"],
)
def test_no_request_is_repeated_in_answer_log_or_console(
    node: Node, request_bytes: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = node.send(request_bytes)

    captured = capfd.readouterr()
    assert b"CANARY" not in answer
    assert "CANARY" not in node.log.text
    assert captured.out + captured.err == ""
    assert node.ask("/health/live")[0].status == 200


def test_the_server_does_not_name_its_python(node: Node) -> None:
    response, _ = node.ask("/metrics")

    assert response.headers["Server"] == "deid-node"


def test_a_fault_of_ours_ends_one_request_and_is_told_by_its_type(node: Node) -> None:
    node.fault = KeyError("CANARY^JANE")

    answer = node.send(b"GET /health/ready HTTP/1.1\r\n\r\n")

    assert b"CANARY" not in answer
    assert [line["error"] for line in node.log.lines_of(Event.SCRAPE_FAILED)] == ["KeyError"]
    assert node.ask("/health/live")[0].status == 200


def test_a_port_in_use_refuses_to_start_and_names_the_setting(node: Node) -> None:
    second = Exporter("127.0.0.1", node.exporter.port, node.metrics, node.health, log=node.log)

    with pytest.raises(ConfigurationError) as caught:
        second.start()

    assert caught.value.path == "observe.http.port"


def test_an_address_that_is_not_ours_refuses_to_start_and_names_the_setting() -> None:
    node = Node()
    foreign = Exporter("192.0.2.1", 0, node.metrics, node.health, log=node.log)

    with pytest.raises(ConfigurationError) as caught:
        foreign.start()

    assert caught.value.path == "observe.http.host"
    assert "192.0.2.1" not in str(caught.value)


def test_a_stopped_exporter_no_longer_listens_and_may_be_stopped_again() -> None:
    node = Node()
    node.exporter.start()
    port = node.exporter.port

    node.exporter.stop()
    node.exporter.stop()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    assert node.exporter.port == 0


def test_ipv6_loopback_works_where_the_machine_has_it() -> None:
    node = Node()
    exporter = Exporter("::1", 0, node.metrics, node.health, log=node.log)
    try:
        exporter.start()
    except ConfigurationError:
        pytest.skip("no IPv6 loopback here")
    exporter.stop()
