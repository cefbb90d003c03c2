"""From a configuration to a corridor: what a worker builds, and what it is handed for that.

A worker imports this file and what stands below it, and nothing of the doors and the ways out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deid_node.config.fingerprint import fingerprint_of
from deid_node.config.treatments import PixelsOptions, TreatmentOptions
from deid_node.dicom.silence import silence_libraries
from deid_node.metadata.build import build_scrubber, key_of
from deid_node.metadata.plan.options import MetadataOptions, Option, require_offered
from deid_node.metadata.plan.table import EDITION
from deid_node.pipeline import Corridor, Provenance, Treatment
from deid_node.pixels.cleaner import PixelCleaner
from deid_node.pixels.fill.build import build_inpainter
from deid_node.pixels.provenance import require_library
from deid_node.pixels.remote.models import Models, models_here, models_over
from deid_node.pixels.remote.place import Line
from deid_node.pixels.remote.wanted import WantedModels, wanted_models
from deid_node.pixels.text.evidence import evidence_of
from deid_node.pixels.text.keep.judge import KeepList
from deid_node.pixels.text.keep.patterns import compiled
from deid_node.pixels.text.read.base import Reader
from deid_node.pixels.text.read.build import build_reader
from deid_node.pixels.text.regions_file import RegionsFile
from deid_node.route.build import compile_router
from deid_node.route.options import RouteOptions
from deid_node.spool.files import BlobFiles

if TYPE_CHECKING:
    from deid_node.config.schema import Config


@dataclass(frozen=True, slots=True)
class CorridorFactory:
    """Builds the corridor inside a worker process: picklable, and it holds the site's keys."""

    route: RouteOptions
    treatments: tuple[tuple[str, TreatmentOptions], ...]
    pixels: PixelsOptions
    metadata: MetadataOptions
    destinations: tuple[str, ...]
    files: BlobFiles
    compares: bool
    configuration: str
    """Which one it is; what is cleaned by it says so."""
    keys: tuple[bytes, ...] = field(repr=False)
    """One for each treatment, in their order."""

    def __call__(self) -> Corridor:
        """Return the corridor, its models loaded; raises `ConfigurationError`."""
        return self._corridor(models_here(self.pixels.finder, self.pixels.inpainter))

    def wanted(self) -> WantedModels:
        """Return the models that `over` asks at the other end; raises `ConfigurationError`."""
        return wanted_models(self.pixels.finder, self.pixels.inpainter)

    def over(self, line: Line) -> Corridor:
        """Return the corridor over models that are asked on `line`."""
        return self._corridor(models_over(line, self.pixels.finder, self.pixels.inpainter))

    def _corridor(self, models: Models) -> Corridor:
        silence_libraries()
        evidence = evidence_of(self.pixels.finder)
        reader = build_reader(self.pixels.reader)
        regions_file = RegionsFile.named(self.pixels.regions_file)
        treatments = {}
        for (name, options), key in zip(self.treatments, self.keys, strict=True):
            chosen = options_of(options, self.metadata, name=name)
            treatments[name] = Treatment(
                cleaner=PixelCleaner(
                    models.finder,
                    build_inpainter(options.fill, models.painter),
                    self.pixels.regions,
                    keep=keep_list(options, reader),
                    keep_overlays=Option.CLEAN_GRAPHICS in chosen,
                    limit=options.anatomy,
                    evidence=evidence,
                    doubt=options.doubt,
                    reader=reader,
                    regions_file=regions_file,
                ),
                scrubber=build_scrubber(
                    self.metadata, chosen, key=key, project=options.project, treatment=name
                ),
                options=chosen,
                marks_filled=marks_filled(options, name=name),
                waits=options.wait_for_series if self.compares else None,  # not offline
            )
        return Corridor(
            compile_router(
                self.route, treatments=treatments, destinations=self.destinations or None
            ),
            treatments,
            Provenance(models.finder.name, EDITION, self.configuration),
            self.files,
            compares=self.compares,
        )


def corridor_factory(
    config: "Config", *, keys: Sequence[bytes], files: BlobFiles, offline: bool = False
) -> CorridorFactory:
    """Return what builds the corridor; offline, rules may name destinations that are not there.

    `keys` are those of the treatments, in their order (`keys_of`); `files` is how results are
    written.
    """
    return CorridorFactory(
        route=config.route,
        treatments=tuple(config.treatments.items()),
        pixels=config.pixels,
        metadata=config.metadata,
        destinations=() if offline else tuple(config.forward.destinations),
        files=files,
        compares=not offline,
        configuration=fingerprint_of(config),
        keys=tuple(keys),
    )


def keys_of(config: "Config") -> Mapping[str, bytes]:
    """Return the pseudonym key of each treatment; raises `ConfigurationError`."""
    return {
        name: key_of(config.metadata, treatment.project, treatment=name)
        for name, treatment in config.treatments.items()
    }


def options_of(
    treatment: TreatmentOptions, metadata: MetadataOptions, *, name: str
) -> frozenset[Option]:
    """Return the options of PS3.15 Annex E that a treatment carries out.

    Pixels are always cleaned: naming other options alone does not turn it off.
    Raises `ConfigurationError` for an option that this version does not offer.
    """
    chosen = metadata.options if treatment.options is None else treatment.options
    path = "metadata.options" if treatment.options is None else f"treatments.{name}.options"
    return require_offered(chosen, path=path) | {Option.CLEAN_PIXEL_DATA}


def marks_filled(treatment: TreatmentOptions, *, name: str) -> bool:
    """Return whether a Segmentation of what is filled goes beside each instance.

    Raises `ConfigurationError` where one is asked for and cannot be made here.
    """
    if treatment.provenance == "none":
        return False
    require_library(f"treatments.{name}.provenance")
    return True


def keep_list(treatment: TreatmentOptions, reader: Reader | None) -> KeepList | None:
    """Return which lines a treatment lets stay; None lets none, and reads none."""
    if treatment.text == "all" or reader is None:
        return None
    return KeepList(reader, tuple(one for entry in treatment.keep for one in compiled(entry)))
