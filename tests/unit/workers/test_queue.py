import threading
import tracemalloc
from collections import Counter

from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.strategies import booleans, lists, sampled_from, tuples

from deid_node.values.identity import InstanceId
from deid_node.work.queue import WorkQueue

A, B, C = InstanceId("a"), InstanceId("b"), InstanceId("c")
SENDERS = {A: "CT", B: "CT", C: "US", InstanceId("d"): "US"}


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


def test_one_picture_of_another_sender_waits_for_one_slice_and_not_for_all() -> None:
    queue = WorkQueue()
    slices = [InstanceId(f"slice{number:05}") for number in range(20_000)]
    queue.offer_all(slices, "CT")
    first = take(queue)

    queue.offer(A, "US")

    assert first == slices[0]
    assert [take(queue) for _ in range(4)] == [slices[1], A, slices[2], slices[3]]


def test_an_id_put_back_waits_behind_its_own_senders_others_only() -> None:
    queue = WorkQueue()
    queue.offer_all([A, B], "CT")
    queue.offer(C, "US")
    assert take(queue) == A

    queue.again(A)

    assert [take(queue), take(queue), take(queue)] == [C, B, A]


def test_a_hundred_thousand_that_wait_cost_half_a_kilobyte_each_at_most() -> None:
    queue = WorkQueue()
    tracemalloc.start()
    try:
        for number in range(100_000):
            queue.offer(InstanceId(f"{number:016x}"), f"SENDER{number % 32}")
        held_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(queue) == 100_000
    assert held_bytes / 100_000 < 512


@given(offered=lists(tuples(sampled_from("PQRS"), booleans()), max_size=60))
def test_senders_take_turns_and_each_keeps_its_order(offered: list[tuple[str, bool]]) -> None:
    """Whoever waits is passed over once at most by each other sender; what is taken in
    between (the flag) changes nothing of that."""
    queue = WorkQueue()
    waiting: dict[str, list[InstanceId]] = {}
    passed_over: Counter[tuple[str, str]] = Counter()

    def take_and_judge() -> None:
        got = take(queue)
        assert got is not None
        sender = got[0]
        assert got == waiting[sender].pop(0)
        for other in [one for one, left in waiting.items() if left and one != sender]:
            passed_over[other, sender] += 1
            assert passed_over[other, sender] <= 1
        for one in "PQRS":
            passed_over[sender, one] = 0

    for number, (sender, takes) in enumerate(offered):
        instance = InstanceId(f"{sender}{number}")
        assert queue.offer(instance, sender)
        waiting.setdefault(sender, []).append(instance)
        if takes:
            take_and_judge()
    while any(waiting.values()):
        take_and_judge()

    assert take(queue) is None


class QueueModel(RuleBasedStateMachine):
    """The queue beside a model of it: a list of senders, a list for each, and a set in hand."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = WorkQueue()
        self.turns: list[str] = []
        self.waiting: dict[str, list[InstanceId]] = {"CT": [], "US": []}
        self.in_hand: list[InstanceId] = []

    def wait(self, instance: InstanceId) -> None:
        sender = SENDERS[instance]
        self.waiting[sender].append(instance)
        if sender not in self.turns:
            self.turns.append(sender)

    @rule(instance=sampled_from(list(SENDERS)))
    def offer(self, instance: InstanceId) -> None:
        is_new = all(instance not in ids for ids in (*self.waiting.values(), self.in_hand))
        assert self.queue.offer(instance, SENDERS[instance]) is is_new
        if is_new:
            self.wait(instance)

    @rule()
    def take(self) -> None:
        if not self.turns:
            assert take(self.queue) is None
            return
        sender = self.turns.pop(0)
        expected = self.waiting[sender].pop(0)
        if self.waiting[sender]:
            self.turns.append(sender)
        assert take(self.queue) == expected
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
        self.wait(instance)

    @invariant()
    def as_many_wait(self) -> None:
        assert len(self.queue) == sum(map(len, self.waiting.values()))


TestQueueModel = QueueModel.TestCase
TestQueueModel.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
