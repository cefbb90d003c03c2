from pathlib import Path

import pytest

from deid_node.demo.canary import CANARY, traces_below, traces_in


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("needle", CANARY.needles)
@pytest.mark.parametrize("fold", [str.upper, str.lower, str], ids=["upper", "lower", "as is"])
def test_every_spelling_is_seen(encoding: str, needle: str, fold: type[str]) -> None:
    content = b"\0\x01" + fold(needle).encode(encoding) + b"\xff"

    assert needle in traces_in(content)


def test_bytes_without_her_have_no_trace() -> None:
    assert traces_in(b"Nobody^Known 19800101 ID 4711") == ()


def test_names_of_files_count_too(tmp_path: Path) -> None:
    told = tmp_path / "below" / f"{CANARY.family_name}.dcm"
    told.parent.mkdir()
    told.write_bytes(b"")
    (tmp_path / "silent.dcm").write_bytes(b"nothing")

    assert list(traces_below(tmp_path)) == [told]


def test_what_is_burned_in_is_what_is_searched_for() -> None:
    burned = " ".join(CANARY.lines)

    assert CANARY.patient_id in burned
    assert CANARY.family_name in burned
    assert CANARY.printed_birth_date in burned
