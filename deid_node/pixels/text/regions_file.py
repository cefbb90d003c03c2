"""The file of fixed regions that stands beside the configuration, and is read while it works.

People accept rules at the review desk, and read, copy or remove them with an editor. Each
instance is cleaned by what the file says when it comes: no restart is needed, and nothing
is remembered that the file says no more. It is a YAML list, each entry as in
``pixels.regions``.
"""

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

import yaml
from pydantic import TypeAdapter, ValidationError

from deid_node.errors import RegionsUnreadable
from deid_node.pixels.text.device_regions import DeviceRegionsOptions

_RULES: Final = TypeAdapter(tuple[DeviceRegionsOptions, ...])
_HEADING: Final = """\
# Fixed regions, filled on every frame of the instances that fit; see pixels.regions_file.
# The review desk adds what an admin accepts. Change, copy or remove entries as you like:
# each instance is cleaned by what stands here when it comes.
"""


class RegionsFile:
    """The rules in the file at `path`; where there is no file there are none.

    One writer at a time within a process; a reader never meets a file that is half written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._read: tuple[tuple[int, int, int] | None, tuple[DeviceRegionsOptions, ...]] = (
            None,
            (),
        )

    @classmethod
    def named(cls, path: Path | None) -> Self | None:
        """Return the file at `path`, None where none is named."""
        return None if path is None else cls(path)

    def current(self) -> tuple[DeviceRegionsOptions, ...]:
        """Return what the file says now; raise `RegionsUnreadable`.

        It is parsed again only where it is another file, or of another time or size.
        """
        with self._lock:
            try:
                found = self.path.stat()
            except FileNotFoundError:
                return ()
            except OSError:
                raise RegionsUnreadable from None
            mark = (found.st_ino, found.st_mtime_ns, found.st_size)
            if mark != self._read[0]:
                self._read = (mark, parsed(self._text()))
            return self._read[1]

    def add(self, rule: DeviceRegionsOptions, *, remark: str) -> None:
        """Put `rule` at the end, under `remark`, a line for people; what stands there stays.

        It is on disk when this returns, and counts from the next instance on. Raises
        `RegionsUnreadable` where the file is not what it should be, or cannot be written.
        """
        with self._lock:
            try:
                text = self._text()
            except FileNotFoundError:
                text = _HEADING
            parsed(text)
            entry = yaml.safe_dump([plain(rule)], sort_keys=False, allow_unicode=True)
            text = f"{text.rstrip()}\n\n# {' '.join(remark.split())}\n{entry}"
            # What is written can be read, also after what somebody else has written there.
            parsed(text)
            self._write(text)

    def _text(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise
        except (OSError, UnicodeDecodeError):
            raise RegionsUnreadable from None

    def _write(self, text: str) -> None:
        beside = self.path.with_name(f"{self.path.name}.new")
        try:
            with beside.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            beside.rename(self.path)
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError:
            with suppress(OSError):
                beside.unlink()
            raise RegionsUnreadable("the file of fixed regions cannot be written") from None


def parsed(text: str) -> tuple[DeviceRegionsOptions, ...]:
    """Return the rules in `text`; raise `RegionsUnreadable`, which quotes nothing of it."""
    try:
        content: Any = yaml.safe_load(text)
        return _RULES.validate_python([] if content is None else content)
    except (yaml.YAMLError, ValidationError, RecursionError):
        raise RegionsUnreadable from None


def plain(rule: DeviceRegionsOptions) -> dict[str, Any]:
    """Return `rule` as YAML says it, without what is as ever."""
    said: dict[str, Any] = rule.model_dump(mode="json", exclude_defaults=True)
    return said


def covered(rules: Sequence[DeviceRegionsOptions]) -> tuple[str, ...]:
    """Return a line for each of `rules`: which instances it is for, and what it fills."""
    return tuple(_line(rule) for rule in rules)


def _line(rule: DeviceRegionsOptions) -> str:
    names = (rule.manufacturer, rule.model, rule.modality, rule.sop_class)
    said = [name for name in names if name is not None]
    if rule.columns is not None or rule.rows is not None:
        said.append(f"{rule.columns or 'any'} x {rule.rows or 'any'}")
    said += [f"{test.attribute} {test.test}" for test in rule.where]
    filled = [f"{len(rule.boxes)} boxes"] if rule.boxes else []
    if rule.outside_ultrasound_regions:
        filled.append("all outside the ultrasound regions")
    return f"{', '.join(said) or 'every instance'}: {' and '.join(filled)}"
