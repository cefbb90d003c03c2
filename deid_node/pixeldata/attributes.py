"""Single attributes of a dataset, read without surprises.

pydicom converts a value when it is first read, and may warn or raise then with
the value in the text. Here a value that cannot be had is a `MalformedDataset`
that names the keyword and nothing else.
"""

import warnings
from collections.abc import Sequence
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset

from deid_node.errors import MalformedDataset


def value_of(dataset: Dataset, keyword: str) -> Any:
    """Return the value of `keyword`, or None where it is absent or empty.

    Raises
    ------
    MalformedDataset
        It is there and cannot be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = dataset.get(keyword)
    except Exception:  # noqa: BLE001 - pydicom raises nearly anything, with values in the text
        raise MalformedDataset(f"{keyword} cannot be read") from None
    return None if value is None or (isinstance(value, (str, bytes)) and not value) else value


def integer(dataset: Dataset, keyword: str, default: int | None = None) -> int:
    """Return the single integer `keyword`; `default` where it is absent or empty.

    Raises
    ------
    MalformedDataset
        It is no integer, or absent and there is no default.
    """
    value = value_of(dataset, keyword)
    if value is None:
        if default is None:
            raise MalformedDataset(f"{keyword} is missing")
        return default
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise MalformedDataset(f"{keyword} is not one integer") from None


def numbers(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    """Return the numbers of `keyword`, empty where it is absent or unreadable.

    For hints (window, rescale) only: the work goes on without them.
    """
    try:
        value = value_of(dataset, keyword)
        if value is None:
            return ()
        many = isinstance(value, Sequence) and not isinstance(value, str)
        return tuple(float(item) for item in (value if many else (value,)))
    except (MalformedDataset, TypeError, ValueError, OverflowError):
        return ()


def text(dataset: Dataset, keyword: str) -> str:
    """Return `keyword` as text, empty where it is absent."""
    value = value_of(dataset, keyword)
    return "" if value is None else str(value).strip()


def items(dataset: Dataset, keyword: str) -> tuple[Dataset, ...]:
    """Return the items of sequence `keyword`, empty where there are none."""
    value = value_of(dataset, keyword)
    if value is None:
        return ()
    try:
        return tuple(item for item in value if isinstance(item, Dataset))
    except TypeError:
        raise MalformedDataset(f"{keyword} is not a sequence") from None


def put(dataset: Dataset, keyword: str, value: object, vr: str | None = None) -> None:
    """Set `keyword` in `dataset` by an element of its own.

    Plain assignment writes into the element that is there, and a twin shares its
    elements with the dataset that must stay as it was.
    """
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise ValueError(f"no attribute is called {keyword}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset[tag] = DataElement(tag, vr or dictionary_VR(tag), value)


def twin_of(dataset: Dataset) -> Dataset:
    """Return a dataset of its own that shares all elements with `dataset`.

    Deleting, converting and `put` on the twin leave `dataset` as it was. Items of
    sequences are shared: replace the sequence to change one.
    """
    twin = Dataset(dict(dataset.items()))
    implicit, little = dataset.original_encoding
    twin.set_original_encoding(implicit, little, dataset.original_character_set)
    meta = getattr(dataset, "file_meta", None)
    if meta is not None:
        twin.file_meta = FileMetaDataset(dict(meta.items()))
    preamble = getattr(dataset, "preamble", None)
    if preamble is not None:
        twin.preamble = preamble
    return twin
