"""What pages are made of: templates, and the files that lie beside them.

Templates are compiled when the desk is built: a page does not depend on what becomes of
the program's folder.
"""

from http import HTTPStatus
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, JSONResponse, Response

_STATIC: Final = MappingProxyType(
    {
        "desk.css": "text/css; charset=utf-8",
        "desk.js": "text/javascript; charset=utf-8",
        "devices.js": "text/javascript; charset=utf-8",
        "icon.svg": "image/svg+xml",
    }
)


class Rendering:
    """Renders templates, all of whose text is escaped; any thread may call."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PackageLoader("deid_node.review"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        for name in self._environment.list_templates():
            self._environment.get_template(name)
        folder = resources.files("deid_node.review") / "static"
        self._static = {name: (folder / name).read_bytes() for name in _STATIC}

    def page(
        self, template: str, *, status: HTTPStatus = HTTPStatus.OK, **values: Any
    ) -> HTMLResponse:
        """Return the page that `template` makes of `values`."""
        return HTMLResponse(self._environment.get_template(template).render(values), status)

    def failed(self, status: HTTPStatus, said: str) -> HTMLResponse:
        """Return a page that says why there is no page."""
        return self.page("failed.html", status=status, session=None, said=said)

    def file(self, name: str) -> Response:
        """Return a script, a style sheet or the icon; a page that fails for any other name."""
        if name not in self._static:
            return self.failed(HTTPStatus.NOT_FOUND, "There is no such page.")
        return Response(
            self._static[name], media_type=_STATIC[name], headers={"cache-control": "no-cache"}
        )


def refusal(status: HTTPStatus, code: str, said: str = "") -> JSONResponse:
    """Return what a script is told that was refused."""
    return JSONResponse({"code": code, "said": said}, status)
