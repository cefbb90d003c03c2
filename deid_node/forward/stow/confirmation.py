"""Looks whether an archive of the web has what it took: the part that storage commitment plays.

By a search for the instance in its series (QIDO-RS), or by its metadata (WADO-RS). An
archive may show what it has stored some time later, so what is not there yet is looked
for until its time is over, and only then sent again.

Source: PS3.18 10.6 (Search), 10.4 (Retrieve), 10.4.1.1.2 (metadata).
"""

import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from time import monotonic
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from deid_node.dicom.web.store_answer import DICOM_JSON
from deid_node.errors import DestinationUnavailable
from deid_node.forward.inquirer import Reply
from deid_node.forward.stow.archive import WebArchive
from deid_node.forward.stow.authorization import Authorizer
from deid_node.forward.stow.link import LinkLost, Request, Site, WebAnswer
from deid_node.forward.stow.links import WebLine, WebLinks
from deid_node.machine import takes_connections
from deid_node.values.commitment import Reference
from deid_node.values.confirmation import ConfirmationReport, Inquiry, Placed

_SOP_INSTANCE_UID: Final = "00080018"
_NOT_OFFERED: Final = frozenset({405, 406, 501})


class StoreAsker:
    """Looks for what was sent; an `Asker`.

    `hear` takes what was found. What is not found `limit_seconds` after it was first looked
    for is not there; the time begins anew with the process.
    """

    def __init__(
        self,
        site: Site,
        authorizer: Authorizer,
        hear: Callable[[ConfirmationReport], bool],
        *,
        by: Literal["off", "qido", "wado"],
        limit_seconds: float,
    ) -> None:
        self._site = site
        self._links = WebLinks(site, most=1, idle_seconds=0)
        self._archive = WebArchive(self._links, authorizer)
        self._hear = hear
        self._by = by
        self._limit_seconds = limit_seconds
        self._since: dict[int, float] = {}
        self._closing = False

    @property
    def longest_seconds(self) -> float:
        """How long a look takes to end once `close` was called."""
        return self._site.timeout_seconds

    def ask(
        self, inquiry: Inquiry, wanted: Sequence[Placed], *, taken: Callable[[], None]
    ) -> Reply:
        """Look for each of `wanted`, and hear what was found once that is all, or time is over."""
        since = self._since.setdefault(inquiry.id, monotonic())
        found: list[Reference] = []
        missing: list[Reference] = []
        try:
            with WebLine(self._links) as line:
                for one in wanted:
                    if self._closing:
                        return Reply.FAILED
                    answer = self._archive.ask(line, self._look(one))
                    if answer.status in _NOT_OFFERED:
                        return Reply.NOT_OFFERED
                    if not _speaks(answer):
                        return Reply.FAILED
                    there = _names(answer, one.reference.sop_instance_uid)
                    (found if there else missing).append(one.reference)
        except (DestinationUnavailable, LinkLost):
            return Reply.FAILED
        finally:
            self._links.release_idle()
        if missing and monotonic() - since < self._limit_seconds:
            return Reply.NOT_YET
        # Not `taken`: the answer is here, and no time limit begins.
        del taken
        self._hear(ConfirmationReport(inquiry.transaction_uid, tuple(found), tuple(missing)))
        del self._since[inquiry.id]
        return Reply.TAKEN

    def is_there(self) -> bool:
        """Return whether something takes a connection where the archive should be."""
        url = urlsplit(self._site.url)
        port = url.port or (443 if url.scheme == "https" else 80)
        return takes_connections(url.hostname or "", port, self._site.timeout_seconds)

    def close(self) -> None:
        """Break off."""
        self._closing = True
        self._links.close()

    def _look(self, one: Placed) -> Request:
        uid = one.reference.sop_instance_uid
        path = f"/studies/{one.study_instance_uid}/series/{one.series_instance_uid}/instances"
        path += f"/{uid}/metadata" if self._by == "wado" else f"?SOPInstanceUID={uid}"
        return Request("GET", path, {"Accept": DICOM_JSON})


def _speaks(answer: WebAnswer) -> bool:
    """Return whether it says that something is there or is not."""
    known = {HTTPStatus.OK, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
    return answer.status in known


def _names(answer: WebAnswer, uid: str) -> bool:
    """Return whether `answer` shows an instance of that UID."""
    if answer.status != HTTPStatus.OK:
        return False
    try:
        found: Any = json.loads(answer.content)
    except (ValueError, RecursionError):
        return False
    datasets = found if isinstance(found, list) else [found]
    return any(_uid_of(one) == uid for one in datasets)


def _uid_of(dataset: Any) -> str | None:
    element = dataset.get(_SOP_INSTANCE_UID) if isinstance(dataset, dict) else None
    values = element.get("Value") if isinstance(element, dict) else None
    if not isinstance(values, list) or not values or not isinstance(values[0], str):
        return None
    return values[0].rstrip("\0 ")
