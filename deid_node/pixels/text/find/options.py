"""What the configuration can say about the finder. Light: no model is imported here."""

from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

RUNTIME_SETTING: Final = "pixels.finder.runtime"
"""What an error names where a runtime is not there."""


class OnnxRuntimeOptions(BaseModel):
    """onnxruntime, on a processor or on CUDA."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["onnxruntime"] = "onnxruntime"


class OpenVinoOptions(BaseModel):
    """OpenVINO, on a processor; needs the extra ``openvino``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["openvino"]
    precision: Literal["float32", "bfloat16"] = "float32"
    """``float32`` gives the boxes that onnxruntime gives. ``bfloat16`` takes half the time on
    a processor that knows it, and may move an edge by a few pixels and a score by some
    hundredths (docs/decisions/pixels-runtime.md)."""


class FastestRuntimeOptions(BaseModel):
    """The fastest that is there.

    onnxruntime on CUDA; OpenVINO in ``bfloat16`` where its package is installed and the processor
    knows that precision; else onnxruntime. The boxes of two machines may then differ as
    ``bfloat16`` says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["auto"]


RuntimeOptions: TypeAlias = Annotated[
    OnnxRuntimeOptions | OpenVinoOptions | FastestRuntimeOptions, Field(discriminator="kind")
]


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

    runtime: RuntimeOptions = OnnxRuntimeOptions()
    """What runs the model."""

    @model_validator(mode="after")
    def _on_its_device(self) -> "CrnnOptions":
        if self.device == "cuda" and isinstance(self.runtime, OpenVinoOptions):
            raise ValueError("OpenVINO runs on the processor: device cuda takes onnxruntime")
        return self


FinderOptions: TypeAlias = CrnnOptions
