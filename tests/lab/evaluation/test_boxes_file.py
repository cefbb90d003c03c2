"""A file of boxes is taken whole or refused with the place of its fault."""

import json
from pathlib import Path
from typing import Any

import pytest

from deid_node.errors import InputError
from deid_node_lab.evaluation.boxes_file import read_boxes

BOX = {"x0": 8, "y0": 4, "x1": 20, "y1": 10, "text": "SECRET"}


def written(folder: Path, content: Any) -> Path:
    path = folder / "boxes.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def image(*boxes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"images": {"a.png": {"width": 64, "height": 32, "boxes": list(boxes), **more}}}


def test_boxes_become_items_with_their_text(tmp_path: Path) -> None:
    known = read_boxes(written(tmp_path, image(BOX, {**BOX, "optional": True}, frame=2)))

    (text,) = known.values()
    assert (text.width, text.height, text.frame) == (64, 32, 2)
    first, second = text.items
    assert first.corners.tolist() == [[8, 4], [20, 4], [20, 10], [8, 10]]
    assert (first.text, first.optional, second.optional) == ("SECRET", False, True)
    assert "SECRET" not in repr(text)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("no json", "is not JSON"),
        ({"pictures": {}}, "images"),
        (image({**BOX, "x1": 8}), "images.a.png.boxes.0"),
        (image({**BOX, "x1": 65}), "images.a.png.boxes.0"),
        (image({**BOX, "x0": -1}), "images.a.png.boxes.0.x0"),
        (image({"text": "SECRET"}), "images.a.png.boxes.0.x0"),
        (image(BOX, width=0), "images.a.png.width"),
        (image({**BOX, "text": {"SECRET": 1}}), "images.a.png.boxes.0.text"),
        ([], "the top"),
    ],
)
def test_a_fault_is_told_by_its_place_and_not_by_its_value(
    tmp_path: Path, content: Any, place: str
) -> None:
    with pytest.raises(InputError) as raised:
        read_boxes(written(tmp_path, content))

    assert place in str(raised.value)
    assert "SECRET" not in str(raised.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_boxes(tmp_path / "none.json")
