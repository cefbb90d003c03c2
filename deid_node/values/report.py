"""What was done to an instance, in counts, codes and boxes; never in values."""

from dataclasses import dataclass

from deid_node.values.device import Device
from deid_node.values.geometry import KeptRegion, Region
from deid_node.values.stage import Stage


@dataclass(frozen=True, slots=True)
class Step:
    """How long one step of the corridor took."""

    stage: Stage
    seconds: float


@dataclass(frozen=True, slots=True)
class CleaningReport:
    """What the corridor did to one instance.

    `frames` counts the frames that were looked at (0 where there are no
    pixels). `actions` counts the attributes that each action of PS3.15 Table
    E.1-1 was applied to, as ``(action, count)``. `method_codes` are the codes
    attested in De-identification Method Code Sequence (0012,0064). `kept` are the
    boxes of lines that stay because the treatment lists them. `configuration` is the
    fingerprint of the one under which it was cleaned, from beginning to end. `device` is
    whose screen it shows, None in a report of before that was kept.
    """

    frames: int
    pixels_changed: bool
    regions: tuple[Region, ...]
    actions: tuple[tuple[str, int], ...]
    method_codes: tuple[str, ...]
    transfer_syntax_in: str
    transfer_syntax_out: str
    finder: str
    standard_edition: str
    steps: tuple[Step, ...] = ()
    kept: tuple[KeptRegion, ...] = ()
    configuration: str = ""
    device: Device | None = None
