"""The whole configuration: the options of all rooms under one roof."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from deid_node.audit.options import AuditOptions, NoAuditOptions
from deid_node.config.treatments import PixelsOptions, TreatmentOptions
from deid_node.forward.options import ForwardOptions
from deid_node.metadata.plan.options import MetadataOptions
from deid_node.notify.options import NotifyOptions
from deid_node.observe.options import ObserveOptions
from deid_node.receive.options import ReceiveOptions
from deid_node.review.options import ReviewOptions
from deid_node.route.options import RouteOptions
from deid_node.spool.options import SpoolOptions
from deid_node.work.options import WorkOptions

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class Config(BaseModel):
    """One node's configuration; unknown keys refuse to start."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    receive: ReceiveOptions = ReceiveOptions()
    spool: SpoolOptions = SpoolOptions()
    route: RouteOptions = RouteOptions()
    treatments: Mapping[Name, TreatmentOptions] = {"research": TreatmentOptions()}
    pixels: PixelsOptions = PixelsOptions()
    metadata: MetadataOptions = MetadataOptions()
    work: WorkOptions = WorkOptions()
    forward: ForwardOptions = Field(default_factory=ForwardOptions)
    observe: ObserveOptions = ObserveOptions()
    notify: NotifyOptions = NotifyOptions()
    review: ReviewOptions | None = Field(
        default=None,
        description="Pages on which people look at withheld instances and decide; null = none.",
    )
    audit: AuditOptions = Field(
        default=NoAuditOptions(),
        description="Where DICOM Audit Messages go: nowhere, a file, or the site's repository.",
    )
