"""What was tried, how it ended, and what must be looked at by a person.

A verdict in `FAULTS` breaks a promise of the house. The other kept ones are
contained as they should be, but a worker that died or swelled or an error that nobody
foresaw is worth a look.
"""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

FAULTS: Final = frozenset({"dirty", "hang", "lost", "door_down", "no_echo", "left_behind", "said"})
KEPT: Final = FAULTS | {"unexpected", "worker_died", "swollen"}


@dataclass
class Findings:
    """Counts by kind of damage and by verdict; inputs of kept verdicts lie in `folder`."""

    folder: Path
    tried: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    totals: Counter[str] = field(default_factory=Counter)
    kept: list[Path] = field(default_factory=list)

    def note(self, kinds: tuple[str, ...], verdict: str) -> None:
        """Count one input of these kinds."""
        self.tried.update(kinds)
        self.verdicts[verdict] += 1

    def keep(self, verdict: str, content: bytes, suffix: str, **about: object) -> None:
        """Keep an input, with what is known about it beside it, so that it can be played again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"{verdict}-{hashlib.sha256(content).hexdigest()[:12]}"
        path = self.folder / f"{name}{suffix}"
        path.write_bytes(content)
        path.with_suffix(".about.json").write_text(json.dumps(about, indent=1, default=str))
        self.kept.append(path)

    @property
    def faults(self) -> int:
        """How many promises were broken."""
        return sum(self.verdicts[verdict] for verdict in FAULTS)

    def table(self) -> str:
        """Return the counts as lines."""
        lines = [f"{'inputs':24} {sum(self.verdicts.values()):8}"]
        for title, counts in (
            ("damage", self.tried),
            ("verdict", self.verdicts),
            ("instances", self.totals),
        ):
            lines.append(f"-- {title}")
            lines += [f"{name:24} {count:8}" for name, count in sorted(counts.items())]
        return "\n".join(lines)
