"""The tables and the curve say what the figures say, whatever they are."""

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from deid_node_lab.evaluation.curve import curve, thresholds
from deid_node_lab.evaluation.figures import Figure
from deid_node_lab.evaluation.tables import share, table


def finder(min_score: float = 0.5) -> dict[str, Any]:
    def sets(recall: float, area: float) -> dict[str, dict[str, float]]:
        one = {"recall": recall, "unneeded_area": area, "images": 9, "images_touched": 2}
        return {"rendered": one, "screens": one, "text_free": one}

    return {
        "min_score": min_score,
        "validation_by_score": {"0.3": sets(0.99, 0.02), "0.5": sets(0.98, 0.01)},
    }


def test_a_figure_is_told_with_its_interval_and_its_counts() -> None:
    figure = Figure(value=0.9, low=0.8, high=1.0, part=9, whole=10)

    assert share(figure, counted=True) == "9 / 10, **0.900** (0.800 to 1.000)"
    assert share(figure, percent=True) == "**90.00%** (80.00% to 100.00%)"
    assert share(Figure(value=None, low=None, high=None, part=0, whole=0)) == "-"


def test_a_table_is_markdown() -> None:
    assert table(("a", "b"), [(1, 2)]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n"


@pytest.mark.parametrize("min_score", [0.3, 0.5, 0.42])
def test_the_curve_is_a_picture_with_one_chosen_point_a_line(min_score: float) -> None:
    picture = ET.fromstring(curve(finder(min_score)))

    circles = picture.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) == 4
    assert sum(one.get("fill") != "#ffffff" for one in circles) == 2
    for one in circles:
        assert 0 < float(one.attrib["cx"]) < 640
        assert 0 < float(one.attrib["cy"]) < 400


def test_the_chosen_threshold_is_marked() -> None:
    assert "| 0.5 (chosen) | 0.9800 | 1.00% |" in thresholds(finder())
