"""What the configuration can say about the reader. Light: no model is imported here."""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field


class CrnnReaderOptions(BaseModel):
    """The CRNN that ships, or another file of the same make."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["crnn"] = "crnn"
    model_file: Path | None = None
    """ONNX file made by ``deid-lab export reader``; null takes the one that ships."""

    min_confidence: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None
    """Least confidence of a reading that may be relied on. Higher trusts fewer lines;
    null takes the file's own."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """``auto`` takes an accelerator when onnxruntime sees one."""


ReaderOptions: TypeAlias = CrnnReaderOptions
