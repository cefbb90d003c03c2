import pytest
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
)
from pynetdicom import StoragePresentationContexts, build_context

from deid_node.receive.dimse.contexts import accepted_contexts, is_storage


@pytest.mark.parametrize(
    "uid",
    [
        "1.2.840.10008.5.1.4.1.1.2",  # CT Image Storage
        "1.2.840.10008.5.1.4.1.1.999.1",  # younger than the library
        "1.2.840.10008.5.1.1.29",  # Hardcopy Grayscale Image Storage, retired
        "1.3.12.2.1107.5.9.1",  # private: Siemens CSA Non-Image Storage
    ],
)
def test_every_kind_of_storage_is_taken(uid: str) -> None:
    assert is_storage(uid)


@pytest.mark.parametrize(
    "uid",
    [
        "1.2.840.10008.5.1.4.1.2.2.1",  # Study Root Query/Retrieve FIND
        "1.2.840.10008.5.1.4.31",  # Modality Worklist FIND
        "1.2.840.10008.1.20.1",  # Storage Commitment Push Model
        "1.2.840.10008.5.1.4.38.1",  # Hanging Protocol Storage: of no patient
        "1.2.840.10008.99.1",
    ],
)
def test_what_is_no_storage_of_instances_is_not(uid: str) -> None:
    assert not is_storage(uid)


def test_all_storage_classes_of_the_library_are_taken() -> None:
    proposed = [
        build_context(str(context.abstract_syntax)) for context in StoragePresentationContexts
    ]

    supported = accepted_contexts(proposed)

    assert len(supported) == len(StoragePresentationContexts)


def test_the_senders_own_encoding_comes_first() -> None:
    proposed = [
        build_context(
            "1.2.840.10008.5.1.4.1.1.2",
            [JPEGBaseline8Bit, ImplicitVRLittleEndian, ExplicitVRLittleEndian],
        )
    ]

    (supported,) = accepted_contexts(proposed)

    assert supported.transfer_syntax[0] == JPEGBaseline8Bit


def test_an_unknown_transfer_syntax_is_left_out_and_a_context_of_only_such_refused() -> None:
    proposed = [
        build_context("1.2.840.10008.5.1.4.1.1.2", ["1.2.3.4.5", ImplicitVRLittleEndian]),
        build_context("1.2.840.10008.5.1.4.1.1.4", ["1.2.3.4.5"]),
    ]

    supported = accepted_contexts(proposed)

    assert [list(context.transfer_syntax) for context in supported] == [[ImplicitVRLittleEndian]]
