"""A trial's own list of patients: original Patient ID -> subject id."""

import csv
from collections.abc import Mapping
from pathlib import Path

from deid_node.errors import ConfigurationError, UnknownSubject

TABLE_PATH = "metadata.subject_table_file"
COLUMNS = ("original_patient_id", "subject_id")


class SubjectTable:
    """Subject ids by original Patient ID; its repr tells neither."""

    __slots__ = ("_subjects",)

    def __init__(self, subjects: Mapping[str, str]) -> None:
        self._subjects = dict(subjects)

    def subject_id(self, original_patient_id: str) -> str:
        """Return the subject id of a patient.

        Raises
        ------
        UnknownSubject
            The table does not name the patient.
        """
        subject_id = self._subjects.get(original_patient_id)
        if subject_id is None:
            raise UnknownSubject
        return subject_id

    def __len__(self) -> int:
        return len(self._subjects)


def load_subject_table(path: Path) -> SubjectTable:
    """Return the table in the CSV file at `path`.

    Columns are ``original_patient_id,subject_id``. An error names the line, never
    what stands in it.

    Raises
    ------
    ConfigurationError
        The file cannot be read, has other columns, an empty cell, a patient
        twice, or a subject id that is no valid Patient ID.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise ConfigurationError(TABLE_PATH, f"columns must be {','.join(COLUMNS)}")
            return SubjectTable(_subjects(reader))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(TABLE_PATH, f"{path} cannot be read as a CSV file") from error


def _subjects(reader: "csv.DictReader[str]") -> dict[str, str]:
    subjects: dict[str, str] = {}
    for line, cells in enumerate(reader, start=2):
        original = (cells["original_patient_id"] or "").strip()
        subject = (cells["subject_id"] or "").strip()
        if not original or not subject or None in cells:
            raise ConfigurationError(TABLE_PATH, f"line {line} does not have two values")
        if original in subjects:
            raise ConfigurationError(TABLE_PATH, f"line {line} names a patient a second time")
        # LO: 64 characters, no backslash, no control characters; ASCII fits any character set.
        if (
            len(subject) > 64
            or "\\" in subject
            or not (subject.isascii() and subject.isprintable())
        ):
            raise ConfigurationError(TABLE_PATH, f"line {line} has no valid subject id")
        subjects[original] = subject
    return subjects
