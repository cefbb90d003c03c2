from deid_node.receive.rate_limit import Gate


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_an_address_that_is_refused_too_often_is_shut_out_for_the_rest_of_the_minute() -> None:
    clock = Clock()
    gate = Gate(3, clock=clock)

    said = [gate.refused("10.0.0.1") for _ in range(3)]

    assert said == [False, False, True]
    assert not gate.is_open("10.0.0.1")
    assert gate.is_open("10.0.0.2")
    clock.now += 59
    assert not gate.is_open("10.0.0.1")
    clock.now += 1
    assert gate.is_open("10.0.0.1")


def test_refusals_that_are_far_apart_do_not_add_up() -> None:
    clock = Clock()
    gate = Gate(2, clock=clock)

    for _ in range(10):
        gate.refused("10.0.0.1")
        clock.now += 61

    assert gate.is_open("10.0.0.1")


def test_without_a_limit_nobody_is_shut_out() -> None:
    gate = Gate(0)

    for _ in range(100):
        assert not gate.refused("10.0.0.1")

    assert gate.is_open("10.0.0.1")


def test_addresses_without_number_do_not_fill_the_memory() -> None:
    gate = Gate(1)

    for number in range(10_000):
        gate.refused(f"10.0.{number // 250}.{number % 250}")

    assert len(gate._windows) <= 4096
