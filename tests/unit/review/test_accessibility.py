"""What a page says to somebody who cannot see it, or sees little: names, order, contrast."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import pytest

from tests.builders.desk import DeskHouse, a_desk

_VOID = frozenset({"input", "link", "meta", "rect", "image"})
_READABLE = 4.5
"""WCAG 2.2, 1.4.3: the least contrast of text."""

_VISIBLE = 3.0
"""WCAG 2.2, 1.4.11: the least contrast of what shows a state, as where the focus is."""


@dataclass
class Element:
    """An element, what it says, and what it stands in."""

    tag: str
    attributes: dict[str, str]
    within: tuple["Element", ...]
    said: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self.said).split())


class Page(HTMLParser):
    """The elements of a page, in the order in which they are read."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {k: v or "" for k, v in attrs}, tuple(self._open))
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.said.append(data)

    def all(self, *tags: str) -> list[Element]:
        return [element for element in self.elements if element.tag in tags]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Page]]:
    with a_desk(tmp_path_factory.mktemp("desk"), undo_seconds=60) as house:
        yield {name: Page(text) for name, text in _texts(house).items()}


def _texts(house: DeskHouse) -> dict[str, str]:
    pixels = house.withhold()
    house.withhold("MR_small.dcm", uid="1.2.4", code="no_rule", boxes=())
    admin = house.browser("adam")
    box = {"frame": None, "left": 8, "top": 8, "right": 40, "bottom": 20}
    admin.post(f"/instances/{pixels}/proposal", {"fill": [box]})
    return {
        "devices": admin.get("/devices").text,
        "login": house.browser().get("/login").text,
        "refused": house.browser().sign_in("adam", "wrong").text,
        "list": admin.get("/").text,
        "nothing": admin.get("/?code=time_limit").text,
        "instance": admin.get(f"/instances/{pixels}").text,
        "failed": admin.get("/nowhere").text,
        "status": admin.get("/status").text,
        "study": admin.form("/status/sent", wanted="1.2", by="accession").text,
    }


def _is_named(page: Page, element: Element) -> bool:
    ids = {one.attributes.get("id"): one for one in page.elements}
    attributes = element.attributes
    if "aria-labelledby" in attributes:
        return bool(ids[attributes["aria-labelledby"]].text)
    labels = [one for one in element.within if one.tag == "label"]
    return bool(attributes.get("aria-label") or element.text or any(one.text for one in labels))


def test_a_page_has_a_language_a_title_and_one_heading(pages: dict[str, Page]) -> None:
    for page in pages.values():
        (root,) = page.all("html")
        assert root.attributes["lang"] == "en"
        assert page.all("title")[0].text
        assert len(page.all("main")) == 1
        assert len(page.all("h1")) == 1
    titles = {page.all("title")[0].text for page in pages.values()}
    assert len(titles) >= 4


def test_what_can_be_used_has_a_name(pages: dict[str, Page]) -> None:
    used = 0
    for page in pages.values():
        for element in page.all("a", "button", "input", "select", "dialog", "canvas", "nav"):
            is_for_nobody = (
                element.attributes.get("type") == "hidden"
                or element.attributes.get("aria-hidden") == "true"
            )
            if not is_for_nobody:
                assert _is_named(page, element), element
                used += 1
    assert used > 40


def test_no_id_stands_twice_on_a_page(pages: dict[str, Page]) -> None:
    for page in pages.values():
        ids = [one.attributes["id"] for one in page.elements if "id" in one.attributes]
        assert len(ids) == len(set(ids))


def test_the_order_of_the_keyboard_is_the_order_of_the_page(pages: dict[str, Page]) -> None:
    for page in pages.values():
        asked = {
            one.attributes["tabindex"] for one in page.elements if "tabindex" in one.attributes
        }
        assert asked <= {"0", "-1"}
    order = [
        one.attributes["data-act"]
        for one in pages["instance"].elements
        if "data-act" in one.attributes
    ]
    assert order == ["fill", "no_text", "discard", "hold", "propose", "undo"]


def test_what_happens_is_said_aloud(pages: dict[str, Page]) -> None:
    by_id = {one.attributes.get("id"): one.attributes for one in pages["instance"].elements}

    assert (by_id["status"]["role"], by_id["status"]["aria-live"]) == ("status", "polite")
    assert by_id["trouble"]["role"] == "alert"
    assert "alert" in {one.attributes.get("role") for one in pages["refused"].elements}


def test_a_column_says_what_stands_in_it(pages: dict[str, Page]) -> None:
    headings = pages["list"].all("th")

    assert len(headings) == 9
    assert all(one.attributes["scope"] == "col" and one.text for one in headings)


def _style() -> str:
    return Path(str(resources.files("deid_node.review") / "static" / "desk.css")).read_text()


def _luminance(colour: str) -> float:
    """Return the relative luminance of a colour ``#rrggbb`` or ``#rgb``, as WCAG defines it."""
    digits = colour.removeprefix("#")
    digits = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    least, most = sorted((_luminance(one), _luminance(other)))
    return (most + 0.05) / (least + 0.05)


def test_contrast_is_worked_out_as_wcag_says() -> None:
    assert _contrast("#000", "#ffffff") == pytest.approx(21)
    # The grey that is known as the first that can be read on white.
    assert _contrast("#767676", "#fff") == pytest.approx(4.54, abs=0.01)


def test_every_text_can_be_read_on_every_ground_it_stands_on() -> None:
    style = _style()
    named = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{3,6});", style))
    grounds = {named["ground"], named["raised"], "#22303b", "#1a2026", "#07090a", "#232b32"}
    assert all(ground in style for ground in grounds)

    for text in ("text", "soft", "calm", "alert", "focus"):
        for ground in grounds:
            assert _contrast(named[text], ground) >= _READABLE, (text, ground)


def test_every_rule_that_sets_both_colours_can_be_read() -> None:
    style = _style()
    named = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{3,6});", style))
    pairs = []
    for rule in re.findall(r"\{([^{}]*)\}", style):
        found = dict(re.findall(r"(?<![-\w])(color|background): ([^;]+);", f"{rule.strip()};"))
        colours = {
            key: re.sub(r"var\(--([a-z]+)\)", lambda m: named[m[1]], value)
            for key, value in found.items()
        }
        if len(colours) == 2 and all(one.startswith("#") for one in colours.values()):
            pairs.append(colours)

    assert len(pairs) >= 6
    for pair in pairs:
        assert _contrast(pair["color"], pair["background"]) >= _READABLE, pair


def test_where_the_focus_is_can_be_seen() -> None:
    style = _style()
    named = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{3,6});", style))
    found = re.search(r"#picture:focus-visible \{ outline: 1px solid (#[0-9a-f]{6})", style)

    assert found is not None
    assert _contrast(found[1], "#000") >= _VISIBLE
    for ground in (named["ground"], named["raised"], "#000", "#232b32", "#2c4c62"):
        assert _contrast(named["focus"], ground) >= _VISIBLE
