"""A person at the desk of a node that works meanwhile: keys for each decision, and how long."""

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import Any, Final

from playwright.sync_api import Page, sync_playwright

from deid_node.config.load import load
from deid_node.review.accounts import Role, account_line
from deid_node.spool.custody import Custody
from deid_node.values.geometry import Box, DoubtedRegion
from deid_node.values.order import WorkOrder
from deid_node.values.outcome import Withheld
from tests.bench.slices import write_slices
from tests.builders.custody import Spool
from tests.builders.values import an_arrival
from tests.fakes.programs import program
from tests.wire.nodes import node_folder

WAITING: Final = 200
_PASSCODE: Final = "measure-it"

_KEYS: Final = {
    "fill what was seen": ("Enter",),
    "fill a box that is added": ("a", "Enter"),
    "no text": ("n",),
    "put aside": ("h",),
    "discard": ("d", "2"),
}
_TIMES: Final = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const loaded = performance.getEntriesByType("resource");
  const picture = loaded.find((one) => one.name.endsWith(".png"));
  return { page: page.responseEnd - page.startTime, picture: picture.duration };
}"""


def measure_review(folder: Path, *, rounds: int, each: int) -> None:
    """Print keys and milliseconds of a review of 200 slices with a box that may be text.

    They are withheld before the node starts, so that nothing else is measured. What is
    decided leaves at once, so a worker walks instances while the next are looked at.
    """
    root = folder / "node"
    house = node_folder(root, review={"port": 0, "users_file": "./desk-users", "undo_seconds": 0})
    users = root / "desk-users"
    users.write_text(account_line("rita", Role.REVIEWER, _PASSCODE) + "\n")
    users.chmod(0o600)
    custody = Custody(load(house.config).spool, exclusive=True)
    custody.open()
    with closing(custody):
        for number, path in enumerate(write_slices(folder / "slices", WAITING, series=9)):
            _withhold(Spool(custody), path, number)
    with house.running() as node:
        (ready,) = house.events("node_ready")
        _review(f"http://127.0.0.1:{ready['desk_port']}")
        node.stop()


def _withhold(spool: Spool, path: Path, number: int) -> None:
    accepted = spool.accept(an_arrival(f"1.2.3.{number}"), [path.read_bytes()])
    order = spool.claim(accepted.instance.id)
    assert isinstance(order, WorkOrder)
    seen = (DoubtedRegion(0, Box(20, 20, 120, 40), 0.5, "boxed"),)
    spool.record(order, Withheld("text_uncertain", "something may be text", seen=seen))


def _review(address: str) -> None:
    pressed: Counter[str] = Counter()
    decided: Counter[str] = Counter()
    times: dict[str, list[float]] = {
        "key to next picture": [], "page, as the browser sees it": [], "picture": [],
    }  # fmt: skip
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--no-proxy-server"],
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"{address}/login")
        page.fill("input[name=name]", "rita")
        page.fill("input[name=passcode]", _PASSCODE)
        page.keyboard.press("Enter")
        page.click("#begin")
        page.wait_for_selector("#desk[data-shown]")
        began = perf_counter()
        for number in range(WAITING - 1):
            name = list(_KEYS)[number % len(_KEYS)]
            seconds = _decide(page, _KEYS[name])
            pressed[name] += len(_KEYS[name])
            decided[name] += 1
            told: dict[str, Any] = page.evaluate(_TIMES)
            times["key to next picture"].append(seconds * 1000)
            times["page, as the browser sees it"].append(told["page"])
            times["picture"].append(told["picture"])
        total = perf_counter() - began
        browser.close()
    print(f"{sum(decided.values())} decisions in {total:.0f} s, nobody thinking in between")
    for name, count in decided.items():
        print(f"{name:30}{count:5} decisions, {pressed[name] / count:.1f} keys each")
    _print_times(times)


def _decide(page: Page, keys: Sequence[str]) -> float:
    """Decide by `keys`; return the seconds from the last key until the next picture is shown."""
    before = page.get_attribute("#desk", "data-instance")
    for key in keys[:-1]:
        page.keyboard.press(key)
    began = perf_counter()
    page.keyboard.press(keys[-1])
    page.wait_for_selector(f"#desk[data-shown]:not([data-instance='{before}'])")
    return perf_counter() - began


def _print_times(times: dict[str, list[float]]) -> None:
    print(f"{'milliseconds':30}{'p50':>7}{'p95':>7}{'most':>7}")
    for name, each in times.items():
        cuts = quantiles(each, n=20)
        print(f"{name:30}{cuts[9]:7.0f}{cuts[18]:7.0f}{max(each):7.0f}")
