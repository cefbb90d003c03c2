"""What a worker is handed: one instance, and where its clean bytes shall lie."""

from dataclasses import dataclass, field
from pathlib import Path

from deid_node.values.identity import InstanceId
from deid_node.values.markings import Markings
from deid_node.values.origin import Origin
from deid_node.values.series import InSeries

MAX_STARTS = 3
"""How often an instance is started before it is withheld."""

MAX_CUT_SHORT = 3
"""How many starts are given back because the node itself ended in the middle of them."""


@dataclass(frozen=True, slots=True)
class Rival:
    """What came before under the same SOP Instance UID with other bytes.

    The checksum of its decoded content, where it was cleaned, and its bytes, where they are
    held; without both nobody can say whether it is the same.
    """

    content_sha256: str | None
    blob: Path | None


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """One start of one instance.

    `attempt` counts from 1 and was committed before the order was given out.
    `blob` is the Part 10 file in custody; `output` is where the corridor writes
    the clean Part 10 file (it does not exist yet, and counts for nothing until
    the journal says CLEAN), and `companion_output` that of its companion.
    `sop_instance_uid` is the name under which it was taken into custody; None for a
    file that nobody sent. `blob_sha256` is what `blob` is read against; None for such a
    file, too.
    Where there are `rivals`, the corridor looks first whether it is the same as one of them.
    `markings` are what a person decided about its pixels; None where nobody did.
    `series` is said of an instance that has waited for its series, or came too late to wait.
    """

    id: InstanceId
    attempt: int
    blob: Path
    output: Path
    origin: Origin
    sop_instance_uid: str | None = field(default=None, repr=False)
    rivals: tuple[Rival, ...] = ()
    markings: Markings | None = None
    blob_sha256: str | None = None
    series: InSeries | None = None

    @property
    def companion_output(self) -> Path:
        """A name beside that of `output`."""
        return self.output.with_name(f"{self.output.name}.companion")

    @property
    def outputs(self) -> tuple[Path, Path]:
        """Every file that the corridor may leave."""
        return self.output, self.companion_output
