"""Real objects that nobody here made: no head goes through, whatever its header says of it."""

from fnmatch import fnmatchcase

import pytest
from pydicom.dataset import Dataset

from tests.bench.faces import HEADS, is_withheld, real_objects
from tests.builders.samples import zoo_files

_NAMES = (
    "BodyPartExamined", "StudyDescription", "SeriesDescription", "ProtocolName",
    "RequestedProcedureDescription", "PerformedProcedureStepDescription", "ImageComments",
    "ReceiveCoilName", "RequestAttributesSequence", "ProcedureCodeSequence",
    "RequestedProcedureCodeSequence", "AnatomicRegionSequence", "PerformedProtocolCodeSequence",
)  # fmt: skip
_CUT_DOWN = ("77654033/*", "98892003/*", "*emri_small*")
"""Sixteen pixels, and a corner of a head: of these the header tells, and nothing else can."""


def _heads(*, but: tuple[str, ...] = ()) -> list[tuple[str, Dataset]]:
    return [
        (name, dataset)
        for name, dataset in real_objects()
        if any(fnmatchcase(name, pattern) for pattern in HEADS)
        and not any(fnmatchcase(name, pattern) for pattern in but)
    ]


def test_no_real_head_goes_through(quiet: None) -> None:
    heads = _heads()

    assert [name for name, dataset in heads if not is_withheld(dataset)] == []
    assert len(heads) >= 20


@pytest.mark.shared
@pytest.mark.skipif(not zoo_files(), reason="needs the shared sample files (DEID_NODE_SHARED)")
@pytest.mark.parametrize("said", [None, "CHEST", "ABDOMEN"])
def test_no_real_head_goes_through_without_its_name_or_under_another(
    quiet: None, said: str | None
) -> None:
    """CT, MR and what was drawn of them; a radiograph has nothing but its name."""
    passing, looked_at = [], 0
    for name, dataset in _heads(but=_CUT_DOWN):
        for keyword in _NAMES:
            if keyword in dataset:
                del dataset[keyword]
        if dataset.Modality not in {"CT", "MR"}:
            continue
        if said is not None:
            dataset.BodyPartExamined = said
        looked_at += 1
        passing += [] if is_withheld(dataset) else [name]

    assert passing == []
    assert looked_at >= 30


@pytest.mark.shared
@pytest.mark.skipif(not zoo_files(), reason="needs the shared sample files (DEID_NODE_SHARED)")
@pytest.mark.parametrize(
    "pattern",
    [
        "*explicit_VR-UN.dcm", "*GH1308*", "*GH342*", "*WithOverlays*", "*MOVEKNEE*", "02_series*",
        "*mr_brucker*", "*MR_small*", "*CR-MONO1*", "*US1_UNCI*",
    ],
)  # fmt: skip
def test_other_real_parts_go_through(quiet: None, pattern: str) -> None:
    names = [
        (name, is_withheld(dataset))
        for name, dataset in real_objects()
        if fnmatchcase(name, pattern)
    ]

    assert names
    assert [name for name, withheld in names if withheld] == []
