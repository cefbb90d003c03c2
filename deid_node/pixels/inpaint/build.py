"""Options and a treatment's policy to the inpainter."""

from typing import assert_never

from deid_node.errors import ConfigurationError
from deid_node.pixels.inpaint.auto import AutoInpainter
from deid_node.pixels.inpaint.base import Inpainter
from deid_node.pixels.inpaint.options import FillPolicy, InpainterOptions
from deid_node.pixels.inpaint.solid import SolidInpainter
from deid_node.pixels.inpaint.telea import TeleaInpainter


def build_inpainter(policy: FillPolicy, options: InpainterOptions) -> Inpainter:
    """Return the inpainter that `policy` asks for.

    Raises
    ------
    ConfigurationError
        Diffusion is asked for, by policy or by a folder of weights: this version
        ships no diffusion weights and runs none.
    """
    if options.weights_dir is not None:
        raise ConfigurationError(
            "pixels.inpainter.weights_dir", "this version ships no diffusion weights and runs none"
        )
    match policy:
        case FillPolicy.AUTO:
            return AutoInpainter(SolidInpainter(), TeleaInpainter())
        case FillPolicy.TELEA:
            return TeleaInpainter()
        case FillPolicy.SOLID:
            return SolidInpainter()
        case FillPolicy.DIFFUSION:
            raise ConfigurationError(
                "treatments.*.fill", "diffusion: this version ships no diffusion weights"
            )
        case _:
            assert_never(policy)
