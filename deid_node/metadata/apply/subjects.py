"""A trial's own list of patients: original Patient ID -> subject id."""

import csv
from collections.abc import Mapping
from pathlib import Path

from deid_node.errors import ConfigurationError, UnknownSubject

TABLE_PATH = "metadata.subject_table_file"
COLUMNS = ("original_patient_id", "subject_id")
ISSUER_COLUMN = "issuer_of_patient_id"
"""May follow the others, where the same Patient ID from two issuers is two patients."""


class SubjectTable:
    """Subject ids by Patient ID and its issuer; its repr tells none of them.

    A row without an issuer holds for a patient of any issuer that has no row.
    """

    __slots__ = ("_subjects",)

    def __init__(self, subjects: Mapping[tuple[str, str], str]) -> None:
        self._subjects = dict(subjects)

    def subject_id(self, original_patient_id: str, issuer: str = "") -> str:
        """Return the subject id of a patient.

        Raises
        ------
        UnknownSubject
            The table does not name the patient.
        """
        for key in ((original_patient_id, issuer), (original_patient_id, "")):
            if key in self._subjects:
                return self._subjects[key]
        raise UnknownSubject

    def __len__(self) -> int:
        return len(self._subjects)


def load_subject_table(path: Path, *, setting: str = TABLE_PATH) -> SubjectTable:
    """Return the table in the CSV file at `path`.

    Columns are ``original_patient_id,subject_id`` and, if need be,
    ``issuer_of_patient_id``. An error names the line, never what stands in it, and
    `setting`, the YAML path that names the file.

    Raises
    ------
    ConfigurationError
        The file cannot be read or is open to others, has other columns, an empty
        cell, a patient twice, or a subject id that is no valid Patient ID.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigurationError(setting, f"{path} is open to others; use chmod 600")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if tuple(reader.fieldnames or ()) not in {COLUMNS, (*COLUMNS, ISSUER_COLUMN)}:
                raise ConfigurationError(setting, f"columns must be {','.join(COLUMNS)}")
            return SubjectTable(_subjects(reader, setting))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(setting, f"{path} cannot be read as a CSV file") from error


def _subjects(reader: "csv.DictReader[str]", setting: str) -> dict[tuple[str, str], str]:
    subjects: dict[tuple[str, str], str] = {}
    for line, cells in enumerate(reader, start=2):
        original = (cells["original_patient_id"] or "").strip()
        subject = (cells["subject_id"] or "").strip()
        issuer = (cells.get(ISSUER_COLUMN) or "").strip()
        if not original or not subject or None in cells:
            raise ConfigurationError(setting, f"line {line} does not have two values")
        if (original, issuer) in subjects:
            raise ConfigurationError(setting, f"line {line} names a patient a second time")
        # LO: 64 characters, no backslash, no control characters; ASCII fits any character set.
        if (
            len(subject) > 64
            or "\\" in subject
            or not (subject.isascii() and subject.isprintable())
        ):
            raise ConfigurationError(setting, f"line {line} has no valid subject id")
        subjects[original, issuer] = subject
    return subjects
