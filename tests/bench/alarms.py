"""How often the second look withholds a real instance for nothing, and what it misses.

``python -m tests.bench alarms``. The instances are those of the pydicom package and, where they
lie, the shared ones: none of them has a leak left once it is scrubbed, so each
alarm is a false one. Into each cleaned one its own identifiers are planted, one at a
time, in spellings that the header does not have.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydicom import Dataset, dcmread

from deid_node.dicom.silence import silenced
from deid_node.errors import CleaningError, IdentifierLeft
from deid_node.leaks.check import LeakCheck
from deid_node.metadata.build import build_scrubber
from deid_node.metadata.plan.attest import attest
from deid_node.metadata.plan.options import DATE_OPTIONS, OFFERED, MetadataOptions, Option
from deid_node.metadata.scrub import Scrubber
from deid_node.pixels.derivation import BITS_CLEARED, DERIVATION
from tests.builders.samples import SHARED, packaged_files, zoo_files

_LEAKS = LeakCheck()
_LEAST_LETTERS = 6
_NOBODY = {"ANONYMOUS", "FIRST", "LAST", "NAME", "NONE", "PATIENT", "PHANTOM", "TEST", "UNKNOWN"}

CHOSEN: Mapping[str, frozenset[Option]] = {
    "basic profile": frozenset({Option.CLEAN_PIXEL_DATA}),
    "every option": (OFFERED - DATE_OPTIONS - {Option.CLEAN_RECOGNIZABLE_VISUAL_FEATURES})
    | {Option.RETAIN_LONGITUDINAL_MODIFIED_DATES},
}
_SCRUBBERS: Mapping[str, Scrubber] = {
    name: build_scrubber(MetadataOptions(), options, key=b"k" * 32)
    for name, options in CHOSEN.items()
}


def measure_alarms(folder: Path, *, rounds: int, each: int) -> None:
    """Print how many instances were looked at, withheld for nothing, and what was missed."""
    del folder, rounds, each
    looked_at = dict.fromkeys(CHOSEN, 0)
    alarms: list[str] = []
    planted, seen = 0, 0
    with silenced():
        for name, original in real_instances():
            for options, where in alarms_of(original).items():
                looked_at[options] += 1
                alarms += [f"  {name} ({options}): {where}"] if where else []
            found = planted_of(original)
            planted, seen = planted + len(found), seen + sum(found.values())
    for options, count in looked_at.items():
        wrong = sum(f"({options})" in line for line in alarms)
        print(f"{options:13}  {count} looked at, {wrong} withheld: {wrong / count:.2%}")
    print(f"planted leaks  {planted}, seen {seen}: {seen / planted:.2%}")
    print(*alarms, sep="\n")


def real_instances() -> Iterator[tuple[str, Dataset]]:
    """Yield name and dataset of each file that pydicom can open."""
    field = sorted((SHARED / "field").rglob("*.dcm"))
    burned_in = sorted((SHARED / "burned_in").rglob("*.dcm"))
    for path in (*packaged_files(), *zoo_files(), *field, *burned_in):
        try:
            yield path.name, dcmread(path)
        except Exception:  # noqa: BLE001, S112  # broken on purpose: the door's tests are about them
            continue


def alarms_of(original: Dataset) -> Mapping[str, str]:
    """Return for each set of options that takes the instance where an alarm was, or nothing."""
    found = {}
    for name, scrubber in _SCRUBBERS.items():
        try:
            cleaned = _marked(scrubber.scrub(original).dataset, CHOSEN[name])
        except CleaningError:
            continue
        found[name] = _alarm(original, cleaned, CHOSEN[name])
    return found


def planted_of(original: Dataset) -> Mapping[str, bool]:
    """Return for each identifier of the header that was planted whether it was seen."""
    try:
        cleaned = _SCRUBBERS["basic profile"].scrub(original).dataset
    except CleaningError:
        return {}
    found = {}
    for what, text in _identifiers(original):
        cleaned.SeriesDescription = text
        found[what] = bool(_alarm(original, cleaned, frozenset()))
    return found


def _identifiers(original: Dataset) -> Iterator[tuple[str, str]]:
    """Yield identifiers that are long enough to be one, spelled as the header does not."""
    name = str(original.get("PatientName") or "").split("=")[0]
    parts = [part for part in name.split("^") if part.isascii() and part.isalpha()]
    tells = len(set("".join(parts))) > 1 and not {*map(str.upper, parts)} <= _NOBODY
    if tells and len(parts) > 1 and min(map(len, parts[:2])) > 2:
        yield "name", f"of {parts[1]} {parts[0]}"
        yield "name run together", (parts[1] + parts[0]).lower()
    number = "".join(c for c in str(original.get("PatientID") or "") if c.isalnum())
    if len(set(number)) > 1 and len(number) >= _LEAST_LETTERS and any(map(str.isdigit, number)):
        yield "id", f"no {number[:3]}-{number[3:]}".lower()
    born = str(original.get("PatientBirthDate") or "")
    if len(born) == 8 and born.isdecimal() and born != "19000101" and born[4:6] in _MONTHS:
        day = int(born[6:])
        if 1 <= day <= 31:
            yield "birth date", f"born {day}/{int(born[4:6])}/{born[:4]}"
            yield "birth date in words", f"born {day}. {_MONTHS[born[4:6]]} {born[:4]}"


_MONTHS = {
    f"{number:02}": name
    for number, name in enumerate(
        ("Jan", "Feb", "March", "April", "Mai", "June", "Juli", "Aug", "Sept", "Okt", "Nov", "Dez"),
        start=1,
    )
}


def _marked(cleaned: Dataset, options: frozenset[Option]) -> Dataset:
    attest(
        cleaned,
        options=options,
        pixels_looked_at=True,
        derivation=(DERIVATION, BITS_CLEARED),
        second_look_clean=True,
    )
    return cleaned


def _alarm(original: Dataset, cleaned: Dataset, options: frozenset[Option]) -> str:
    try:
        _LEAKS.check(original, cleaned, retained=frozenset(options))
    except IdentifierLeft as error:
        return str(error)
    return ""
