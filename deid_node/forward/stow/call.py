"""Whether an archive of the web answers us: a search for a study that nobody has."""

from contextlib import closing
from http import HTTPStatus
from typing import Final
from uuid import uuid4

from deid_node.dicom.web.store_answer import DICOM_JSON
from deid_node.errors import DestinationUnavailable
from deid_node.forward.stow.archive import WebArchive
from deid_node.forward.stow.authorization import Authorizer
from deid_node.forward.stow.link import LinkLost, Request, Site
from deid_node.forward.stow.links import WebLine, WebLinks

# It need not offer a search to take instances, and says so by these.
_ANSWERS: Final = frozenset({200, 204, 404, 405, 406, 501})


def call(site: Site, authorizer: Authorizer) -> None:
    """Search for one study by a UID drawn at random; raise `DestinationUnavailable`.

    Not with a limit of 0: some archives take that for no limit at all.
    """
    path = f"/studies?StudyInstanceUID=2.25.{uuid4().int}&limit=1"
    with closing(WebLinks(site, most=1, idle_seconds=0)) as links, WebLine(links) as line:
        try:
            answer = WebArchive(links, authorizer).ask(
                line, Request("GET", path, {"Accept": DICOM_JSON})
            )
        except LinkLost:
            raise DestinationUnavailable("no whole answer came") from None
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise DestinationUnavailable(f"the destination does not let us in ({answer.status})")
    if answer.status not in _ANSWERS:
        raise DestinationUnavailable(f"the destination answered {answer.status}")
