"""The reader that ships, its figures and its card speak of the same file."""

import csv
import hashlib
import json
from importlib import resources
from typing import Any

import pytest

from deid_node.pixels.text.find.runtime import onnxruntime
from deid_node.pixels.text.read.base import UNKNOWN
from deid_node.pixels.text.read.build import build_reader
from deid_node.pixels.text.read.options import CrnnReaderOptions
from deid_node.pixels.text.weights import READER
from deid_node_lab.training.alphabet import ALPHABET
from deid_node_lab.training.card import tables_of
from deid_node_lab.training.reader_card import CARD, reader_tables

WEIGHTS = resources.files("deid_node.weights")


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    figures: dict[str, Any] = json.loads(WEIGHTS.joinpath("reader.json").read_text("utf-8"))
    return figures


def test_the_figures_are_those_of_the_file(report: dict[str, Any]) -> None:
    model = READER.read(None)

    assert report["sha256"] == hashlib.sha256(model).hexdigest()
    assert report["bytes"] == len(model) <= 4_000_000
    assert report["weights"] <= 1_000_000
    reader = build_reader(CrnnReaderOptions(device="cpu"))
    assert reader.name == f"crnn-{report['sha256'][:8]}"
    assert reader.min_confidence == report["min_confidence"]


def test_the_card_repeats_the_figures(report: dict[str, Any]) -> None:
    card = WEIGHTS.joinpath(CARD).read_text("utf-8")

    assert tables_of(card) == reader_tables(report)


def test_the_curve_ends_where_the_figures_say(report: dict[str, Any]) -> None:
    lines = WEIGHTS.joinpath("reader_curve.csv").read_text("utf-8").splitlines()

    steps = [int(float(row["step"])) for row in csv.DictReader(lines)]

    assert steps == sorted(steps)
    assert steps[-1] == report["steps"]


def test_the_alphabet_lies_in_the_file() -> None:
    session = onnxruntime.InferenceSession(READER.read(None))

    alphabet = session.get_modelmeta().custom_metadata_map["alphabet"]

    assert alphabet == ALPHABET
    assert alphabet.endswith(UNKNOWN)
    assert READER.shipped == "reader.onnx"


def test_no_picture_was_trained_on_whose_licence_forbids_it(report: dict[str, Any]) -> None:
    assert report["trained_on"]
    assert not any("GPL" in licence or "MIAS" in licence for licence in report["trained_on"])
