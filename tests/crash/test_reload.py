"""Configurations take over under load, and the node is killed while they do: all are counted."""

import random
from pathlib import Path

import pytest

from tests.crash.house import house
from tests.crash.siege import Fault, Siege

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def test_a_node_that_is_killed_while_another_configuration_takes_over_loses_nothing(
    tmp_path: Path,
) -> None:
    with house(tmp_path, workers=1) as home:
        siege = Siege(home, tmp_path, random.Random(17))
        siege.play(Fault.RELOAD)
        siege.play(Fault.RELOAD_AND_KILL)
        siege.play(Fault.RELOAD)
        reloaded = home.events("configuration_reloaded")
        siege.count()
        siege.resend()
        siege.count()

    assert siege.tally.is_well, siege.tally.lines()
    assert siege.tally.acknowledged
    assert reloaded == 1
