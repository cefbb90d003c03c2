"""Options and a treatment's policy to the inpainter."""

from collections.abc import Iterable
from typing import assert_never

from deid_node.errors import ConfigurationError
from deid_node.pixels.fill.auto import AutoInpainter
from deid_node.pixels.fill.base import Inpainter
from deid_node.pixels.fill.choice import CHOICE, MODEL_EVERYWHERE, PLAINLY, SMOOTHLY
from deid_node.pixels.fill.diffusion import DiffusionInpainter
from deid_node.pixels.fill.folder import missing_library, open_folder, shipped
from deid_node.pixels.fill.gradient import GradientInpainter
from deid_node.pixels.fill.grain import GrainedInpainter
from deid_node.pixels.fill.guided import GuidedInpainter
from deid_node.pixels.fill.options import FillPolicy, InpainterOptions
from deid_node.pixels.fill.painter import Painter
from deid_node.pixels.fill.smooth import SmoothInpainter
from deid_node.pixels.fill.solid import SolidInpainter
from deid_node.pixels.fill.split import SplitInpainter
from deid_node.pixels.fill.telea import TeleaInpainter
from deid_node.pixels.fill.tiles import SquarePainter
from deid_node.values.fill import Fill


def build_inpainter(policy: FillPolicy, painter: SquarePainter | None) -> Inpainter:
    """Return the inpainter that `policy` asks for.

    Parameters
    ----------
    policy
        The treatment's.
    painter
        The model, shared by all treatments; None where there is none to be had.

    Raises
    ------
    ConfigurationError
        Diffusion is asked for and there is no model.
    """
    match policy:
        case FillPolicy.AUTO:
            return SplitInpainter(AutoInpainter(backends(painter), CHOICE))
        case FillPolicy.TELEA:
            return SplitInpainter(TeleaInpainter())
        case FillPolicy.SOLID:
            return SplitInpainter(SolidInpainter())
        case FillPolicy.DIFFUSION:
            if painter is None:
                raise ConfigurationError("treatments.*.fill", f"diffusion: {no_model()}")
            return SplitInpainter(AutoInpainter(backends(painter), MODEL_EVERYWHERE))
        case _:
            assert_never(policy)


def smooth_inpainter() -> Inpainter:
    """Return what takes over where the inpainter of a treatment drew what looks like letters."""
    smooth = {**backends(), Fill.SMOOTH: SmoothInpainter()}
    return SplitInpainter(AutoInpainter(smooth, SMOOTHLY))


def plain_inpainter() -> Inpainter:
    """Return what takes over from that: one value wherever something had to be made up."""
    return SplitInpainter(AutoInpainter(backends(), PLAINLY))


def backends(painter: SquarePainter | None = None) -> dict[Fill, Inpainter]:
    """Return what `AutoInpainter` chooses from; without `painter`, what needs no model."""
    plain: dict[Fill, Inpainter] = {
        Fill.SOLID: SolidInpainter(),
        Fill.GRADIENT: GradientInpainter(),
        Fill.TELEA: GuidedInpainter(GrainedInpainter(TeleaInpainter())),
    }
    if painter is None:
        return plain
    return {**plain, Fill.DIFFUSION: GuidedInpainter(DiffusionInpainter(painter))}


def build_painter(options: InpainterOptions, *, threads: int = 1) -> Painter | None:
    """Return the model that `options` name, not loaded yet; None where there is none.

    Raises
    ------
    ConfigurationError
        A folder is named, or ships, and cannot be used; or one is named and a library
        is missing.
    """
    if no_model() is not None and options.weights_dir is None:
        return None
    library = missing_library()
    if library is not None:
        raise ConfigurationError("pixels.inpainter.weights_dir", _needs(library))
    return Painter(open_folder(options), threads=threads)


def uses_model(policy: FillPolicy) -> bool:
    """Return whether a treatment of `policy` would use a model where there is one."""
    match policy:
        case FillPolicy.AUTO:
            return Fill.DIFFUSION in CHOICE.values()
        case FillPolicy.DIFFUSION:
            return True
        case FillPolicy.TELEA | FillPolicy.SOLID:
            return False
        case _:
            assert_never(policy)


def inpainter_name(options: InpainterOptions, policies: Iterable[FillPolicy]) -> str:
    """Return which model fills, ``solid-telea`` where none of `policies` uses one."""
    painter = build_painter(options)
    if painter is None or not any(uses_model(policy) for policy in policies):
        return "solid-telea"
    return painter.name


def no_model() -> str | None:
    """Return why no model can be had without a folder of the site's own; None: it can."""
    library = missing_library()
    if library is not None:
        return _needs(library)
    return None if shipped().is_dir() else "no model ships; name one in pixels.inpainter"


def _needs(library: str) -> str:
    return f"{library} is not installed; it comes with the extra deid-node[diffusion]"
