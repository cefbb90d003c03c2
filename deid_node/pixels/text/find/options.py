"""What the configuration can say about the finder. Light: no model is imported here."""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field


class CrnnOptions(BaseModel):
    """The CRNN that ships, or another file of the same make."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["crnn"] = "crnn"
    model_file: Path | None = None
    """ONNX file made by ``deid-lab export finder``; null takes the one that ships."""

    min_score: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None
    """Least certainty of a box. Lower masks more; null takes the file's own."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """``auto`` takes an accelerator when onnxruntime sees one."""


FinderOptions: TypeAlias = CrnnOptions
