import re
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deid_node.pixels.text.keep.patterns import LISTS, LONGEST_LINE, LONGEST_PATTERN, compiled
from deid_node.pixels.text.keep.probes import probes

NARROW = [
    "[LR]",
    "(LT|RT)",
    r"\d{1,3}(\.\d)? ?(mm|cm)",
    r"Im: \d{1,3}/\d{1,3}",
    r"D\d{1,2} \d{1,3}(\.\d)? mm",
    r"(?i)left|right",
    r"\d+(\.\d+)? cm/s",
]
WIDE = [
    ".*",
    ".+",
    "[A-Z]+",
    "[A-Z]",
    "[A-Z]{2,3}",
    "[A-Z][a-z]+",
    r"\w{2}",
    r"\S+",
    "[^0-9]+",
    r"[^\d ]+",
    "(?i)[a-z ]{3}",
    "(?!LEE).{3}",
    r"\d+",
    r"\d{4}",
    r"\d{1,3}",
    r"\d{6,8}",
    r"[A-Z]{1,2}\d+",
    r"\d{2}\.\d{2}\.\d{4}",
    r"\d{4}-\d\d-\d\d",
    r"\d\d:\d\d(:\d\d)?",
    r"\d{1,2} [A-Z]{3} \d{4}",
    r"\d{3}Y",
    "DOB.{0,20}",
    "(ID|MRN): ?[0-9]{1,12}",
    "[Nn]ame:? .{1,30}",
    r"(R|L|.*)",
    r"\+?[\d ]{6,20}",
]


@pytest.mark.parametrize("pattern", NARROW)
def test_a_pattern_that_says_what_may_stay_is_taken(pattern: str) -> None:
    (result,) = compiled(pattern)

    assert result.pattern == pattern


@pytest.mark.parametrize(
    "line",
    [
        *("L", "RT", "Left", "AP", "L LAT", "R-AP", "LT OBL", "LEFT AP", "SUPINE", "Erect"),
        *("AP SUPINE", "R AP ERECT", "PA UPRIGHT", "L DECUB", "SEMI-ERECT", "PORTABLE"),
    ],
)
def test_what_lead_markers_say_is_on_the_list_for_radiographs(line: str) -> None:
    assert any(pattern.fullmatch(line) for pattern in compiled("@radiographs"))


@pytest.mark.parametrize(
    "line",
    [
        *("R JD", "L LEE", "LEE", "JD", "M", "AP LI", "SUPINE 93Y", "ERECT 10:41", "L 2023"),
        *("AP 12", "PORTABLE ICU", "DOE SUPINE", "L R JD", "LATAP", "SUPINE DOE"),
    ],
)
def test_what_else_stands_on_a_marker_is_not(line: str) -> None:
    assert not any(pattern.fullmatch(line) for pattern in compiled("@radiographs"))


@pytest.mark.req("REQ-PX-14")
@pytest.mark.parametrize("pattern", WIDE)
def test_a_pattern_that_lets_people_numbers_or_dates_through_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="lets names, numbers or dates through") as caught:
        compiled(pattern)

    assert pattern not in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "characters"),
        ("L" * (LONGEST_PATTERN + 1), "characters"),
        ("(", "regular expression"),
        ("[z-a]", "regular expression"),
        ("[[L]", "regular expression"),
        (r"(L|R) \1", "refer back"),
        (r"(L)?(?(1)R|S)", "refer back"),
        ("@handwriting", "@laterality"),
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        compiled(pattern)


@pytest.mark.parametrize(
    "pattern",
    ["(m+)+q", "(m|m)*q", "(m|mm)*q", "m*m*m*m*m*q", "(m?){25}q", "(m{0,9}){0,9}q", "(?=(m+)+q)"],
)
def test_a_pattern_whose_time_may_explode_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="repeats or chooses too much"):
        compiled(pattern)


@settings(max_examples=300, deadline=None)
@given(st.text("m()|?*+{}1,3[q].", max_size=24))
def test_a_pattern_that_is_taken_is_quick_on_every_line(pattern: str) -> None:
    try:
        (result,) = compiled(pattern)
    except ValueError:
        return
    start = process_time()

    for line in ("m" * LONGEST_LINE, "m" * (LONGEST_LINE - 1) + "x", "mq" * (LONGEST_LINE // 2)):
        result.fullmatch(line)

    assert process_time() - start < 2


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("@laterality", ["L", "R", "LT", "RT", "LEFT", "Right"]),
        ("@orientation", ["A", "P", "H", "F", "S", "I", "LA", "PH", "LPH", "AFR"]),
        ("@projection", ["PA", "LAT", "RCC", "L MLO", "RT-CC"]),
        ("@measurements", ["10 cm", "1.25mm", "3,5 cm²", "12 x 34 mm", "1.2 \u00d7 3.4 cm", "45°"]),
    ],
)
def test_a_list_that_ships_holds_what_its_name_says(name: str, lines: list[str]) -> None:
    patterns = compiled(name)

    assert all(any(pattern.fullmatch(line) for pattern in patterns) for line in lines)


def test_every_list_that_ships_holds_no_line_that_may_not_stay() -> None:
    patterns = [re.compile(pattern) for one in LISTS.values() for pattern in one]

    assert not [line for line in probes() for one in patterns if one.fullmatch(line)]
