"""Tesseract, the program of that name, told to look for scattered text (``--psm 11``).

The picture goes in by standard input and the words come back by standard output:
no file is written. Its language is English, which is what it brings.
"""

import csv
import io
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from deid_node.errors import InputError, Undecodable
from deid_node.pixeldata.arrays import DisplayFrame
from deid_node.pixeldata.picture import png_of
from deid_node.values.geometry import Box

_WORD: Final = "5"
_PATIENCE_SECONDS: Final = 300


class Tesseract:
    """Starts the program once a picture.

    Raises
    ------
    InputError
        The program is not installed.
    """

    def __init__(self, *, threads: int = 1) -> None:
        program = shutil.which("tesseract")
        if program is None:
            raise InputError("tesseract is not installed (apt-get install tesseract-ocr)")
        self._program = program
        # On a busy machine its threads wait for each other by spinning: two are slower than one.
        self._environment = os.environ | {"OMP_THREAD_LIMIT": str(threads)}
        said = subprocess.run(  # noqa: S603 - the path comes from the search path
            [program, "--version"], capture_output=True, text=True, check=False
        )
        version = (said.stdout or said.stderr).split("\n", 1)[0].removeprefix("tesseract").strip()
        self._name = f"Tesseract {version}, sparse text"

    @property
    def name(self) -> str:
        """The program with its version."""
        return self._name

    def boxes(self, picture: DisplayFrame) -> Sequence[Box]:
        """Return a box for each word."""
        rows, columns = picture.shape[:2]
        boxes = []
        for word in self._words(picture):
            left, top, width, height = (
                int(word[key]) for key in ("left", "top", "width", "height")
            )
            right, bottom = min(columns, left + width), min(rows, top + height)
            if 0 <= left < right and 0 <= top < bottom:
                boxes.append(Box(left, top, right, bottom))
        return tuple(boxes)

    def texts(self, picture: DisplayFrame) -> Sequence[str]:
        """Return each word."""
        return tuple(word["text"] for word in self._words(picture))

    def _words(self, picture: DisplayFrame) -> Iterator[Mapping[str, str]]:
        done = subprocess.run(  # noqa: S603 - the path comes from the search path
            [self._program, "-", "-", "--psm", "11", "tsv"],
            input=png_of(picture),
            capture_output=True,
            env=self._environment,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
        if done.returncode:
            # What it says may quote what it read.
            raise Undecodable("tesseract ended with an error")
        table = io.StringIO(done.stdout.decode("utf-8", "replace"))
        for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["level"] == _WORD and (row["text"] or "").strip():
                yield row
