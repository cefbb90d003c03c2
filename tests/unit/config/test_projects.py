"""Two projects on one node: neither can be linked to the other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file

from deid_node.checks import check_all, key_marks
from deid_node.cli import main
from deid_node.config.load import load
from deid_node.config.schema import Config
from deid_node.corridor import corridor_factory, keys_of
from deid_node.errors import ConfigurationError
from deid_node.metadata.apply.keys import new_key_file
from deid_node.metadata.apply.pseudonyms import Pseudonyms
from deid_node.spool.custody import Custody
from deid_node.spool.files import PLAIN
from deid_node.spool.options import SpoolOptions
from tests.unit.pipeline.test_kept_text import an_order, sealed


def node(folder: Path, *, heart: Mapping[str, Any]) -> Path:
    """Write a configuration with the treatments `lung`, by the site's key, and `heart`."""
    for name in ("pseudonym", "heart"):
        if not (folder / f"{name}.key").exists():
            new_key_file(folder / f"{name}.key")
    to = [
        {
            "name": name,
            "when": {"kind": "matches", "attribute": "StudyDescription", "pattern": name},
            "then": {"kind": "forward", "treatment": name, "destinations": ["archive"]},
        }
        for name in ("lung", "heart")
    ]
    path = folder / "node.yaml"
    path.write_text(
        yaml.safe_dump(
            {
                "route": {"rules": to},
                "treatments": {"lung": {}, "heart": {"project": dict(heart)}},
                "forward": {"destinations": {"archive": {"kind": "folder", "dir": "./out"}}},
            }
        )
    )
    return path


def an_instance(description: str) -> Dataset:
    dataset = dcmread(str(get_testdata_file("CT_small.dcm")))
    dataset.StudyDescription = description
    return dataset


def test_each_project_has_pseudonyms_of_its_own(tmp_path: Path) -> None:
    own = {"pseudonym_key_file": "./heart.key", "patient_id_prefix": "HEART-"}
    config = load(node(tmp_path, heart=own), environment={})
    check_all(config)
    corridor = corridor_factory(config, keys=tuple(keys_of(config).values()), files=PLAIN)()

    clean = {}
    for project in ("lung", "heart"):
        (tmp_path / project).mkdir()
        order = an_order(tmp_path / project, an_instance(project))
        sealed(corridor.clean(order))
        clean[project] = dcmread(order.output)

    lung, heart = clean["lung"], clean["heart"]
    assert str(heart.PatientID).startswith("HEART-")
    assert not str(lung.PatientID).startswith("HEART-")
    for keyword in ("PatientID", "StudyInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
        assert lung[keyword].value != heart[keyword].value


def test_what_a_project_does_not_name_is_that_of_the_site(tmp_path: Path) -> None:
    config = load(node(tmp_path, heart={"patient_id_prefix": "H"}), environment={})

    keys = keys_of(config)
    assert keys["heart"] == keys["lung"]
    assert config.treatments["heart"].project.over(config.metadata).dates == config.metadata.dates


def test_a_fault_names_the_setting_of_the_project(tmp_path: Path) -> None:
    for own, path in (
        ({"pseudonym_key_file": "./gone.key"}, "pseudonym_key_file"),
        ({"subject_table_file": "./gone.csv"}, "subject_table_file"),
        ({"crosswalk": {"enabled": True, "file": "./gone/list.sqlite"}}, "crosswalk.file"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            check_all(load(node(tmp_path, heart=own), environment={}))
        assert caught.value.path == f"treatments.heart.project.{path}"


def test_two_keys_do_not_write_to_one_crosswalk(tmp_path: Path) -> None:
    path = node(tmp_path, heart={"pseudonym_key_file": "./heart.key"})
    shared = yaml.safe_load(path.read_text()) | {"metadata": {"crosswalk": {"enabled": True}}}
    path.write_text(yaml.safe_dump(shared))

    with pytest.raises(ConfigurationError) as caught:
        check_all(load(path, environment={}))

    assert caught.value.path == "metadata.crosswalk.file"
    shared["treatments"]["heart"]["project"]["crosswalk"] = {
        "enabled": True,
        "file": "./heart.sqlite",
    }
    path.write_text(yaml.safe_dump(shared))
    check_all(load(path, environment={}))


def test_the_crosswalk_of_a_project_is_exported_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = {"pseudonym_key_file": "./heart.key", "crosswalk": {"enabled": True, "file": "./h.db"}}
    path = node(tmp_path, heart=own)
    config = load(path, environment={})
    corridor = corridor_factory(config, keys=tuple(keys_of(config).values()), files=PLAIN)()
    sealed(corridor.clean(an_order(tmp_path, an_instance("heart"))))
    output = str(tmp_path / "pairs.csv")
    arguments = ["crosswalk", "export", output, "--config", str(path)]

    assert main(arguments) == 2
    assert main([*arguments, "--treatment", "heart"]) == 0
    new = Pseudonyms(keys_of(config)["heart"]).uid(str(an_instance("heart").SOPInstanceUID))
    assert new in (tmp_path / "pairs.csv").read_text()
    assert "does not enable" in capsys.readouterr().err


def test_the_spool_remembers_each_key(tmp_path: Path) -> None:
    path = node(tmp_path, heart={"pseudonym_key_file": "./heart.key"})
    custody = Custody(SpoolOptions(dir=tmp_path / "spool", reserve_bytes=0), exclusive=True)
    custody.open()
    try:
        for mark in key_marks(load(path, environment={}), custody):
            mark.require()
            mark.write()
        (tmp_path / "heart.key").unlink()
        new_key_file(tmp_path / "heart.key")
        site, heart = key_marks(load(path, environment={}), custody)

        site.require()
        with pytest.raises(ConfigurationError) as caught:
            heart.require()
    finally:
        custody.close()
    assert caught.value.path == "treatments.heart.project.pseudonym_key_file"


def test_the_key_of_a_project_is_not_that_of_the_spool(tmp_path: Path) -> None:
    path = node(tmp_path, heart={"pseudonym_key_file": "./heart.key"})
    given = yaml.safe_load(path.read_text())
    given["spool"] = {"encryption": "aes_gcm", "encryption_key_file": "./heart.key"}
    path.write_text(yaml.safe_dump(given))

    with pytest.raises(ConfigurationError) as caught:
        check_all(load(path, environment={}))

    assert caught.value.path == "spool.encryption_key_file"


def test_no_key_is_shown(tmp_path: Path) -> None:
    config: Config = load(node(tmp_path, heart={}), environment={})
    keys = tuple(keys_of(config).values())

    shown = repr(corridor_factory(config, keys=keys, files=PLAIN))
    assert all(repr(key)[2:-1] not in shown for key in keys)
