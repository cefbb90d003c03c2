from pathlib import Path

import pytest

from deid_node.errors import ConfigurationError
from deid_node.metadata.apply.subjects import load_subject_table


def _written(folder: Path, text: str) -> Path:
    path = folder / "subjects.csv"
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.req("REQ-MD-11")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_table_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = _written(tmp_path, "original_patient_id,subject_id\n4711,S-1\n")
    path.chmod(mode)

    with pytest.raises(ConfigurationError, match="open to others"):
        load_subject_table(path)


def test_a_table_is_read(tmp_path: Path) -> None:
    path = _written(tmp_path, "original_patient_id,subject_id\n 4711 ,S-1\n4712,S-2\n")

    table = load_subject_table(path)

    assert len(table) == 2
    assert table.subject_id("4711") == "S-1"


def test_two_patients_may_be_one_subject(tmp_path: Path) -> None:
    path = _written(tmp_path, "original_patient_id,subject_id\n4711,S-1\nold-4711,S-1\n")

    assert load_subject_table(path).subject_id("old-4711") == "S-1"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("id,subject\nCANARYBIRD,S\n", "columns"),
        ("original_patient_id,subject_id\nCANARYBIRD\n", "line 2"),
        ("original_patient_id,subject_id\nCANARYBIRD,\n", "line 2"),
        ("original_patient_id,subject_id\nCANARYBIRD,S,T\n", "line 2"),
        ("original_patient_id,subject_id\nCANARYBIRD,S\nCANARYBIRD,T\n", "line 3"),
        ("original_patient_id,subject_id\nx,CANARYBIRD\\CANARYBIRD\n", "line 2"),
        (f"original_patient_id,subject_id\nx,{'CANARYBIRD' * 7}\n", "line 2"),
        ("original_patient_id,subject_id\nx,CANÄRYBIRD\n", "line 2"),
        ("", "columns"),
    ],
)
def test_a_faulty_table_is_refused_without_its_values(tmp_path: Path, text: str, line: str) -> None:
    with pytest.raises(ConfigurationError, match=line) as raised:
        load_subject_table(_written(tmp_path, text))

    assert "canary" not in str(raised.value).lower()
    assert raised.value.path == "metadata.subject_table_file"


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_subject_table(tmp_path / "nowhere.csv")


def test_a_third_column_tells_issuers_apart(tmp_path: Path) -> None:
    path = tmp_path / "subjects.csv"
    path.touch(mode=0o600)
    path.write_text(
        "original_patient_id,subject_id,issuer_of_patient_id\n4711,S-1,NORTH\n4711,S-2,\n",
        encoding="utf-8",
    )

    table = load_subject_table(path)

    assert table.subject_id("4711", "NORTH") == "S-1"
    assert table.subject_id("4711", "SOUTH") == table.subject_id("4711") == "S-2"
