"""What the documents say of commands, settings, files and tests is so."""

import argparse
import ast
import re
import runpy
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from deid_node import cli
from deid_node.config.load import parse
from deid_node.config.schema import Config
from deid_node.errors import ConfigurationError
from deid_node.receive.dimse import refusal
from deid_node.receive.status import StoreStatus
from deid_node_lab import cli as laboratory
from tests.architecture.source import ROOT

README = ROOT / "README.md"
CONFIGURATION = ROOT / "docs" / "configuration.md"
REQUIREMENTS = ROOT / "docs" / "requirements.md"
PICTURE = "docs/images/before-after.png"
HANDED_ON = ("train", "export", "evaluate")
"""Commands that the node hands on to the laboratory, which knows what they take."""

# Lists and tables have their own reading; quotes and comments are no prose of ours.
NO_PROSE = ("|", "#", ">", "<", "!", "    ")


def _pages() -> Sequence[Path]:
    """Return every Markdown page that a reader of the repository meets."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def _named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _blocks(text: str, *languages: str) -> list[str]:
    """Return the code blocks of a page in one of `languages`."""
    found = re.findall(r"^ *```(\w*)\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    return [content for language, content in found if language in languages]


def _without_code(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)


def _commands(text: str, program: str) -> list[str]:
    """Return the calls of `program` in a page: lines of its code blocks, and inline code."""
    lines = "\n".join(_blocks(text, "sh", "console", "")).replace("\\\n", " ").splitlines()
    inline = re.findall(r"`([^`\n]+)`", _without_code(text))
    calls = [line.strip().removeprefix("$ ").split("#")[0].strip() for line in [*lines, *inline]]
    return [call for call in calls if call.startswith(f"{program} ")]


# --- what the code writes itself


@pytest.fixture(scope="module")
def generated() -> Mapping[Path, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "scripts"))
        documents: Mapping[Path, str] = runpy.run_path(str(ROOT / "scripts" / "write_docs.py"))[
            "documents"
        ]()
    return documents


def test_generated_pages_are_those_of_the_code(generated: Mapping[Path, str]) -> None:
    """After a change of a setting or a new decision: ``make docs``."""
    stale = [
        path.relative_to(ROOT).as_posix()
        for path, content in generated.items()
        if not path.exists() or path.read_text(encoding="utf-8") != content
    ]

    assert not stale, "run make docs"


def _schema_paths() -> Iterator[str]:
    """Yield the path of every setting, read from the JSON schema and not by our own walk.

    A definition that stands in several places is followed in the first only,
    as the page does.
    """
    schema = Config.model_json_schema()
    followed: set[str] = set()
    waiting = [("", schema)]
    while waiting:
        # In the order of the page: what is inside a section before the section after it.
        path, node = waiting.pop(0)
        inside: list[tuple[str, Any]] = []
        for name, setting in node.get("properties", {}).items():
            below = f"{path}.{name}".removeprefix(".")
            yield below
            fresh = {one: at for one, at in _references(setting, below) if one not in followed}
            followed.update(fresh)
            inside += [(at, schema["$defs"][one]) for one, at in fresh.items()]
        waiting[:0] = inside


def _references(node: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """Yield the definitions that `node` refers to, each with the path where it stands."""
    if "$ref" in node:
        yield node["$ref"].rpartition("/")[2], path
    inside = [(one, path) for key in ("anyOf", "oneOf", "allOf") for one in node.get(key, ())]
    inside += [(node["items"], f"{path}[]")] if "items" in node else []
    values = (node.get("additionalProperties"), *node.get("patternProperties", {}).values())
    inside += [(one, f"{path}.NAME") for one in values if isinstance(one, dict)]
    for one, at in inside:
        yield from _references(one, at)


@pytest.mark.filterwarnings("ignore::pydantic.json_schema.PydanticJsonSchemaWarning")
def test_every_setting_of_the_schema_is_on_the_page() -> None:
    page = CONFIGURATION.read_text(encoding="utf-8")
    told = set(re.findall(r"(?:</a>|^## )`([^`]+)`", page, re.MULTILINE))

    assert told == set(_schema_paths())


def test_every_setting_has_an_anchor_of_its_own() -> None:
    page = CONFIGURATION.read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and "`" in line]
    anchors = [anchor for row in rows for anchor in re.findall(r'^\| <a id="([^"]+)"></a>', row)]

    assert len(anchors) == len(rows)
    assert len(set(anchors)) == len(anchors)


def test_every_setting_says_what_it_is() -> None:
    page = CONFIGURATION.read_text(encoding="utf-8")
    bare = re.findall(r"</a>`([^`]+)` .*\|  \|$", page, re.MULTILINE)

    assert not bare


# --- what the README promises to a newcomer


class _Parsed(Exception):
    """The command line was understood; nothing shall be done."""


def _understood(call: str) -> bool:
    """Return whether the command line of `call` is one that its program takes."""
    program, *arguments = shlex.split(call)
    if not any(one.startswith("-") for one in arguments) and len(arguments) < 3:
        # Named in running text: `deid-node withheld list`.
        arguments.append("--help")
    try:
        if program == "deid-lab" or arguments[0] in HANDED_ON:
            laboratory.main(arguments)
        else:
            cli.main(arguments)
    except _Parsed:
        return True
    except SystemExit as end:
        return end.code == 0
    return False


@pytest.fixture
def nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a command end once its line was understood."""
    understand = argparse.ArgumentParser.parse_args

    def parse_only(parser: argparse.ArgumentParser, given: Any = None, into: Any = None) -> None:
        understand(parser, given, into)
        raise _Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_only)


