"""The images that a caller names, as cases: with the caller's boxes, or with text drawn here."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from pydicom.dataset import Dataset

from deid_node.dicom import part10
from deid_node.errors import CleaningError, InputError
from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixels.text.scan import is_picture, read_picture
from deid_node_lab.evaluation.boxes_file import KnownText
from deid_node_lab.evaluation.cases import Case, Item, case_of, dataset_of


class Renderer(Protocol):
    """Draws known text onto a picture without text."""

    def render(self, picture: DisplayFrame, index: int) -> tuple[DisplayFrame, tuple[Item, ...]]:
        """Return a copy of `picture` with text, number `index` of its kind, and what it says."""
        ...


def given_cases(
    folder: Path, known: Mapping[str, KnownText]
) -> Iterator[tuple[Path, Case | CleaningError]]:
    """Give each image that the boxes name, in the order of their names, or why it is none.

    Raises
    ------
    InputError
        An image is missing; later, one is not of the size that its boxes were made for.
    """
    for name in known:
        if not (folder / name).is_file():
            raise InputError(f"{folder / name} does not exist, but has boxes")
    return _given(folder, known)


def _given(
    folder: Path, known: Mapping[str, KnownText]
) -> Iterator[tuple[Path, Case | CleaningError]]:
    for name in sorted(known):
        path, text = folder / name, known[name]
        try:
            dataset, group = _read(path, folder)
            case = case_of(dataset, text.items, frame=text.frame, group=group)
        except CleaningError as error:
            yield path, error
            continue
        if case.picture.shape[:2] != (text.height, text.width):
            raise InputError(f"{path} is not of the size that its boxes were made for")
        yield path, case


def rendered_cases(
    paths: Sequence[Path], folder: Path, renderer: Renderer
) -> Iterator[tuple[Path, Case | CleaningError]]:
    """Yield each image as a person is shown its first frame, with text drawn onto it.

    Of a DICOM file the picture is taken and the rest left behind: what is drawn is no
    part of its header, and the drawn text would not stand in its stored range.
    """
    for index, path in enumerate(paths):
        try:
            dataset, group = _read(path, folder)
            plain = case_of(dataset, (), group=group)
        except CleaningError as error:
            yield path, error
            continue
        picture, items = renderer.render(plain.picture, index)
        yield path, case_of(dataset_of(picture), items, group=plain.group)


def _read(path: Path, folder: Path) -> tuple[Dataset, str | None]:
    """Return an instance, and the folder's name as the group of a picture."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
        if not is_picture(head):
            return part10.read(path), None
        picture = read_picture(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    below = path.relative_to(folder).parts if path.is_relative_to(folder) else ()
    return dataset_of(picture), below[0] if len(below) > 1 else "-"
