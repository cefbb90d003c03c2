"""Brings what is due to one destination, and records every answer.

The journal is the truth: a sender holds nothing that is not read again after a
crash. It knows only what its own threads have in hand, so that no instance is
sent twice at the same time.
"""

import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import accumulate
from time import monotonic

from deid_node.audit.records import DeliveryRecord
from deid_node.errors import BlobDamaged, CustodyError, DestinationUnavailable, RefusedByDestination
from deid_node.forward.base import Crowded, Destination, Parcel
from deid_node.forward.circuit import Circuit
from deid_node.forward.inquirer import Inquirer
from deid_node.forward.source import DeliverySource
from deid_node.observe.events import Event
from deid_node.observe.logs import EventLog
from deid_node.observe.metrics import Metrics
from deid_node.values.delivery import Delivery, DeliveryResult, Receipt
from deid_node.values.identity import InstanceId
from deid_node.values.instance import CleanInstance
from deid_node.values.retry import RetryPolicy
from deid_node.values.stage import Stage

# Every blob of a batch is read against its checksum before the first is sent: not for too long.
_BATCH = 25
_BATCH_BYTES = 256_000_000
# The journal may change without a word (a person releases an instance): look now and then.
_LOOK_AGAIN_SECONDS = 5.0
_SHORTEST_SECONDS = 0.005
_TROUBLE_SECONDS = 1.0
_CLOSING_SECONDS = 5.0


