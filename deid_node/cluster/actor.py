"""What lives in an actor: the models, and the line to them. Ray only starts and watches it."""

import os
import threading
from collections.abc import Mapping
from typing import Any, Final

from deid_node.cluster.protections import tls_files, unprotected
from deid_node.errors import ConfigurationError
from deid_node.lines.channel import called_context
from deid_node.pixels.remote.hall import ModelHall, open_hall
from deid_node.pixels.remote.placement import Placement

WINDOW_SECONDS: Final = 0.005
"""How long an actor with several lines waits for others before it asks the network."""


class ModelActor:
    """One process of the cluster with models; its methods are called by the foreman alone."""

    def __init__(self) -> None:
        self._hall: ModelHall | None = None

    def open(self, told: Mapping[str, Any], host: str) -> Mapping[str, Any]:
        """Load the models of a `Placement` and listen on `host`; return the port, or a reason."""
        _say_nothing()
        lacking = unprotected(os.environ)
        if lacking is not None:
            return {"reason": lacking}
        try:
            placement = Placement.model_validate(told)
            # pydantic tells what was said in its errors: of a cluster, nothing is repeated.
        except ValueError:
            return {"reason": "the cluster runs another version of the node"}
        try:
            self._hall = open_hall(
                placement.models,
                context=called_context(tls_files(os.environ), ""),
                host=host,
                threads=max(1, int(placement.cpus)),
                window_seconds=WINDOW_SECONDS if placement.seats > 1 else 0.0,
                fault=_end,
            )
        except ConfigurationError as error:
            return {"reason": f"on the cluster: {error}"}
        return {"port": self._hall.port}

    def admit(self) -> tuple[str, str]:
        """Return tickets for one line; raise where `open` was not called."""
        if self._hall is None:
            raise RuntimeError("the models are not there yet")
        return self._hall.admit()

    def live(self) -> None:
        """Never return: who waits for it hears of the actor's end."""
        threading.Event().wait()


def _end() -> None:
    # A model that raised what it never should, or an accelerator that is lost.
    os._exit(1)


def _say_nothing() -> None:
    """Let nothing that a library prints reach the files in which Ray keeps it."""
    from deid_node.dicom.silence import silence_libraries
    from deid_node.observe.traces import leave_no_core

    leave_no_core()
    nothing = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)
    silence_libraries()
