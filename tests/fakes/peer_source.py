"""A journal of deliveries in memory, and a destination that plays a script."""

import threading
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from deid_node.errors import BlobDamaged, SpoolUnavailable
from deid_node.forward.base import AssociationCounts, Parcel
from deid_node.values.delivery import Delivery, DeliveryResult, Receipt
from deid_node.values.identity import InstanceId
from deid_node.values.instance import BlobRef, CleanInstance
from tests.builders.values import a_clean_instance


class MemorySource:
    """A `DeliverySource` as strict as the journal: only what is due can be settled."""

    def __init__(self, count: int = 0) -> None:
        self.changed = threading.Condition()
        self.instances: dict[InstanceId, CleanInstance] = {}
        self.attempts: dict[InstanceId, int] = {}
        self.next_at: dict[InstanceId, float] = {}
        self.settled: dict[InstanceId, Receipt] = {}
        self.order: list[InstanceId] = []
        self.damaged: set[InstanceId] = set()
        self.failing_settles = 0
        self.faults: list[str] = []
        self.asked = threading.Event()
        for number in range(count):
            self.add(f"{number:04}")

    def add(self, name: str) -> InstanceId:
        instance = InstanceId(name)
        with self.changed:
            self.instances[instance] = a_clean_instance(instance, BlobRef(name, 1, "00"))
            self.attempts[instance] = 0
            self.next_at[instance] = 0.0
        return instance

    def due(self, destination: str, *, limit: int) -> Sequence[Delivery]:
        with self.changed:
            now = time.monotonic()
            waiting = [one for one in self.instances if one not in self.settled]
            return [
                Delivery(self.instances[one], destination, self.attempts[one])
                for one in waiting
                if self.next_at[one] <= now
            ][:limit]

    def next_due_seconds(self, destination: str) -> float | None:
        with self.changed:
            self.asked.set()
            waiting = [self.next_at[one] for one in self.instances if one not in self.settled]
            return max(0.0, min(waiting) - time.monotonic()) if waiting else None

    def clean_path(self, instance: CleanInstance) -> Path:
        if instance.id in self.damaged:
            raise BlobDamaged("not the bytes that were sealed")
        return Path(instance.blob.name)

    def companion_path(self, instance: CleanInstance) -> Path | None:
        return None if instance.companion is None else Path(instance.companion.blob.name)

    def settle(self, receipt: Receipt, sent: CleanInstance | None = None) -> None:
        with self.changed:
            if self.failing_settles:
                self.failing_settles -= 1
                raise SpoolUnavailable("the journal cannot be written")
            if receipt.id in self.settled or receipt.result is DeliveryResult.RETRY:
                self.faults.append(f"{receipt.id} cannot be settled")
            self.settled[receipt.id] = receipt
            self.order.append(receipt.id)
            self.changed.notify_all()

    def hand_over(self, receipt: Receipt, sent: CleanInstance | None = None) -> None:
        self.settle(receipt)

    def withhold_damaged(self, delivery: Delivery) -> None:
        self.settle(
            Receipt(delivery.instance.id, delivery.destination, DeliveryResult.REFUSED, None)
        )

    def postpone(self, delivery: Delivery, *, seconds: float) -> None:
        with self.changed:
            self.attempts[delivery.instance.id] += 1
            self.next_at[delivery.instance.id] = time.monotonic() + seconds
            self.changed.notify_all()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, 60)

    def wait_until_all_are_settled(self) -> None:
        self.wait_for(lambda: self.settled.keys() == self.instances.keys())


class ScriptedDestination:
    """Answers as `answer` says; it may raise. Notices a parcel that is sent twice at once."""

    name = "archive"

    def __init__(
        self,
        answer: Callable[[InstanceId], DeliveryResult] | None = None,
        *,
        threads: int = 1,
    ) -> None:
        self.concurrency = threads
        self.associations = AssociationCounts(allowed=threads)
        self.answer = answer or (lambda _instance: DeliveryResult.DELIVERED)
        self.code: str | None = None
        self.tried: list[InstanceId] = []
        self.batches: list[list[InstanceId]] = []
        self.faults: list[str] = []
        self.closed = threading.Event()
        self.released = threading.Event()
        self._lock = threading.Lock()
        self._in_hand: set[InstanceId] = set()

    def deliver(self, batch: Sequence[Parcel]) -> Generator[Receipt, None, None]:
        with self._lock:
            self.batches.append([parcel.instance.id for parcel in batch])
        for parcel in batch:
            instance = parcel.instance.id
            with self._lock:
                if instance in self._in_hand:
                    self.faults.append(f"{instance} is sent twice at once")
                self._in_hand.add(instance)
                self.tried.append(instance)
            try:
                answer = self.answer(instance)
            finally:
                with self._lock:
                    self._in_hand.discard(instance)
            yield Receipt(instance, self.name, answer, None, self.code)

    def release_idle(self) -> None:
        self.released.set()

    def close(self) -> None:
        self.closed.set()