@pytest.mark.usefixtures("nothing_is_done")
def test_every_command_on_a_page_is_understood() -> None:
    misunderstood = []
    for page in _pages():
        text = page.read_text(encoding="utf-8")
        calls = [*_commands(text, "deid-node"), *_commands(text, "deid-lab")]
        misunderstood += [f"{_named(page)}: {call}" for call in calls if not _understood(call)]

    assert not misunderstood


@pytest.mark.usefixtures("nothing_is_done")
@pytest.mark.parametrize(
    ("call", "understood"),
    [
        ("deid-node serve --config node.yaml", True),
        ("deid-node withheld list", True),
        ("deid-node withheld forget", False),
        ("deid-node clean in out --quick", False),
        ("deid-node evaluate privacy --images DIR", True),
        ("deid-lab evaluate privacy --pictures DIR", False),
    ],
)
def test_a_wrong_command_line_is_seen(call: str, understood: bool) -> None:
    assert _understood(call) is understood


def test_the_readme_shows_the_commands_of_the_contract() -> None:
    text = README.read_text(encoding="utf-8")

    assert {"demo", "test"} <= {call.split()[1] for call in _commands(text, "make")}
    shown = {shlex.split(call)[1] for call in _commands(text, "deid-node")}
    assert {"check", "serve", "withheld", "clean", "find", "explain"} <= shown


def test_every_verb_of_make_on_a_page_is_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    verbs = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))

    assert not [
        f"{_named(page)}: {call}"
        for page in _pages()
        for call in _commands(page.read_text(encoding="utf-8"), "make")
        if call.split()[1] not in verbs
    ]


def _configurations(page: Path) -> list[str]:
    """Return the YAML blocks that begin with a section of the configuration."""
    sections = tuple(Config.model_fields)
    return [
        block
        for block in _blocks(page.read_text(encoding="utf-8"), "yaml")
        if any(line.startswith(sections) for line in block.splitlines())
    ]


def test_every_configuration_on_a_page_is_valid(tmp_path: Path) -> None:
    invalid = []
    for page in _pages():
        for block in _configurations(page):
            try:
                parse(block, folder=tmp_path, environment={})
            except ConfigurationError as error:
                invalid.append(f"{_named(page)}: {error}")

    assert not invalid


def test_the_readme_shows_a_configuration() -> None:
    assert _configurations(README)


def test_the_conformance_statement_has_the_statuses_and_reasons_of_the_door() -> None:
    page = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
    answered = page.partition("### Statuses of C-STORE that are answered")[2].partition("\n#")[0]
    rejected = page.partition("### Associations that are accepted")[2].partition("\n#")[0]
    told = {
        tuple(map(int, numbers))
        for numbers in re.findall(r"\| (\d), \w+ \| (\d) \| (\d),", rejected)
    }
    refusals = [one for one in vars(refusal).values() if isinstance(one, refusal.Refusal)]

    assert re.findall(r"^\| 0x(\w{4}) ", answered, re.MULTILINE) == [
        f"{status:04X}" for status in sorted(set(StoreStatus) - {StoreStatus.SYNTAX_NOT_SUPPORTED})
    ]
    stored = page.partition("### Store Transaction (STOW-RS)")[2].partition("\n#")[0]
    assert re.findall(r"^\| 0x(\w{4}) ", stored, re.MULTILINE) == [
        f"{status:04X}"
        for status in sorted(set(StoreStatus) - {StoreStatus.SUCCESS, StoreStatus.NOT_AUTHORISED})
    ]
    assert told == {(one.result, one.source, one.diagnostic) for one in refusals}


