"""What an error makes of a start."""

from multiprocessing import Pipe

import pytest

from deid_node.errors import CleaningError, CustodyError, DeidNodeError, TextUncertain
from deid_node.values.geometry import Box, DoubtedRegion
from deid_node.values.outcome import CUT_SHORT, Outcome, Postponed, Withheld, stopped_by

REGION = DoubtedRegion(frame=2, box=Box(1, 2, 3, 4), score=0.4, source="crnn")


def test_what_is_withheld_carries_its_reason_and_its_boxes() -> None:
    error = TextUncertain(regions=[REGION])

    outcome = Withheld.because(error, "everything")

    assert outcome == Withheld("text_uncertain", str(error), "everything", (REGION,))
    assert Withheld.because(error, seen=()).seen == ()


@pytest.mark.parametrize("error", [*CleaningError.__subclasses__(), *CustodyError.__subclasses__()])
def test_only_what_passes_is_postponed_and_only_the_disk_costs_nothing(
    error: type[DeidNodeError],
) -> None:
    outcome = stopped_by(error("what is wrong"))

    assert isinstance(outcome, Postponed) is error.passes
    if isinstance(outcome, Postponed):
        assert outcome.costs_a_start is not issubclass(error, CustodyError)
        assert outcome.given_up().code == outcome.code == error.code


@pytest.mark.parametrize(
    "outcome", [CUT_SHORT, Withheld.because(TextUncertain(regions=[REGION]), "rule")]
)
def test_an_outcome_goes_through_the_line_of_a_worker(outcome: Outcome) -> None:
    ours, theirs = Pipe()

    theirs.send(outcome)

    assert ours.recv() == outcome
