"""Which models a node wants elsewhere, and whether those are the ones that it knows.

Named by its configuration, and by the sha256 of every file of weights: a machine with another
file under the same name would find other text.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from deid_node import __version__
from deid_node.errors import ConfigurationError
from deid_node.pixels.fill.build import build_painter
from deid_node.pixels.fill.folder import shipped
from deid_node.pixels.fill.options import InpainterOptions, StableDiffusionOptions
from deid_node.pixels.text.find.options import CrnnOptions, FinderOptions
from deid_node.pixels.text.weights import FINDER

_CHUNK_BYTES: Final = 2**22


class WantedModels(BaseModel):
    """The finder, and the model that fills where one is used; as text it goes to the cluster.

    `weights` has the sha256 of each file by what it is of; `version` is that of the node.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    finder: FinderOptions = CrnnOptions()
    inpainter: InpainterOptions | None = None
    weights: Mapping[str, str] = Field(default_factory=dict)
    version: str = __version__

    def told(self) -> Mapping[str, Any]:
        """Return it as JSON has it."""
        told: Mapping[str, Any] = self.model_dump(mode="json")
        return told

    def require_same(self) -> None:
        """Return if the weights and the version of this machine are those that are wanted.

        Raises `ConfigurationError`.
        """
        if self.version != __version__:
            raise ConfigurationError("work.engine", "the cluster runs another version of the node")
        here = weights_of(self.finder, self.inpainter)
        other = sorted(
            name for name in {*here, *self.weights} if here.get(name) != self.weights.get(name)
        )
        if other:
            raise ConfigurationError(
                "work.engine", f"the cluster has other weights than the node: {other[0]}"
            )


def wanted_models(finder: FinderOptions, inpainter: InpainterOptions | None) -> WantedModels:
    """Return what a node of these options wants; raises `ConfigurationError`."""
    used = None if inpainter is None or build_painter(inpainter) is None else inpainter
    return WantedModels(finder=finder, inpainter=used, weights=weights_of(finder, used))


def weights_of(finder: FinderOptions, inpainter: InpainterOptions | None) -> Mapping[str, str]:
    """Return the sha256 of each file of weights on this machine; raises `ConfigurationError`."""
    found = {"finder": hashlib.sha256(FINDER.read(finder.model_file)).hexdigest()}
    if isinstance(inpainter, StableDiffusionOptions):
        folder = inpainter.weights_dir or shipped()
        files = sorted(folder.glob("*/*.safetensors"))
        found |= {
            f"inpainter/{file.relative_to(folder).as_posix()}": _digest(file) for file in files
        }
    return found


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    try:
        with file.open("rb") as opened:
            while piece := opened.read(_CHUNK_BYTES):
                digest.update(piece)
    except OSError:
        raise ConfigurationError("pixels.inpainter.weights_dir", "cannot be read") from None
    return digest.hexdigest()
