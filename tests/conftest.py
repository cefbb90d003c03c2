"""What one test leaves behind does not reach the next."""

from collections.abc import Iterator

import pytest
from hypothesis import settings as property_settings
from pydicom import config

# A test waits for what happens, and no clock decides: machines are busy.
property_settings.register_profile("unhurried", deadline=None)
property_settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def validation_as_it_was() -> Iterator[None]:
    """Put back how strictly pydicom looks at values: commands silence it for their process."""
    settings = config.settings
    modes = (settings.reading_validation_mode, settings.writing_validation_mode)
    yield
    settings.reading_validation_mode, settings.writing_validation_mode = modes
