"""Every real file at hand, as datasets."""

from collections.abc import Iterator
from pathlib import Path

from pydicom import Dataset, dcmread

from tests.builders.samples import packaged_files, zoo_files


def sample_files() -> list[Path]:
    """Return every sample file, by name."""
    return sorted([*packaged_files(), *zoo_files()])


def sample_instances() -> Iterator[tuple[Path, Dataset]]:
    """Yield every sample file that pydicom can open."""
    for path in sample_files():
        try:
            yield path, dcmread(path)
        except Exception:  # noqa: BLE001, S112  # broken on purpose: the door's tests are about them
            continue
