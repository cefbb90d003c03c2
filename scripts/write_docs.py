# ruff: noqa: INP001  # a script, not a package
"""Write the parts of the documentation that the code knows better than we do.

``python scripts/write_docs.py`` writes ``docs/configuration.md`` from the schema
and ``docs/decisions/README.md`` from the decisions found beside it. A test
compares the committed files with what `documents` returns, so a setting that is
added, renamed or explained anew reaches the page before it reaches a user.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
DECISIONS: Final = ROOT / "docs" / "decisions"


def documents() -> Mapping[Path, str]:
    """Return every generated file with its content."""
    from configuration_page import configuration

    return {
        ROOT / "docs" / "configuration.md": configuration(),
        DECISIONS / "README.md": decisions(),
    }


def decisions() -> str:
    """Return the list of decision records, numbered ones first, then by room."""
    rows = []
    for path in sorted(DECISIONS.glob("*.md")):
        if path.name != "README.md":
            title = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ").strip()
            rows.append((path.name, title))
    return "\n".join(
        (
            "<!-- Written by `make docs` from the files of this folder. Do not edit. -->",
            "",
            "# Decisions",
            "",
            "Each record says what was decided, why, and what it costs.",
            "A decision that is changed keeps its record, with a line that names the new one.",
            "",
            "| Record | Decision |",
            "| --- | --- |",
            *(f"| [{name.removesuffix('.md')}]({name}) | {title} |" for name, title in rows),
            "",
        )
    )


if __name__ == "__main__":
    # The package lies beside this folder, installed or not.
    sys.path.insert(0, str(ROOT))
    for target, content in documents().items():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
