import threading

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.strategies import sampled_from

from deid_node.values.identity import InstanceId
from deid_node.work.queue import WorkQueue

A, B, C = InstanceId("a"), InstanceId("b"), InstanceId("c")


def take(queue: WorkQueue) -> InstanceId | None:
    return queue.take(timeout_seconds=0)


def test_ids_come_out_in_the_order_they_were_offered() -> None:
    queue = WorkQueue()

    assert queue.offer_all([B, A, C]) == 3

    assert [take(queue) for _ in range(4)] == [B, A, C, None]


def test_an_id_that_waits_or_is_in_hand_is_not_taken_in_again() -> None:
    queue = WorkQueue()
    assert queue.offer(A)
    assert not queue.offer(A)

    assert take(queue) == A
    assert not queue.offer(A)
    queue.done(A)

    assert queue.offer(A)


def test_an_id_put_back_waits_behind_the_others() -> None:
    queue = WorkQueue()
    queue.offer_all([A, B])
    taken = take(queue)
    assert taken == A

    queue.again(A)

    assert [take(queue), take(queue), take(queue)] == [B, A, None]


def test_an_id_put_back_for_later_lets_the_others_pass_and_comes_when_its_time_has_come() -> None:
    queue = WorkQueue()
    queue.offer_all([A, B])
    assert take(queue) == A

    queue.again(A, delay_seconds=0.05)

    assert not queue.offer(A)
    assert len(queue) == 2
    assert [take(queue), take(queue)] == [B, None]
    assert queue.take(timeout_seconds=60) == A


def test_one_who_waits_gets_what_is_offered() -> None:
    queue = WorkQueue()
    got: list[InstanceId | None] = []
    waiting = threading.Thread(target=lambda: got.append(queue.take(timeout_seconds=60)))
    waiting.start()

    queue.offer(A)
    waiting.join()

    assert got == [A]


def test_closing_sends_everybody_home_and_takes_nothing_in() -> None:
    queue = WorkQueue()
    got: list[InstanceId | None] = []
    threads = [
        threading.Thread(target=lambda: got.append(queue.take(timeout_seconds=60)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()

    queue.close()
    for thread in threads:
        thread.join()

    assert got == [None, None, None]
    assert not queue.offer(A)


def test_many_threads_share_the_work_without_a_double() -> None:
    queue = WorkQueue()
    ids = [InstanceId(f"{number:04}") for number in range(500)]
    taken: list[InstanceId] = []

    def work() -> None:
        while (instance := queue.take(timeout_seconds=0)) is not None:
            taken.append(instance)
            queue.offer(instance)

    queue.offer_all(ids)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken) == ids


class QueueModel(RuleBasedStateMachine):
    """The queue beside a model of it: a list that waits and a set in hand."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = WorkQueue()
        self.waiting: list[InstanceId] = []
        self.in_hand: list[InstanceId] = []

    @rule(instance=sampled_from([A, B, C]))
    def offer(self, instance: InstanceId) -> None:
        is_new = instance not in self.waiting and instance not in self.in_hand
        assert self.queue.offer(instance) is is_new
        if is_new:
            self.waiting.append(instance)

    @rule()
    def take(self) -> None:
        expected = self.waiting.pop(0) if self.waiting else None
        assert take(self.queue) == expected
        if expected is not None:
            self.in_hand.append(expected)

    @precondition(lambda self: self.in_hand)
    @rule()
    def done(self) -> None:
        self.queue.done(self.in_hand.pop())

    @precondition(lambda self: self.in_hand)
    @rule()
    def again(self) -> None:
        instance = self.in_hand.pop()
        self.queue.again(instance)
        self.waiting.append(instance)

    @invariant()
    def as_many_wait(self) -> None:
        assert len(self.queue) == len(self.waiting)


TestQueueModel = QueueModel.TestCase
TestQueueModel.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
