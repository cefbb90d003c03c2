import logging
import subprocess
import sys
import warnings
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset, config, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from deid_node.dicom.silence import silenced

ROOT = Path(__file__).resolve().parents[3]


def _instance_that_libraries_complain_about() -> bytes:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, "1.2.3"
    dataset.StudyDate = "20200101"
    dataset.PatientName = "Canarybird"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue().replace(b"20200101", b"CANARYBI")


def test_without_silence_a_value_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason for this room: if this fails, the libraries have mended their ways."""
    # As they are installed: a node that stands for a whole module of tests may have changed that.
    monkeypatch.setattr(config.settings, "_reading_validation_mode", None)
    monkeypatch.setattr(config.settings, "_writing_validation_mode", None)
    dataset = Dataset()

    with pytest.warns(UserWarning, match="CANARYBIRD"):
        dataset.StudyDate = "CANARYBIRD"


def test_no_warning_is_raised_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    dataset = dcmread(BytesIO(_instance_that_libraries_complain_about()))

    with silenced(), warnings.catch_warnings(record=True) as caught:
        assert dataset.StudyDate == "CANARYBI"
        dataset.StudyDate = "CANARYBIRD, long after"
        logging.getLogger("pydicom").error("canarybird")
        logging.getLogger("pynetdicom.acse").error("canarybird")
        logging.getLogger("py.warnings").error("canarybird")

    assert not caught
    assert "canarybi" not in caplog.text.lower()


def test_all_is_put_back() -> None:
    logger = logging.getLogger("pydicom")
    before = (list(logger.handlers), logger.propagate, logger.level, list(warnings.filters))
    modes = (config.settings.reading_validation_mode, config.settings.writing_validation_mode)

    with silenced():
        assert config.settings.reading_validation_mode == config.IGNORE

    assert (list(logger.handlers), logger.propagate, logger.level, list(warnings.filters)) == before
    assert modes == (
        config.settings.reading_validation_mode,
        config.settings.writing_validation_mode,
    )


def test_importing_changes_nothing_and_calling_silences_a_process(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(_instance_that_libraries_complain_about())
    script = """
import logging, sys, warnings
logging.basicConfig(level=logging.DEBUG)
filters = list(warnings.filters)
import pydicom, pynetdicom
import deid_node.dicom.silence as silence
assert logging.getLogger("pydicom").propagate and silence
silence.silence_libraries()
silence.silence_libraries()
dataset = pydicom.dcmread(sys.argv[1])
str(dataset)
dataset.StudyDate = "CANARYBIRD forever and ever"
pynetdicom.debug_logger()
silence.silence_libraries()
logging.getLogger("pynetdicom.dul").critical("canarybird")
warnings.warn("canarybird")
"""

    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", script, str(path)],
        capture_output=True,
        check=True,
        cwd=ROOT,
    )

    assert b"canarybi" not in (done.stdout + done.stderr).lower()
