"""What the configuration can say about filling. Light: no model is imported here."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field


class FillPolicy(StrEnum):
    """How a treatment wants masks to be filled."""

    AUTO = "auto"
    DIFFUSION = "diffusion"
    TELEA = "telea"
    SOLID = "solid"


class StableDiffusionOptions(BaseModel):
    """The diffusion model that a site brings or that ships."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["stable_diffusion"] = "stable_diffusion"
    weights_dir: Path | None = None
    """Folder in the layout of diffusers; null takes what ships."""

    steps: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Denoising steps; null takes the model's own number."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """``auto`` takes an accelerator when there is one."""


InpainterOptions: TypeAlias = StableDiffusionOptions
