r"""Lines of the kind that must never stay: a pattern that lets one through is refused.

They are made up and few; they do not prove a pattern safe. They catch the pattern
that says more than its author thought (``.*``, ``[A-Z]+``, ``\d+``). What guards
a patient is the comparison of each line with the header.
"""

from collections.abc import Iterator
from typing import Final

_NAMES: Final = (
    *("LI", "NG", "WU", "XU", "HO", "LE", "VO", "MA", "HU"),
    *("LEE", "KIM", "RAO", "COX", "ROY", "ALI", "PIA", "FRITZ", "SALLI", "O'HARA"),
    *("DOE", "ROSS", "HALL", "JONES", "SMITH", "MILLER", "JOHNSON", "ANDERSON", "HERNANDEZ"),
    *("MUELLER", "MÜLLER", "GARCÍA", "IVANOVA", "ALEXANDROS", "SCHMIDT-MEYER", "VAN DER BERG"),
    *("DOE JANE", "DOE, JANE", "DOE^JANE", "DOE^JANE^M", "DOE^JANE^^DR", "JANE DOE", "JANE M. DOE"),
    *("J. DOE", "DOE J", "J.D.", "JD", "DOE_JANE", "SMITH,JOHN A", "SMITH-JONES, ANN", "LI NA"),
    *("DR DOE", "DR. DOE", "PROF. DOE", "MR DOE", "MRS. JANE DOE", "HERR MEIER", "FRAU MEIER"),
    *("JOHN_Q_PUBLIC_MD", "山田太郎", "山田^太郎", "Иванова", "Παπάς", "M"),
)
_PLACES: Final = (
    *("CITY HOSPITAL", "ST. MARY'S", "ST MARY HOSPITAL", "GENERAL HOSPITAL", "WARD 7", "RM 12"),
    *(
        "UNIVERSITY CLINIC",
        "UNIVERSITÄTSKLINIKUM",
        "CHU NANTES",
        "CT01",
        "ROOM 3",
        "12 MAIN STREET",
    ),
    *("10115 BERLIN", "SPRINGFIELD, IL", "UCSF", "MGH"),
)
_DATES: Final = (
    *("1957", "2023", "19570430", "20231204", "570430", "300457", "04301957", "1957-04-30"),
    *("2023/12/04", "2023.12.04", "2023-12-4", "30.04.1957", "30.4.57", "4.12.23", "30/04/57"),
    *("04/30/1957", "4/30/57", "12-04-2023", "12-04-23", "30 04 1957", "30 APR 1957", "30-APR-57"),
    *("30APR1957", "APR 30, 1957", "APR-30-1957", "APRIL 30 1957", "4 DEC 2023", "DEC 2023"),
    *("12/2023", "12/23", "2023-12", "30.04.", "4. DEZ. 2023", "30 AVR 1957", "令和5年12月4日"),
    *("04/12/2023 10:41:07", "2023-12-04T10:41:07", "20231204104107", "12/04/23 10:41 AM"),
    *("10:41", "10:41:07", "10:41:07.123", "10:41 AM", "10.41 UHR", "104107", "10H41"),
    *("MON 04 DEC", "45Y", "045Y", "45 Y", "93Y", "93 YRS", "93", "45Y 3M", "AGE 45", "011M"),
)
_NUMBERS: Final = (
    *("A1234567", "RA-23-004711", "X-4711", "MR004711", "AB123456C", "4711/23", "123-45-6789"),
    *(
        "123 456 789",
        "12 34 56 78",
        "00.123.456",
        "0012345-6",
        "E000123",
        "S4711",
        "P12345",
        "1-234",
    ),
    *("+49 30 123456", "030/123456", "(555) 123-4567", "555-123-4567", "555-1234", "+15551234567"),
    *("1.2.840.113619.2.1", "2.25.123456789", "JANE.DOE@EXAMPLE.ORG", "192.168.0.12", "EX 4711"),
)
_LABELS: Final = (
    *("NAME", "PATIENT", "PAT", "PT", "ID", "PID", "PATIENT ID", "MRN", "ACC", "ACC#", "ACC NO"),
    *(
        "ACCESSION",
        "DOB",
        "BIRTH",
        "D.O.B.",
        "GEB.",
        "DATE",
        "STUDY",
        "EXAM",
        "TEL",
        "PHONE",
        "SSN",
    ),
    *("AGE", "SEX", "OP", "OPERATOR", "TECH", "REF", "REFERRING", "PHYSICIAN", "HOSPITAL", "SITE"),
    *("INSTITUTION", "STATION", "AT", "BY"),
)


def probes() -> Iterator[str]:
    """Yield each line as it is, in small letters and as a title, and behind each label."""
    for line in (*_NAMES, *_PLACES, *_DATES, *_NUMBERS, *_runs_of_digits()):
        yield from dict.fromkeys((line, line.lower(), line.title()))
    for label in _LABELS:
        for line in ("DOE", "DOE^JANE", "DOE, JANE", "4711", "00123456", "30.04.1957", "45", "F"):
            for between in (" ", ": ", ":", "="):
                labelled = label + between + line
                yield from (labelled, labelled.lower(), labelled.title())


def _runs_of_digits() -> Iterator[str]:
    """Yield numbers of four digits and more, for each digit that may come first."""
    for first in "0123456789":
        for digits in range(4, 17):
            yield first + "2947081563920475"[: digits - 1]
