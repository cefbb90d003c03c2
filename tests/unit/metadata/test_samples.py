"""Every real file goes through or is withheld for a named reason; no false alarm."""

from collections import Counter
from io import BytesIO

import pytest
from pydicom import dcmread

from deid_node.errors import CleaningError
from deid_node.leaks.check import LeakCheck
from deid_node.metadata.scrub import Scrubber
from tests.builders.samples import zoo_files
from tests.unit.metadata.canary import stored
from tests.unit.metadata.samples import sample_instances
from tests.unit.metadata.test_validity import UNWRITABLE

pytestmark = pytest.mark.slow


def test_every_sample_is_scrubbed_or_withheld_with_a_reason(
    scrubber: Scrubber, leak_check: LeakCheck, quiet: None
) -> None:
    outcomes: Counter[str] = Counter()
    for path, original in sample_instances():
        try:
            scrubbed = scrubber.scrub(original).dataset
            leak_check.check(original, scrubbed)
        except CleaningError as error:
            outcomes[error.code] += 1
            continue
        outcomes["clean"] += 1
        if scrubbed.file_meta.TransferSyntaxUID not in UNWRITABLE:
            again = dcmread(BytesIO(stored(scrubbed)))
            leak_check.check(original, again)
            assert again.SOPInstanceUID == scrubbed.SOPInstanceUID, path.name
            assert again.get("PixelData") == original.get("PixelData"), path.name

    assert outcomes.keys() == {"clean", "malformed_dataset", "unsupported_object"}
    assert outcomes["clean"] >= (340 if zoo_files() else 90), outcomes
