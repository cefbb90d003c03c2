"""The shell asks what could come next."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("deid-node expl", {"explain "}),
        ("deid-node explain --chan", {"--changed "}),
        ("deid-node withheld re", {"release "}),
    ],
)
def test_commands_and_options_are_completed(line: str, offered: set[str], tmp_path: Path) -> None:
    pytest.importorskip("argcomplete", reason="the extra completion is not installed here")
    answer = tmp_path / "answer"
    asked = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "_ARGCOMPLETE_IFS": "\n",
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }

    subprocess.run(
        [sys.executable, "-m", "deid_node"], env=os.environ | asked, check=True, timeout=120
    )

    assert set(answer.read_text().split("\n")) == offered
