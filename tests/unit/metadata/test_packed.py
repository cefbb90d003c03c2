"""The fast way through sequences decides nothing: it does what the slow way does."""

from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from deid_node.leaks import values
from deid_node.leaks.values import texts_of
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.metadata.apply.walk import Walk
from deid_node.metadata.encoding.packed import Fate, NotPlain, Rewriting
from deid_node.metadata.plan.options import Option
from deid_node.metadata.plan.plan import build_plan
from tests.unit.metadata.canary import KEY, as_read, stored, study_instance
from tests.unit.metadata.test_properties import _instance, _item

PLANS = [
    build_plan(),
    build_plan([Option.RETAIN_LONGITUDINAL_MODIFIED_DATES, Option.RETAIN_UIDS]),
    build_plan([Option.RETAIN_LONGITUDINAL_FULL_DATES, Option.RETAIN_DEVICE_IDENTITY]),
]
SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]


def _read_as(dataset: Dataset, syntax: UID) -> Dataset:
    buffer = BytesIO()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(
        buffer,
        implicit_vr=syntax.is_implicit_VR,
        little_endian=syntax.is_little_endian,
        enforce_file_format=True,
    )
    return dcmread(BytesIO(buffer.getvalue()))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(_item, st.sampled_from(PLANS), st.sampled_from(SYNTAXES))
def test_both_ways_through_a_sequence_give_the_same(content, plan, syntax) -> None:  # type: ignore[no-untyped-def]
    original = _read_as(_instance(content), syntax)
    fast, slow = Walk(plan, Pseudonyms(KEY)), Walk(plan, Pseudonyms(KEY))
    slow._packed = lambda *_: None  # type: ignore[method-assign]

    packed, taken_apart = fast.over(original), slow.over(original)

    for result in (packed, taken_apart):
        result.file_meta = original.file_meta
    assert dcmread(BytesIO(stored(packed))) == dcmread(BytesIO(stored(taken_apart)))
    assert fast.counts == slow.counts
    assert fast.pairs == slow.pairs


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(_item, st.sampled_from(SYNTAXES))
def test_the_second_look_reads_the_same_values_both_ways(content, syntax) -> None:  # type: ignore[no-untyped-def]
    original = _read_as(_instance(content), syntax)

    fast = list(texts_of(original))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(values, "_plain", lambda *_: None)
        slow = list(texts_of(original))

    assert [(text.keyword, text.vr, text.text) for text in fast] == [
        (text.keyword, text.vr, text.text) for text in slow
    ]


def test_a_plain_sequence_is_not_taken_apart() -> None:
    """Otherwise the fast way would be gone without anybody noticing."""
    dataset = study_instance()
    item, inner = Dataset(), Dataset()
    inner.ReferencedSOPInstanceUID = "1.2.826.0.1.3680043.9.7777.8"
    inner.ReferencedFrameNumber = 3
    item.ReferencedInstanceSequence = [inner]
    dataset.ReferencedSeriesSequence = [item]

    result = Walk(build_plan(), Pseudonyms(KEY)).over(as_read(dataset))

    assert result.get_item("ReferencedSeriesSequence").is_raw
    new = result.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0]
    assert new.ReferencedSOPInstanceUID.startswith("2.25.")
    assert new.ReferencedFrameNumber == 3


ITEM = b"\xfe\xff\x00\xe0"
LAST = b"\xfe\xff\x0d\xe0\0\0\0\0"
ROWS = b"\x28\0\x10\0US\x02\0\x07\0"


@pytest.mark.parametrize(
    "value",
    [
        b"",
        ITEM + b"\x0a\0\0\0" + ROWS,
        ITEM + b"\xff\xff\xff\xff" + ROWS + LAST,
        ITEM + b"\0\0\0\0" + ITEM + b"\x0a\0\0\0" + ROWS,
    ],
)
def test_plain_items_come_back(value: bytes) -> None:
    assert _rewriting().items(value, 3).count(ROWS) == value.count(ROWS)


@pytest.mark.parametrize(
    "value",
    [
        ITEM,
        ITEM + b"\x0b\0\0\0" + ROWS,
        ITEM + b"\x09\0\0\0" + ROWS,
        ITEM + b"\xff\xff\xff\xff" + ROWS,
        ITEM + b"\x14\0\0\0" + ROWS + ROWS,
        ITEM + b"\x0a\0\0\0" + ROWS.replace(b"US", b"?!"),
        ITEM + b"\x0a\0\0\0" + ROWS + b"\xfe\xff\xdd\xe0\0\0\0\0",
        ROWS,
        ITEM + b"\x0c\0\0\0" + b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff",
    ],
    ids=["cut", "longer", "shorter", "open", "twice", "no VR", "ended", "no item", "open inside"],
)
def test_what_is_not_plain_is_left_to_the_slow_way(value: bytes) -> None:
    with pytest.raises(NotPlain):
        _rewriting().items(value, 3)


def _rewriting() -> Rewriting:
    return Rewriting(
        fate_of=lambda _, vr: Fate.IS_LOOKED_INTO if vr == b"SQ" else Fate.STAYS,
        replaced=lambda *_: None,
        implicit=False,
        little=True,
    )
