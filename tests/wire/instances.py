"""Instances that no other test has sent: those of the demo, with UIDs of their own."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from pydicom import dcmread
from pydicom.uid import generate_uid

from deid_node.demo.samples import give_uid, shipped


def fresh(names: Iterable[str], folder: Path) -> Sequence[Path]:
    """Write the files `names` that come with pydicom into `folder`, their UIDs its own."""
    paths = []
    for name in names:
        dataset = dcmread(shipped(name))
        give_uid(dataset, generate_uid(prefix=None, entropy_srcs=[name, str(folder)]))
        paths.append(folder / name)
        dataset.save_as(paths[-1], enforce_file_format=True)
    return paths
