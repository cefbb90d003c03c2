"""What the configuration can say about filling. Light: no model is imported here."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class FillPolicy(StrEnum):
    """How a treatment wants masks to be filled."""

    AUTO = "auto"
    DIFFUSION = "diffusion"
    TELEA = "telea"
    SOLID = "solid"


class AnatomyOptions(BaseModel):
    """How much of a frame may be made up where text lay over anatomy.

    Counted for each frame. Under `auto` and `diffusion` grounds of one value and even
    gradients do not count: what is put there is what was there. `telea` does not tell
    grounds apart, so all that it fills counts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    most_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.25
    """Share of the frame's pixels."""

    beyond: Literal["solid", "withhold"] = "withhold"
    """What becomes of a frame with more, and of one on which a fill over anatomy is taken
    for text again and again: patches of one value, or the instance waits."""

    def agreed(self) -> "AnatomyOptions":
        """Return it for an instance that a person has marked: they agree to one value there."""
        return AnatomyOptions(most_share=self.most_share, beyond="solid")


class StableDiffusionOptions(BaseModel):
    """The diffusion model that a site brings or that ships."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["stable_diffusion"] = "stable_diffusion"
    weights_dir: Path | None = None
    """Folder in the layout of diffusers; null takes what ships."""

    weights_sha256: Mapping[str, Sha256] | None = None
    """Hash of each file of weights by its path in the folder; null takes those of its card."""

    steps: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Denoising steps; null takes the model's own number."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """``auto`` takes an accelerator when there is one."""


InpainterOptions: TypeAlias = StableDiffusionOptions
