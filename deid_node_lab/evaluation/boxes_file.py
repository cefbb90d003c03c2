"""The file that says where text stands on images: ground truth given by the caller.

::

    {"images": {"sub/a.dcm": {"width": 640, "height": 480, "frame": 0, "boxes": [
        {"x0": 8, "y0": 4, "x1": 174, "y1": 24, "text": "DOE", "optional": false}]}}}

Paths count from the folder of the images. Boxes are half-open pixels of the
stored frame. ``frame``, ``text`` and ``optional`` may be left out. A fault is told
by its place in the file; the text of a box is never repeated.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from deid_node.errors import InputError
from deid_node_lab.evaluation.cases import Item


class _Box(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    x0: int = Field(ge=0)
    y0: int = Field(ge=0)
    x1: int
    y1: int
    text: str = ""
    optional: bool = False

    @model_validator(mode="after")
    def _holds_pixels(self) -> "_Box":
        if self.x1 <= self.x0 or self.y1 <= self.y0:
            raise ValueError("is empty")
        return self


class _Image(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    width: int = Field(gt=0)
    height: int = Field(gt=0)
    frame: int = Field(default=0, ge=0)
    boxes: tuple[_Box, ...] = ()


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    images: Mapping[str, _Image]


@dataclass(frozen=True, slots=True, eq=False)
class KnownText:
    """The lines on one frame of an image of that size."""

    width: int
    height: int
    frame: int
    items: tuple[Item, ...]


def read_boxes(path: Path) -> Mapping[str, KnownText]:
    """Return what stands on each image that the file names, by the image's path.

    Raises
    ------
    InputError
        The file cannot be read, is not of the form above, or a box is empty or does
        not lie inside its image.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise InputError(f"{path} is not JSON") from None
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the top"
        raise InputError(f"{path}: {place}: {_plain(first['msg'])}") from None
    return {name: _known(path, name, image) for name, image in file.images.items()}


def _known(path: Path, name: str, image: _Image) -> KnownText:
    for number, box in enumerate(image.boxes):
        if box.x1 > image.width or box.y1 > image.height:
            raise InputError(f"{path}: images.{name}.boxes.{number}: lies outside the image")
    return KnownText(
        image.width, image.height, image.frame, tuple(_item(box) for box in image.boxes)
    )


def _item(box: _Box) -> Item:
    corners = [[box.x0, box.y0], [box.x1, box.y0], [box.x1, box.y1], [box.x0, box.y1]]
    return Item(np.array(corners, np.float32), box.text, box.optional)


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").lower()