def test_the_picture_is_shown_as_soon_as_it_is_there() -> None:
    shown = re.search(rf"^!\[[^\]]+\]\({PICTURE}\)$", README.read_text("utf-8"), re.MULTILINE)

    assert (shown is not None) == (ROOT / PICTURE).exists()


# --- what any page may rely on


def _broken_links(page: Path) -> Iterator[str]:
    text = re.sub(r"<!--.*?-->", "", _without_code(page.read_text("utf-8")), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        if not there.exists() or (anchor and anchor not in _anchors(there)):
            yield f"{_named(page)}: {target}"


def test_links_lead_somewhere() -> None:
    assert not [link for page in _pages() for link in _broken_links(page)]


def _anchors(page: Path) -> set[str]:
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", _without_code(text), re.MULTILINE)
    slugs = {re.sub(r"[^\w -]", "", one.lower()).strip().replace(" ", "-") for one in headings}
    return slugs | set(re.findall(r'<a id="([^"]+)"', text))


def test_prose_has_one_sentence_a_line() -> None:
    """So that a change of one sentence is a change of one line."""
    # Rooms wrap their own records as they like; the numbered ones are the house's.
    pages = [
        page for page in _pages() if page.parent.name != "decisions" or page.name[:4].isdigit()
    ]

    assert not [
        f"{_named(page)}: {line}"
        for page in pages
        for line in _without_code(page.read_text(encoding="utf-8")).splitlines()
        if line and not line.startswith(NO_PROSE) and re.search(r"[a-z)`]\. [A-Z]", line)
    ]


def test_every_decision_says_when_it_was_made_and_whether_it_is_in_force() -> None:
    """In its third line, below a title that names the subject."""
    day = r"\d{4}-\d\d-\d\d"
    state = re.compile(rf"Decided {day}( to {day})?, (in force|given up for \[.+\]\(.+\.md.*\))\.")
    records = [page for page in (ROOT / "docs" / "decisions").glob("*.md") if page.stem != "README"]

    assert records
    assert not [
        _named(page)
        for page in records
        if not (lines := page.read_text(encoding="utf-8").splitlines())[0].startswith("# ")
        or not state.fullmatch(lines[2])
    ]


# --- requirements


def _requirements() -> dict[str, list[str]]:
    """Return the tests that each requirement names."""
    rows = re.findall(
        r"^\| (REQ-[A-Z]{2}-\d{2}) \| [^|]+ \| ([^|]*) \|$",
        REQUIREMENTS.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert len(rows) == len({name for name, _ in rows}), "an id stands twice"
    return {name: re.findall(r"`([^`]+)`", tests) for name, tests in rows}


@cache
def _test_functions(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }


def test_the_tests_that_prove_a_requirement_exist() -> None:
    requirements = _requirements()
    assert requirements
    for name, tests in requirements.items():
        for test in tests:
            path, _, function = test.partition("::")
            assert (ROOT / path).is_file(), f"{name}: {test}"
            assert function in _test_functions(ROOT / path), f"{name}: {test}"


def test_the_tests_behind_what_is_said_of_reliability_exist() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    promises = page.partition("## Figures")[0]
    rows = [line for line in promises.splitlines() if line[:1] == "|" and line[:5] != "| ---"]

    for row in rows:
        named = re.findall(r"`(tests/[^`]+\.py)::(\w+)`", row)
        assert named or row.startswith("| Fault"), row
        for path, function in named:
            assert function in _test_functions(ROOT / path), f"{path}::{function}"


def test_every_room_of_the_journey_has_requirements() -> None:
    rooms = {name.split("-")[1] for name in _requirements()}

    assert rooms == {"RX", "RT", "PX", "MD", "FW", "NW", "OB", "CL"}


def test_marks_on_tests_name_requirements_that_exist() -> None:
    marked = {
        (path.name, name)
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for name in re.findall(r"mark\.req\(\"(REQ-[^\"]+)\"", path.read_text(encoding="utf-8"))
    }

    assert not {one for one in marked if one[1] not in _requirements()}
