"""The desk in a real Chromium: by key and by mouse."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from deid_node.spool.decisions import Verb
from deid_node.spool.staged import Choice, Desk
from tests.builders.desk import BOX, PASSCODES, DeskHouse, a_desk
from tests.fakes.programs import program, require

pytestmark = [
    pytest.mark.slow,
    pytest.mark.peer("chromium"),
    pytest.mark.xdist_group("browser"),
    pytest.mark.timeout(900),
]

PATIENCE_MS = 240_000
JITTER_PIXELS = 2


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    require("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--no-proxy-server"],
            timeout=PATIENCE_MS,
        )
        yield browser
        browser.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[DeskHouse]:
    with a_desk(tmp_path, undo_seconds=3600) as house:
        yield house


@pytest.fixture
def page(chromium: Browser, house: DeskHouse) -> Iterator[Page]:
    """Return a page whose console must stay empty: a breach of the policy is told there."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"http://127.0.0.1:{house.server.port}/login")
    yield page
    context.close()
    assert not said


def sign_in(page: Page, name: str) -> None:
    """Sign in by keyboard alone: the name has the focus."""
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSCODES[name])
    page.keyboard.press("Enter")
    page.wait_for_selector("#heading")


def shown(page: Page, instance: str) -> None:
    page.wait_for_selector(f"#desk[data-shown][data-instance='{instance}']")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_a_list_is_worked_off_by_one_key_each(house: DeskHouse, page: Page) -> None:
    names = ("CT_small.dcm", "MR_small.dcm", "examples_overlay.dcm", "examples_palette.dcm")
    instances = [house.withhold(name, uid=f"1.2.{n}") for n, name in enumerate(names)]
    sign_in(page, "rita")
    page.click("#begin")

    shown(page, instances[0])
    press(page, "Enter")
    shown(page, instances[1])
    press(page, "n")
    shown(page, instances[2])
    press(page, "d", "2")
    shown(page, instances[3])
    press(page, "u")
    shown(page, instances[2])
    press(page, "h")
    shown(page, instances[3])
    press(page, "h")
    page.wait_for_selector(".empty")

    made = {choice.instance: choice for choice in Desk(house.custody).staged()}
    verbs = [made[instance].verb for instance in instances]
    assert verbs == [Verb.FILL, Verb.NO_TEXT, Verb.HOLD, Verb.HOLD]
    filled, untouched = made[instances[0]].markings, made[instances[1]].markings
    assert filled is not None
    assert untouched is not None
    assert [one.box for one in filled.fill] == [BOX]
    assert [one.box for one in untouched.stays] == [BOX]


def _decided(house: DeskHouse, page: Page) -> Choice:
    press(page, "Enter")
    page.wait_for_selector(".empty")
    (choice,) = Desk(house.custody).staged()
    return choice


def test_a_box_is_drawn_by_mouse_where_it_is_wanted(house: DeskHouse, page: Page) -> None:
    instance = house.withhold(code="burned_in_unconfirmed", boxes=())
    sign_in(page, "rita")
    page.goto(f"{page.url.rstrip('/')}/instances/{instance}")
    shown(page, instance)
    edge = page.locator("#picture").bounding_box()
    assert edge is not None
    scale = min(edge["width"], edge["height"]) / 128 * 0.98
    left = edge["x"] + (edge["width"] - 128 * scale) / 2
    top = edge["y"] + (edge["height"] - 128 * scale) / 2

    page.mouse.move(left + 20 * scale, top + 30 * scale)
    page.mouse.down()
    page.mouse.move(left + 60 * scale, top + 50 * scale)
    page.mouse.up()
    choice = _decided(house, page)

    assert choice.markings is not None
    (drawn,) = choice.markings.fill
    wanted = (20, 30, 60, 50)
    got = (drawn.box.left, drawn.box.top, drawn.box.right, drawn.box.bottom)
    assert all(abs(a - b) <= JITTER_PIXELS for a, b in zip(got, wanted, strict=True))
