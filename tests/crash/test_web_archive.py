"""The node, or its archive, is killed while instances leave by STOW-RS."""

from collections.abc import Iterator

import pytest

from tests.crash.standing import StandingHouse, standing_house

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("killed_web_archive"),
]


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandingHouse]:
    with standing_house(tmp_path_factory.mktemp("standing"), archive="stow") as built:
        yield built


@pytest.mark.parametrize(
    "point", ["send-begun", "sent", "settle-before-commit", "settle-committed"]
)
def test_a_node_killed_at_the_point_loses_and_doubles_nothing(
    standing: StandingHouse, point: str
) -> None:
    with standing.tenancy() as here:
        here.arm(point)

        here.lose_nothing(here.parcels(8))


def test_what_an_archive_that_was_killed_had_not_confirmed_comes_again(
    standing: StandingHouse,
) -> None:
    with standing.tenancy() as here:
        here.miss_the_archive()
