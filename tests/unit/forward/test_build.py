"""What the rest of the node asks a family of destinations, answered by its face."""

import sys
from pathlib import Path

import pytest

from deid_node.errors import ConfigurationError
from deid_node.forward.build import (
    certificates_of,
    check_destination,
    check_tls,
    is_export,
    reporting_titles,
    reports_as,
)
from deid_node.forward.options import CStoreOptions, DestinationOptions, FolderOptions, TlsOptions
from deid_node.forward.stow.options import StowOptions
from tests.fakes.certificates import Authority


def archive(**options: object) -> CStoreOptions:
    return CStoreOptions.model_validate(
        {"kind": "cstore", "ae_title": "RESEARCH", "host": "127.0.0.1", "port": 104, **options}
    )


def folder(path: Path) -> FolderOptions:
    return FolderOptions(kind="folder", dir=path)


def cloud(**options: object) -> StowOptions:
    return StowOptions.model_validate({"kind": "stow", "url": "http://127.0.0.1:8042", **options})


def fault_of(name: str, options: DestinationOptions) -> str:
    with pytest.raises(ConfigurationError) as raised:
        check_destination(name, options, ae_titles={"DEIDNODE"})
    return raised.value.path


def test_only_what_leaves_for_media_is_an_export(tmp_path: Path) -> None:
    kinds = (archive(), cloud(), folder(tmp_path))

    assert [is_export(one) for one in kinds] == [False, False, True]


def test_who_is_asked_for_its_commitment_calls_back_by_its_title(tmp_path: Path) -> None:
    asked = archive(commitment="wanted")

    assert [reports_as(one) for one in (asked, archive(), cloud(), folder(tmp_path))] == [
        "RESEARCH", None, None, None,
    ]  # fmt: skip
    assert reporting_titles({"a": asked, "b": folder(tmp_path)}) == {"RESEARCH"}


def test_what_is_well_is_found_well(tmp_path: Path) -> None:
    for options in (archive(), cloud(), folder(tmp_path / "new")):
        check_destination("research", options, ae_titles={"DEIDNODE"})
    assert not (tmp_path / "new").exists()


def test_without_its_library_an_archive_of_the_web_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What the import system takes for a module that is not there.
    monkeypatch.setitem(sys.modules, "httpx2", None)

    assert fault_of("research", cloud()) == "forward.destinations.research.kind"


def test_a_fault_is_named_by_its_setting(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    broken: dict[str, DestinationOptions] = {
        "host": archive(host="nowhere.invalid"),
        "commitment": archive(commitment="required", calling_ae_title="OTHER"),
        "tls.ca_file": archive(tls=TlsOptions(ca_file=file)),
        "dir": folder(file / "below"),
        "url": cloud(url="https://nowhere.invalid/dicom-web"),
    }

    paths = {setting: fault_of("research", options) for setting, options in broken.items()}

    assert paths == {setting: f"forward.destinations.research.{setting}" for setting in broken}


def test_certificates_are_those_of_tls_and_a_folder_has_none(tmp_path: Path) -> None:
    secured = archive(tls=TlsOptions(ca_file=Authority(tmp_path).file))
    for options in (secured, archive(), folder(tmp_path)):
        check_tls("research", options)

    assert [(one.part, one.setting) for one in certificates_of("research", secured)] == [
        ("forward_research", "ca_file")
    ]
    assert certificates_of("research", archive()) == ()
    assert certificates_of("research", folder(tmp_path)) == ()
