"""How much of the house one slice passes: functions and files between its bytes and its seal.

What somebody has to read who wants to know what happens to a CT slice without text.
"""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType

import deid_node
from deid_node.config.schema import Config
from deid_node.corridor import corridor_factory
from deid_node.spool.files import PLAIN
from deid_node.values.identity import new_instance_id
from deid_node.values.order import WorkOrder
from deid_node.values.origin import Origin
from deid_node.values.outcome import Cleaned
from tests.bench.slices import write_slices
from tests.builders.values import an_origin

_HOUSE = Path(deid_node.__file__).parent


def measure_passes(folder: Path, *, rounds: int, each: int) -> None:
    """Print how many functions and files of the house one slice passes, by room."""
    del rounds, each
    corridor = corridor_factory(Config(), keys=[bytes(range(32))], files=PLAIN, offline=True)()
    first, second = (
        _order(path, an_origin()) for path in write_slices(folder / "slices", 2, series=1)
    )
    # What is made at the first instance alone is not on the way of the others.
    corridor.clean(first)
    passed = functions_of(lambda: corridor.clean(second))
    files = {code.co_filename for code in passed}
    rooms = Counter(Path(name).relative_to(_HOUSE).parts[0] for name in files)
    print(f"{len(passed)} functions in {len(files)} files")
    for room, count in sorted(rooms.items(), key=lambda item: -item[1]):
        within = sum(Path(code.co_filename).relative_to(_HOUSE).parts[0] == room for code in passed)
        print(f"  {room:14} {within:4} functions in {count:2} files")


def functions_of(call: Callable[[], object]) -> set[CodeType]:
    """Return the functions of the house that `call` enters; what is made by importing is left out.

    Raises `RuntimeError` where the slice was not cleaned.
    """
    seen: set[CodeType] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            seen.add(frame.f_code)

    sys.setprofile(note)
    try:
        outcome = call()
    finally:
        sys.setprofile(None)
    if not isinstance(outcome, Cleaned) or outcome.instance.report.regions:
        raise RuntimeError("it was to be a slice without text")
    return {
        code
        for code in seen
        if code.co_name != "<module>" and _HOUSE in Path(code.co_filename).parents
    }


def _order(path: Path, origin: Origin) -> WorkOrder:
    return WorkOrder(
        id=new_instance_id(),
        attempt=1,
        blob=path,
        output=path.with_suffix(".clean"),
        origin=origin,
    )
