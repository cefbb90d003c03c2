"""How sure a finder must be before a region is filled, by kind of object.

Three answers, by the score of a region: from `sure` on it is text and is filled;
from `doubt` on somebody has to look, and the instance is withheld; below, nothing is
done. Text rarely stands alone: on a frame where one region is sure, `beside` is enough
for the others. The numbers belong to one file of weights and lie beside it, as
``finder_bands.json`` beside ``finder.onnx``: another finder, other numbers. See
docs/decisions/pixels-finding.md.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from deid_node.errors import ConfigurationError
from deid_node.pixels.text.find.options import FinderOptions
from deid_node.pixels.text.kinds import Kind
from deid_node.pixels.text.weights import FINDER
from deid_node.values.geometry import Found

_ENDING: Final = "_bands.json"

Score = Annotated[float, Field(ge=0.0, le=1.0)]


class Band(BaseModel):
    """The scores of one kind of object; equal ones leave no room for doubt.

    `beside` is from where on a region is text on a frame that bears text for sure; None
    asks for as much there as anywhere. `faint` is below what a line in the middle of what an
    ultrasound scanner declares to be an image is in doubt: bright layers of tissue look like it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    doubt: Score = 0.0
    sure: Score = 0.0
    beside: Score | None = None
    faint: Score = 0.0

    @model_validator(mode="after")
    def _in_order(self) -> "Band":
        if self.doubt > self.sure:
            raise ValueError("doubt begins above sure")
        return self

    def without_doubt(self) -> "Band":
        """Return the band that fills what this one doubts."""
        return Band(doubt=self.doubt, sure=self.doubt, beside=self.beside)

    def on_text(self) -> "Band":
        """Return the band for a frame that bears text for sure; without `beside` the same."""
        if self.beside is None:
            return self
        least = min(self.doubt, self.beside)
        return Band(doubt=least, sure=least, beside=least, faint=self.faint)

    def stricter(self, other: "Band") -> "Band":
        """Return the band that lets no more stand than either."""
        return Band(
            doubt=min(self.doubt, other.doubt),
            sure=min(self.sure, other.sure),
            beside=min((b for b in (self.beside, other.beside) if b is not None), default=None),
            faint=max(self.faint, other.faint),
        )


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    bands: Mapping[Kind, Band]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The bands of one finder; a kind that has none is sure of all that is found."""

    bands: Mapping[Kind, Band] = field(default_factory=dict)

    def band(self, kind: Kind, *, suspicious: bool) -> Band:
        """Return the band for an instance of `kind`.

        Where it is `suspicious` (Burned In Annotation is YES) it is measured like a
        screen too: suspicion only ever lowers a threshold.
        """
        own = self.bands.get(kind, Band())
        return own.stricter(self.bands.get(Kind.SCREEN, Band())) if suspicious else own


@dataclass(frozen=True, slots=True)
class Sorted:
    """What was found, by what it is taken for."""

    sure: tuple[Found, ...]
    doubtful: tuple[Found, ...]


def by_band(found: Iterable[Found], band: Band) -> Sorted:
    """Return what was found on one frame sorted by `band`; what is below it is left out."""
    every = tuple(found)
    if any(one.score >= band.sure for one in every):
        band = band.on_text()
    return Sorted(
        tuple(one for one in every if one.score >= band.sure),
        tuple(one for one in every if band.doubt <= one.score < band.sure),
    )


def evidence_of(options: FinderOptions) -> Evidence:
    """Return the bands that lie beside the weights that `options` name.

    Without such a file all that the finder returns is text, and so it is where the
    site has a `min_score` of its own.

    Raises
    ------
    ConfigurationError
        The bands cannot be read, or were measured with other weights.
    """
    written = None if options.min_score is not None else _written(options.model_file)
    if written is None:
        return Evidence()
    try:
        file = _File.model_validate_json(written)
    except ValidationError:
        raise ConfigurationError(FINDER.setting, "the bands beside it cannot be read") from None
    if file.sha256 != hashlib.sha256(FINDER.read(options.model_file)).hexdigest():
        raise ConfigurationError(
            FINDER.setting, "the bands beside it were measured with other weights"
        )
    return Evidence(file.bands)


def _written(model: Path | None) -> bytes | None:
    try:
        if model is not None:
            return model.with_name(model.stem + _ENDING).read_bytes()
        name = FINDER.shipped.removesuffix(".onnx") + _ENDING
        return resources.files("deid_node.weights").joinpath(name).read_bytes()
    except FileNotFoundError:
        return None
    except OSError:
        raise ConfigurationError(FINDER.setting, "the bands beside it cannot be read") from None
