"""An archive of the web as it is asked: over lent connections, and with what it is shown."""

from http import HTTPStatus

from deid_node.forward.stow.authorization import Authorizer
from deid_node.forward.stow.link import Request, WebAnswer
from deid_node.forward.stow.links import WebLine, WebLinks


class WebArchive:
    """Whom to ask, over which connections, and as whom."""

    def __init__(self, links: WebLinks, authorizer: Authorizer) -> None:
        self.links = links
        self._authorizer = authorizer

    def ask(self, line: WebLine, request: Request) -> WebAnswer:
        """Return the answer to `request`; what is shown is renewed once where it is refused.

        Raises as `WebLink.ask`.
        """
        shown = self._authorizer.header()
        answer = line.ask(_showing(request, shown))
        if answer.status == HTTPStatus.UNAUTHORIZED and self._authorizer.renew(shown):
            answer = line.ask(_showing(request, self._authorizer.header()))
        return answer


def _showing(request: Request, shown: str | None) -> Request:
    if shown is None:
        return request
    headers = {**request.headers, "Authorization": shown}
    return Request(request.method, request.path, headers, request.body)