class Sender:
    """The threads of one destination: as many as it can serve at once.

    Order: as the journal tells what is due, a batch at a time. `stop` lets each
    thread finish the instance in its hand. `record` is for the audit trail; None
    keeps none. With an `inquirer`, which starts and stops with it, what is sent waits for
    the archive's commitment. The journal is looked at each `look_again_seconds` at least.
    """

    def __init__(
        self,
        destination: Destination,
        source: DeliverySource,
        retry: RetryPolicy,
        *,
        log: EventLog,
        metrics: Metrics,
        draw: random.Random | None = None,
        record: DeliveryRecord | None = None,
        inquirer: Inquirer | None = None,
        look_again_seconds: float = _LOOK_AGAIN_SECONDS,
    ) -> None:
        self._destination = destination
        self._source = source
        self._retry = retry
        self._log = log.with_fields(destination=destination.name)
        self._metrics = metrics
        self._draw = draw or random.Random()
        self._record = record
        self._inquirer = inquirer
        self._look_again_seconds = look_again_seconds
        self._changed = threading.Condition()
        self._circuit = Circuit(retry, self._draw)
        self._in_hand: set[InstanceId] = set()
        self._carrying = 0
        self._told_allowed = destination.associations.allowed
        self._stopping = False
        self._threads = [
            # A daemon: while it waits for a connection to be made it cannot be interrupted, and
            # then it holds nothing that the end of the process would harm.
            threading.Thread(
                target=self._run, name=f"sender-{destination.name}-{number}", daemon=True
            )
            for number in range(destination.concurrency)
        ]

    @property
    def reachable(self) -> bool:
        """Whether the destination answered when it was last called, or asked to commit."""
        with self._changed:
            is_open = self._circuit.is_open
        return not is_open and (self._inquirer is None or self._inquirer.is_reached)

    def start(self) -> None:
        """Begin; returns at once. Raises `CustodyError` where the inquirer cannot begin."""
        destination = self._destination
        self._metrics.watch_destination(destination.name, lambda: destination.associations)
        try:
            if self._inquirer is not None:
                self._inquirer.start()
        finally:
            for thread in self._threads:
                thread.start()

    def wake(self) -> None:
        """Say that something new may be due; cheap, any thread may call it."""
        with self._changed:
            self._changed.notify()

    def stop(self, *, finish_seconds: float) -> None:
        """End the threads; what is still on its way after `finish_seconds` is broken off.

        Nothing is lost by that: an instance without a receipt stays due. Safe
        before `start`.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        deadline = monotonic() + finish_seconds
        running = [thread for thread in self._threads if thread.is_alive()]
        for thread in running:
            thread.join(max(0.0, deadline - monotonic()))
        self._destination.close()
        for thread in running:
            thread.join(_CLOSING_SECONDS)
        if self._inquirer is not None:
            self._inquirer.stop()

    def _run(self) -> None:
        while not self._stopping:
            try:
                batch = self._next_batch()
                if batch:
                    self._carry(batch)
                else:
                    self._destination.release_idle()
            except CustodyError as error:
                self._log.error(Event.SPOOL_FAILED, code=error.code, reason=str(error))
                self._pause(_TROUBLE_SECONDS)
            # A fault of ours must not end the deliveries for good: it is told, and tried again.
            except Exception as error:  # noqa: BLE001
                self._log.error(Event.DELIVERY_POSTPONED, error=type(error).__name__)
                self._pause(_TROUBLE_SECONDS)

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping, seconds)

    def _next_batch(self) -> Sequence[Delivery]:
        """Return what this thread shall deliver now; nothing after a wait or when stopping."""
        with self._changed:
            if self._stopping:
                return ()
            wait_seconds = self._circuit.wait_seconds
            may_call = (
                not wait_seconds
                and not (self._circuit.is_open and self._in_hand)
                and self._carrying < self._destination.concurrency
            )
            batch = self._chosen() if may_call else []
            if batch:
                self._carrying += 1
                self._in_hand.update(delivery.instance.id for delivery in batch)
                return batch
            self._changed.wait(min(wait_seconds or self._rest_seconds(), self._look_again_seconds))
            return ()

    def _rest_seconds(self) -> float:
        """Return how long there is nothing to do; what ends earlier notifies."""
        if self._in_hand:
            return self._look_again_seconds
        seconds = self._source.next_due_seconds(self._destination.name)
        # Something may have become due since `due` was asked: soon, but never in a tight loop.
        return self._look_again_seconds if seconds is None else max(_SHORTEST_SECONDS, seconds)

    def _chosen(self) -> list[Delivery]:
        name = self._destination.name
        due = self._source.due(name, limit=len(self._in_hand) + _BATCH)
        free = [delivery for delivery in due if delivery.instance.id not in self._in_hand]
        if self._circuit.is_open and free:
            # The probe: one that has failed least, so that a single indigestible
            # instance does not keep the way closed for all.
            return [min(free, key=lambda delivery: delivery.attempts)]
        sizes = accumulate(
            sum(content.blob.size_bytes for content in delivery.instance.contents)
            for delivery in free
        )
        fitting = sum(size <= _BATCH_BYTES for size in sizes)
        return free[: min(_BATCH, max(1, fitting))]

    def _carry(self, batch: Sequence[Delivery]) -> None:
        ended: dict[DeliveryResult, list[CleanInstance]] = {}
        try:
            intact = [(delivery, parcel) for delivery in batch for parcel in self._parcel(delivery)]
            if self._record is not None:
                self._record.began([parcel.instance for _, parcel in intact])
            receipts = self._destination.deliver([parcel for _, parcel in intact])
            with closing(receipts):
                goes_on = True
                for delivery, _ in intact:
                    receipt = self._received(delivery, receipts)
                    # What came with one answer is one failure of the destination.
                    self._settle(delivery, receipt, counts=goes_on)
                    ended.setdefault(receipt.result, []).append(delivery.instance)
                    goes_on = goes_on and self._goes_on()
                    if not goes_on and not receipt.more_follow:
                        break
        except Crowded:
            # What others of us have in their hands goes on, and this waits for its turn.
            pass
        except DestinationUnavailable as error:
            self._unreachable(error)
        finally:
            self._put_on_record(ended)
            with self._changed:
                self._carrying -= 1
                self._in_hand.difference_update(delivery.instance.id for delivery in batch)
                self._tell_allowed()
                self._changed.notify_all()

    def _tell_allowed(self) -> None:
        """Say how many associations are served at once, where that has changed."""
        allowed, told = self._destination.associations.allowed, self._told_allowed
        self._told_allowed = allowed
        if allowed < told:
            self._log.warning(Event.DESTINATION_LIMITED, count=allowed)
        elif allowed > told:
            self._log.info(Event.DESTINATION_WIDENED, count=allowed)

    def _put_on_record(self, ended: Mapping[DeliveryResult, Sequence[CleanInstance]]) -> None:
        if self._record is not None:
            self._record.ended(
                delivered=(
                    *ended.get(DeliveryResult.DELIVERED, ()),
                    *ended.get(DeliveryResult.WARNING, ()),
                ),
                refused=ended.get(DeliveryResult.REFUSED, ()),
            )

    def _goes_on(self) -> bool:
        """Return whether the next may follow."""
        with self._changed:
            return not (self._stopping or self._circuit.is_open or self._circuit.wait_seconds)

    def _received(self, delivery: Delivery, receipts: Iterator[Receipt]) -> Receipt:
        """Deliver one and return its receipt."""
        began = monotonic()
        try:
            receipt = next(receipts)
        except (DestinationUnavailable, Crowded, CustodyError):
            raise
        # A fault of ours that this instance brings out must not hold up all behind it.
        except Exception:
            self._source.postpone(delivery, seconds=self._delay_seconds(delivery))
            raise
        self._metrics.stage(Stage.DELIVER, monotonic() - began)
        return receipt

    def _delay_seconds(self, delivery: Delivery) -> float:
        with self._changed:
            return self._retry.delay_seconds(delivery.attempts + 1, draw=self._draw)

    def _parcel(self, delivery: Delivery) -> Sequence[Parcel]:
        try:
            instance = delivery.instance
            path = self._source.clean_path(instance)
            return (Parcel(instance, path, self._source.companion_path(instance)),)
        except BlobDamaged as damage:
            self._source.withhold_damaged(delivery)
            self._metrics.instance_withheld(damage.code)
            self._log.error(Event.DELIVERY_REFUSED, instance=delivery.instance.id, code=damage.code)
            return ()

    def _settle(self, delivery: Delivery, receipt: Receipt, *, counts: bool) -> None:
        self._metrics.delivery(receipt.destination, receipt.result)
        if receipt.result is DeliveryResult.RETRY:
            pause_seconds = receipt.pause_seconds or 0.0
            seconds = max(self._delay_seconds(delivery), pause_seconds)
            self._source.postpone(delivery, seconds=seconds)
            with self._changed:
                outage = counts and self._circuit.failed()
                self._circuit.pause(pause_seconds)
            self._log.warning(
                Event.DELIVERY_POSTPONED,
                instance=receipt.id,
                status=receipt.status,
                attempt=delivery.attempts + 1,
                seconds=round(seconds, 3),
            )
            if outage:
                self._log.warning(Event.DESTINATION_UNREACHABLE)
            return
        inquirer = self._inquirer
        refused = receipt.result is DeliveryResult.REFUSED
        asks = inquirer is not None and inquirer.is_asking and not refused
        record = self._source.hand_over if asks else self._source.settle
        record(receipt, delivery.instance)
        with self._changed:
            reached = self._circuit.answered()
        if reached:
            self._log.info(Event.DESTINATION_REACHED)
        if refused:
            code = receipt.code or RefusedByDestination.code
            self._metrics.instance_withheld(code)
            self._log.warning(
                Event.DELIVERY_REFUSED, instance=receipt.id, status=receipt.status, code=code
            )
        else:
            self._log.info(
                Event.INSTANCE_SENT if asks else Event.INSTANCE_DELIVERED,
                instance=receipt.id,
                status=receipt.status,
                result=receipt.result.value,
            )

    def _unreachable(self, error: DestinationUnavailable) -> None:
        with self._changed:
            if self._stopping:
                return
            outage = self._circuit.unreachable()
            seconds = self._circuit.wait_seconds
        self._metrics.delivery(self._destination.name, DeliveryResult.RETRY)
        tell = self._log.warning if outage else self._log.debug
        tell(
            Event.DESTINATION_UNREACHABLE,
            code=error.code,
            reason=str(error),
            seconds=round(seconds, 3),
        )
