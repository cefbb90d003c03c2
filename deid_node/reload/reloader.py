"""Reads the configuration anew when it is asked to, and says what became of it.

A refusal changes nothing: the node goes on under what it had, and the reason stands in the
log, in the metrics and in the journal, where the command that asked finds it.
"""

import threading
from collections.abc import Callable
from typing import Final

from deid_node.config.fingerprint import fingerprint_of
from deid_node.config.schema import Config
from deid_node.errors import ConfigurationError, CustodyError, DeidNodeError
from deid_node.observe.events import Event
from deid_node.observe.labels import ReloadResult
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.reload.renewal import Renewal
from deid_node.spool.reload_note import ReloadNotes

_LOOK_SECONDS: Final = 1.0


class Reloader:
    """A part of the node, with a thread of its own; `read` reads the configuration.

    The node is asked by anybody, as often as they like: what comes while one configuration
    takes over is done once after it.
    """

    def __init__(
        self,
        renewal: Renewal,
        read: Callable[[], Config],
        notes: ReloadNotes,
        *,
        metrics: Metrics,
        log: EventLog,
    ) -> None:
        self._renewal = renewal
        self._read = read
        self._notes = notes
        self._metrics = metrics
        self._log = log
        self._asked = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reloader", daemon=True)

    def ask(self) -> None:
        """Have the configuration read anew; returns at once. A signal handler may call it."""
        self._asked.set()

    def start(self) -> None:
        """Begin to listen to those who ask; raises `CustodyError`."""
        self._notes.write("started", fingerprint_of(self._renewal.in_force.config))
        self._thread.start()

    def stop(self) -> None:
        """End; a configuration that has not taken over yet does not any more."""
        self._stopping.set()
        # It waits for those who ask: nobody waits for its next look.
        self._asked.set()
        self._renewal.give_up()
        if self._thread.is_alive():
            self._thread.join()

    def reload(self) -> bool:
        """Read the configuration and let it take over; return whether it has."""
        try:
            config = self._read()
            self._renewal.take_over(config)
        except (ConfigurationError, CustodyError) as error:
            self._refuse(error.code, str(error))
            return False
        # A fault of ours must not end the node: the old configuration may still be in force.
        except Exception as error:  # noqa: BLE001
            self._refuse("unexpected", f"a fault of the node: {type(error).__name__}")
            return False
        name = fingerprint_of(config)
        self._metrics.reloaded(ReloadResult.ACCEPTED)
        self._log.info(Event.CONFIGURATION_RELOADED, configuration=name)
        self._note("accepted", name)
        return True

    def _refuse(self, code: str, reason: str) -> None:
        self._metrics.reloaded(ReloadResult.REFUSED)
        self._log.error(Event.CONFIGURATION_REFUSED, code=code, reason=reason)
        self._note("refused", fingerprint_of(self._renewal.in_force.config), reason=reason)

    def _note(self, result: str, configuration: str, *, reason: str | None = None) -> None:
        try:
            self._notes.write(result, configuration, reason=reason)
        except DeidNodeError as error:
            self._log.error(Event.SPOOL_FAILED, code=error.code, reason=str(error))

    def _run(self) -> None:
        while not self._stopping.is_set():
            # With a limit: a signal handler sets it in the middle of anything.
            if self._asked.wait(_LOOK_SECONDS) and not self._stopping.is_set():
                self._asked.clear()
                self.reload()
