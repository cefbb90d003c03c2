"""The threshold that ships gives up next to nothing of what can be found."""

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")

from deid_node_lab.training.ship import choose_score


def test_the_highest_score_that_finds_nearly_all_is_chosen() -> None:
    found = {0.3: 1000, 0.5: 999, 0.7: 996, 0.9: 995}

    assert choose_score(found, 0.004) == 0.7


def test_when_every_score_costs_the_lowest_is_chosen() -> None:
    assert choose_score({0.3: 1000, 0.5: 900}, 0.004) == 0.3
