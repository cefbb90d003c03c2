"""Two distributions from one repository: what a hospital installs has nothing of the laboratory."""

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from email.message import Message
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import pytest

import deid_node_lab
from deid_node import __version__
from tests.architecture.source import LABORATORY, PACKAGE, ROOT

Wheels = dict[str, zipfile.ZipFile]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    if find_spec("hatchling") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI lacks hatchling", pytrace=False)
        pytest.skip("needs hatchling: make setup")
    built = {}
    for name, folder in (("deid_node", ROOT), ("deid_node_lab", LABORATORY)):
        target = tmp_path_factory.mktemp(name)
        (wheel,) = _built(folder, "wheel", target)
        built[name] = zipfile.ZipFile(wheel)
    return built


def _content(wheel: zipfile.ZipFile) -> set[str]:
    return {name for name in wheel.namelist() if ".dist-info/" not in name}


def _metadata(wheel: zipfile.ZipFile) -> Message:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return message_from_bytes(wheel.read(name))


def _sources(package: Path) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in package.rglob("*.py")}


def test_the_wheel_of_the_node_holds_the_node_and_nothing_else(wheels: Wheels) -> None:
    content = _content(wheels["deid_node"])

    assert _sources(PACKAGE) <= content
    assert {name.partition("/")[0] for name in content} == {"deid_node"}
    assert {"deid_node/py.typed", "deid_node/weights/finder.onnx"} <= content


def test_the_node_asks_for_the_laboratory_in_one_extra_only(wheels: Wheels) -> None:
    asked = _metadata(wheels["deid_node"]).get_all("Requires-Dist") or []

    assert [one for one in asked if "deid-node-lab" in one] == [
        f"deid-node-lab=={__version__}; extra == 'lab'"
    ]


def test_the_wheel_of_the_laboratory_holds_all_of_it(wheels: Wheels) -> None:
    data = {path.relative_to(ROOT).as_posix() for path in LABORATORY.glob("*/*.toml")}

    content = _content(wheels["deid_node_lab"])

    assert data
    assert content == _sources(LABORATORY) | data | {
        "deid_node_lab/py.typed",
        "deid_node_lab/LICENSE",
    }


def test_both_are_of_one_version(wheels: Wheels) -> None:
    metadata = _metadata(wheels["deid_node_lab"])

    assert deid_node_lab.__version__ == __version__ == metadata["Version"]
    assert metadata["Version"] == _metadata(wheels["deid_node"])["Version"]
    asked = metadata.get_all("Requires-Dist") or []
    assert [one for one in asked if "extra" not in one] == [f"deid-node=={__version__}"]


def test_a_commit_that_is_tagged_is_of_the_version_that_its_tag_says() -> None:
    """A release is its tag: what is built there must not call itself something else."""
    tags = _git("tag", "--points-at", "HEAD", "--list", "v*")

    if not tags:
        pytest.skip("no release: this commit has no tag, or there is no repository")
    assert f"v{__version__}" in tags


def test_no_version_is_behind_a_tag_that_came_before() -> None:
    """After a release the next version is written before anything else is built of it."""
    before = _git("tag", "--merged", "HEAD", "--list", "v*")

    assert max(map(_number, before), default=(0,)) <= _number(f"v{__version__}")


def _git(*arguments: str) -> list[str]:
    if which("git") is None:
        return []
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.split() if done.returncode == 0 else []


def _number(tag: str) -> tuple[int, ...]:
    return tuple(int(part) for part in tag.removeprefix("v").split("."))


@pytest.mark.usefixtures("wheels")
def test_a_source_distribution_builds_without_a_repository(tmp_path: Path) -> None:
    (source,) = _built(ROOT, "sdist", tmp_path / "sdist")
    with tarfile.open(source) as packed:
        packed.extractall(tmp_path / "unpacked", filter="data")
    (folder,) = (tmp_path / "unpacked").iterdir()

    (wheel,) = _built(folder, "wheel", tmp_path / "wheel")

    assert wheel.name.startswith(f"deid_node-{__version__}-")
    assert "deid_node/__init__.py" in zipfile.ZipFile(wheel).namelist()


def _built(folder: Path, kind: str, target: Path) -> list[Path]:
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)],
        cwd=folder,
        # Nothing above the folder is a repository to it.
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return list(target.iterdir())


def test_the_laboratory_has_a_command_of_its_own(wheels: Wheels) -> None:
    (name,) = (n for n in wheels["deid_node_lab"].namelist() if n.endswith("entry_points.txt"))

    assert "deid-lab = deid_node_lab.cli:main" in wheels["deid_node_lab"].read(name).decode()


def test_an_editable_laboratory_is_imported_from_the_folder_above_it() -> None:
    """So that one clone holds both, each with the folder name that it is imported by."""
    build = tomllib.loads((LABORATORY / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]

    (folder,) = build["build"]["dev-mode-dirs"]
    assert (LABORATORY / folder).resolve() == ROOT
