"""One plan, one scrubber and one second look for the rooms of the header and of leaks."""

from collections.abc import Iterator

import pytest

from deid_node.dicom.silence import silenced
from deid_node.leaks.check import LeakCheck
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.clean.option_cleaners import JUDGED, OptionCleaning
from deid_node.metadata.plan.plan import Plan, build_plan
from deid_node.metadata.scrub import Scrubber
from tests.unit.metadata.canary import KEY


@pytest.fixture(scope="session")
def plan() -> Plan:
    return build_plan()


@pytest.fixture(scope="session")
def scrubber(plan: Plan) -> Scrubber:
    return Scrubber(plan, Pseudonyms(KEY))


@pytest.fixture(scope="session")
def cleaning_scrubber() -> Scrubber:
    """A scrubber that judges values: text, reports, drawings and private elements."""
    return Scrubber(build_plan(JUDGED), Pseudonyms(KEY), cleaning=OptionCleaning(JUDGED))


@pytest.fixture(scope="session")
def leak_check() -> LeakCheck:
    return LeakCheck()


@pytest.fixture
def quiet() -> Iterator[None]:
    """Real files hold values that pydicom complains about."""
    with silenced():
        yield
