"""The three pages of the HTTP port, without the HTTP."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from prometheus_client.exposition import choose_encoder

from deid_node.observe.health import Condition, Health
from deid_node.observe.metrics import Metrics

JSON_TYPE: Final = "application/json"
PLAIN_TYPE: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Page:
    """A whole answer."""

    status: HTTPStatus
    content_type: str
    body: bytes


class Pages:
    """Makes the answer to a path."""

    def __init__(self, metrics: Metrics, health: Health) -> None:
        self._metrics = metrics
        self._health = health

    def page(self, path: str, accept: str) -> Page:
        """Return the page at `path` in a form that the header `accept` allows."""
        match path:
            case "/metrics":
                encode, content_type = choose_encoder(accept)
                return Page(HTTPStatus.OK, content_type, encode(self._metrics.registry))
            case "/health/live":
                return _health_page("live", self._health.live())
            case "/health/ready":
                return _health_page("ready", self._health.ready())
            case _:
                return plain_page(HTTPStatus.NOT_FOUND)


def plain_page(status: HTTPStatus) -> Page:
    """Return a page that says its status and nothing of the request."""
    return Page(status, PLAIN_TYPE, f"{status.value} {status.phrase}\n".encode("ascii"))


def _health_page(question: str, condition: Condition) -> Page:
    answer = {question: condition.well, "parts": dict(condition.parts)}
    status = HTTPStatus.OK if condition.well else HTTPStatus.SERVICE_UNAVAILABLE
    return Page(status, JSON_TYPE, json.dumps(answer).encode("ascii"))
