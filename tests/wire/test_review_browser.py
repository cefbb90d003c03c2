"""The desk in a real Chromium: by key and by mouse."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from deid_node.spool.choices import Choice
from deid_node.spool.decisions import Verb
from deid_node.spool.staged import Desk
from deid_node.values.geometry import Box
from deid_node.values.markings import Marking, Markings
from tests.builders.desk import BOX, PASSCODES, DeskHouse, a_desk
from tests.fakes.oidc_provider import a_provider
from tests.fakes.programs import program, require
from tests.fakes.waiting import eventually
from tests.unit.review.test_oidc import a_house
from tests.unit.review.test_samples import deliver

pytestmark = [
    pytest.mark.slow,
    pytest.mark.peer("chromium"),
    pytest.mark.xdist_group("browser"),
    pytest.mark.timeout(300),
]

PATIENCE_MS = 20_000
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
    with _page(chromium, house) as page:
        yield page


@contextmanager
def _page(chromium: Browser, house: DeskHouse, *, forgiven: str | None = None) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"http://127.0.0.1:{house.server.port}/login")
    yield page
    context.close()
    assert [one for one in said if forgiven is None or forgiven not in one] == []


def sign_in(page: Page, name: str) -> None:
    """Sign in by keyboard alone: the name has the focus, a moment after the page has come."""
    page.wait_for_selector("input[name=name]:focus")
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


def _headers_read(page: Page) -> None:
    """Wait until every header was read: before that nobody knows what is alike."""
    eventually(
        lambda: not (page.reload() and page.locator("text=still being read").count()),
        what="headers are read",
    )


def test_the_rest_of_a_series_is_decided_by_one_key_after_a_sample(
    house: DeskHouse, page: Page
) -> None:
    instances = [house.withhold(uid=f"1.2.{n}") for n in range(6)]
    sign_in(page, "rita")
    _headers_read(page)
    page.click("#begin")
    shown(page, instances[0])

    press(page, "a")
    press(page, "s")
    shown(page, instances[5])
    carried = page.locator("#boxes li").count()
    press(page, "s")
    shown(page, instances[2])
    press(page, "s")
    said = page.locator("#status").inner_text()
    label = page.locator("[data-act=fill]").inner_text()
    press(page, "Enter")
    page.wait_for_selector(".empty")

    assert carried == 2
    assert said == "What you decide now counts for all 6."
    assert "in all 6" in label
    made = Desk(house.custody).staged()
    assert {choice.instance for choice in made} == set(instances)
    assert {choice.sample for choice in made} == {instances[2]}
    (markings,) = {choice.markings for choice in made}
    assert markings is not None
    assert [one.box for one in markings.fill] == [BOX, Box(48, 59, 80, 70)]


def test_the_rest_of_a_series_is_decided_by_mouse_and_taken_back(
    house: DeskHouse, page: Page
) -> None:
    instances = [house.withhold(uid=f"1.2.{n}") for n in range(2)]
    sign_in(page, "rita")
    _headers_read(page)
    page.click("#begin")
    shown(page, instances[0])

    page.click("#sample")
    shown(page, instances[1])
    page.click("#scope")
    page.click("[data-act=discard]")
    title = page.locator("#why").inner_text()
    page.click("[data-reason=no_image]")
    page.wait_for_selector(".empty")
    decided = len(Desk(house.custody).staged())
    page.goto(f"http://127.0.0.1:{house.server.port}/instances/{instances[0]}")
    shown(page, instances[0])
    page.click("#undo")
    shown(page, instances[1])

    assert title == "Discard all 2 for good: why?"
    assert decided == 2
    assert list(Desk(house.custody).staged()) == []


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


def test_boxes_are_moved_resized_added_and_dropped_by_key(house: DeskHouse, page: Page) -> None:
    instance = house.withhold()
    sign_in(page, "rita")
    page.click("#begin")
    shown(page, instance)

    press(page, "t", "ArrowRight", "ArrowDown", "Shift+ArrowRight", "Shift+ArrowUp")
    press(page, "a", "x")
    press(page, "a", "ArrowLeft", "ArrowUp", "f")
    said = page.locator("#boxes li").all_inner_texts()
    choice = _decided(house, page)

    moved, added = Box(10, 10, 44, 20), Box(46, 57, 78, 68)
    assert choice.markings is not None
    assert choice.markings.fill == (Marking(0, moved), Marking(0, added))
    assert choice.markings.stays == (Marking(0, BOX),)
    assert [" ".join(line.split()) for line in said] == [
        "seen 0.50 frame 1, 32 × 12, no text",
        "drawn frame 1, 34 × 10",
        "drawn frame 1, 32 × 11",
    ]


def test_what_was_seen_and_is_dropped_is_text_again_when_that_is_taken_back(
    house: DeskHouse, page: Page
) -> None:
    instance = house.withhold()
    sign_in(page, "rita")
    page.click("#begin")
    shown(page, instance)

    press(page, "t", "x", "Enter")
    refused = page.locator("#status").inner_text()
    press(page, "x")
    choice = _decided(house, page)

    assert "no box to fill" in refused
    assert choice.markings == Markings(fill=(Marking(0, BOX),))


ELSEWHERE = {
    "at": 0,
    "fill": [{"frame": None, "left": 90, "top": 90, "right": 110, "bottom": 100}],
}

SAMPLED = """(box) => {
  const canvas = document.getElementById("picture");
  const { clientWidth, clientHeight } = canvas;
  const scale = Math.min(clientWidth, clientHeight) / 128 * 0.98;
  const left = (clientWidth - 128 * scale) / 2 + box.left * scale;
  const top = (clientHeight - 128 * scale) / 2 + box.top * scale;
  const wide = (box.right - box.left) * scale, high = (box.bottom - box.top) * scale;
  // Into a copy: what is read often is kept elsewhere by Chromium, and that it says so.
  const copy = new OffscreenCanvas(wide, high).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, left, top, wide, high, 0, 0, wide, high);
  return [...copy.getImageData(0, 0, wide, high).data];
}"""


def _levels(page: Page, box: Box) -> set[int]:
    """Return the grey levels that the canvas shows inside a box of a picture of 128 x 128."""
    edges = {"left": box.left, "top": box.top, "right": box.right, "bottom": box.bottom}
    return set(page.evaluate(SAMPLED, edges)[::4])


def test_before_and_after_flicker_on_space(house: DeskHouse, page: Page) -> None:
    instance = house.withhold()
    sign_in(page, "rita")
    page.click("#begin")
    shown(page, instance)
    inside = Box(12, 11, 36, 17)
    before = page.locator("#picture").screenshot()
    levels = [_levels(page, inside)]

    press(page, "Space")
    page.wait_for_selector("#flag:visible")
    after = page.locator("#picture").screenshot()
    levels.append(_levels(page, inside))
    press(page, "Space")
    page.wait_for_selector("#flag:not(:visible)", state="attached")
    again = page.locator("#picture").screenshot()

    assert before == again
    assert before != after
    assert len(levels[0]) > 2
    assert len(levels[1]) == 1


def test_what_would_be_withheld_again_is_said_on_space(house: DeskHouse, page: Page) -> None:
    instance = house.withhold()
    sign_in(page, "rita")
    page.goto(f"{page.url.rstrip('/')}/instances/{instance}")
    shown(page, instance)

    # What is boxed has been drawn somewhere else, and nobody says that the seen box is no text.
    page.route("**/after", lambda route: route.continue_(post_data=json.dumps(ELSEWHERE)))
    press(page, "Space")
    page.wait_for_selector("#status.bad:has-text('It would be withheld again')")

    assert page.locator("#flag").is_hidden()


def test_a_frame_that_was_asked_for_comes_whatever_is_boxed_meanwhile(
    house: DeskHouse, page: Page
) -> None:
    instance = house.withhold("examples_ybr_color.dcm")
    sign_in(page, "rita")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/frames/1.png", hold)
    page.click("#begin")
    shown(page, instance)

    press(page, "ArrowRight")
    page.wait_for_selector("#count:text('2 / 30')")
    press(page, "a", "n", "Enter")
    waiting = page.locator("#status").inner_text()
    eventually(lambda: _is_black(page), what="the frame before is gone")
    held[0].continue_()
    page.wait_for_selector("#desk[data-shown='1']")

    assert waiting == "Wait for the picture."
    assert not _is_black(page)
    assert list(Desk(house.custody).staged()) == []


def _is_black(page: Page) -> bool:
    """Return whether the canvas shows nothing at all."""
    return not any(
        page.evaluate(
            """() => {
              const canvas = document.getElementById("picture");
              const copy = new OffscreenCanvas(64, 64).getContext("2d");
              copy.drawImage(canvas, 0, 0, 64, 64);
              return [...copy.getImageData(0, 0, 64, 64).data].filter((_, n) => n % 4 !== 3);
            }"""
        )
    )


def test_who_holds_a_key_down_decides_once(house: DeskHouse, page: Page) -> None:
    first, second = house.withhold(uid="1.2.1"), house.withhold("MR_small.dcm", uid="1.2.2")
    sign_in(page, "rita")
    page.click("#begin")
    shown(page, first)

    page.keyboard.down("Enter")
    shown(page, second)
    # A second "down" without an "up" is what a keyboard sends that repeats.
    page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    page.keyboard.press("a")
    page.wait_for_selector("#boxes li:nth-child(2)")

    assert [choice.instance for choice in Desk(house.custody).staged()] == [first]


def test_a_node_that_does_not_answer_is_told_of(chromium: Browser, house: DeskHouse) -> None:
    instance = house.withhold()
    with _page(chromium, house, forgiven="Failed to load resource") as page:
        sign_in(page, "rita")
        page.route("**/frames/*.png", lambda route: route.abort())
        page.route("**/after", lambda route: route.abort())
        page.click("#begin")
        shown(page, instance)

        assert page.locator("#trouble").inner_text() == "The node does not answer."
        press(page, "Space")
        page.wait_for_selector("#status.bad:has-text('does not answer')")


FOCUSED = "() => document.activeElement.dataset.act || document.activeElement.id"


def test_whoever_came_to_a_box_by_tab_stays_there(house: DeskHouse, page: Page) -> None:
    instance = house.withhold()
    sign_in(page, "rita")
    page.click("#begin")
    shown(page, instance)

    # From the picture through its decisions to the boxes, in the order in which they are read.
    way = [page.evaluate(FOCUSED)]
    for _ in range(5):
        press(page, "Tab")
        way.append(page.evaluate(FOCUSED))
    press(page, "Tab", "Enter")
    page.wait_for_selector("#boxes button[aria-pressed=true]:focus")

    assert way == [
        "picture", "fill", "no_text", "discard", "hold", "propose",
    ]  # fmt: skip
    assert list(Desk(house.custody).staged()) == []


def test_regions_for_a_device_are_proposed_and_put_in_force_by_key(
    chromium: Browser, tmp_path: Path
) -> None:
    with a_desk(tmp_path, regions_file=tmp_path / "regions.yaml") as house:
        instance = house.withhold()
        with _page(chromium, house) as page:
            sign_in(page, "adam")
            page.click("#begin")
            shown(page, instance)
            press(page, "g")
            page.wait_for_selector("#status:has-text('Proposed for GE MEDICAL SYSTEMS')")
            page.goto(f"http://127.0.0.1:{house.server.port}/devices")
            # Nobody answers about what they have not gone to.
            press(page, "y")
            untouched = page.locator(".proposal").count()
            press(page, "j")
            page.wait_for_selector(".proposal:focus")
            press(page, "y")
            page.wait_for_selector("h1:has-text('0 proposed')")

    assert untouched == 1
    assert "RHAPSODE" in (tmp_path / "regions.yaml").read_text()


def test_what_one_person_decided_another_agrees_to_by_one_key(
    chromium: Browser, tmp_path: Path
) -> None:
    with a_desk(tmp_path, second_reader="let_through", undo_seconds=3600) as house:
        instance = house.withhold()
        with _page(chromium, house) as page:
            sign_in(page, "rita")
            page.click("#begin")
            shown(page, instance)
            press(page, "Enter")
            page.wait_for_selector(".empty")
        with _page(chromium, house) as page:
            sign_in(page, "adam")
            page.click("text=to be agreed to")
            page.click("#begin")
            shown(page, instance)
            # Who agrees, agrees to what stands there.
            press(page, "a", "t", "x")
            boxes = page.locator("#boxes li").all_inner_texts()
            press(page, "y")
            page.wait_for_selector(".empty")
        (choice,) = Desk(house.custody).staged()

    assert [" ".join(line.split()) for line in boxes] == ["seen 0.50 frame 1, 32 × 12"]
    assert (choice.person, choice.agreed_by) == ("desk/rita", "desk/adam")


def test_a_sample_is_looked_at_and_what_was_missed_is_boxed(house: DeskHouse, page: Page) -> None:
    first, second = deliver(house, "1.2.1"), deliver(house, "1.2.2")
    sign_in(page, "rita")
    page.click("text=delivered, to be looked at")
    page.click("#begin")
    shown(page, first)

    left = _levels(page, BOX)
    press(page, "Space")
    page.wait_for_selector("#flag:has-text('as it came'):visible")
    came = _levels(page, BOX)
    press(page, "n")
    shown(page, second)
    press(page, "a", "m", "1")
    page.wait_for_selector(".empty")

    assert len(left) < len(came)
    made = {choice.instance: choice for choice in Desk(house.custody).staged()}
    assert made[first].verb is Verb.NOTHING_MISSED
    assert (made[second].verb, made[second].reason) == (Verb.MISSED, "again")
    markings = made[second].markings
    assert markings is not None
    assert len(markings.fill) == 1


def test_the_sites_account_lets_in_over_another_site_and_the_desk_signs_out(
    chromium: Browser, tmp_path: Path
) -> None:
    """The provider is on another site: no strict cookie comes along from there."""
    with a_provider() as provider:
        provider.issuer = provider.issuer.replace("127.0.0.1", "localhost")
        with a_house(tmp_path, provider) as house, _page(chromium, house) as page:
            page.click("#oidc")
            page.wait_for_selector("#heading")
            entered = page.locator(".who").inner_text()
            page.click("text=Sign out")
            page.wait_for_selector("#elsewhere")
            page.goto(f"http://127.0.0.1:{house.server.port}/")
            page.wait_for_selector("h1:has-text('Sign in')")

    assert "oidc:anna" in entered
