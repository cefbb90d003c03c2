"""Small valid values for tests that need one and do not care which."""

from datetime import UTC, datetime
from zlib import crc32

from deid_node.spool.arrivals import Arrival
from deid_node.values.identity import InstanceId
from deid_node.values.instance import BlobRef, CleanInstance
from deid_node.values.origin import Dimse, Origin
from deid_node.values.report import CleaningReport

EXPLICIT = "1.2.840.10008.1.2.1"
CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"


def an_origin(*, peer: str = "any", calling_ae: str = "SCANNER") -> Origin:
    return Origin(
        peer=peer,
        via=Dimse(calling_ae, "DEIDNODE", "127.0.0.1"),
        association="a1",
        received_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        transfer_syntax=EXPLICIT,
    )


def an_arrival(uid: str = "1.2.3", *, calling_ae: str = "SCANNER") -> Arrival:
    return Arrival(an_origin(calling_ae=calling_ae), CT_IMAGE_STORAGE, uid)


def a_report() -> CleaningReport:
    return CleaningReport(
        frames=1,
        pixels_changed=False,
        regions=(),
        actions=(("X", 3),),
        method_codes=("113100",),
        transfer_syntax_in=EXPLICIT,
        transfer_syntax_out=EXPLICIT,
        finder="none",
        standard_edition="2024e",
    )


def a_clean_instance(
    instance: InstanceId, blob: BlobRef, *, destinations: tuple[str, ...] = ("archive",)
) -> CleanInstance:
    return CleanInstance(
        id=instance,
        blob=blob,
        sop_class_uid=CT_IMAGE_STORAGE,
        # No two instances leave under one UID.
        sop_instance_uid=f"2.25.{crc32(instance.encode())}",
        series_instance_uid="2.25.2",
        study_instance_uid="2.25.1",
        transfer_syntax=EXPLICIT,
        rule="everything",
        destinations=destinations,
        report=a_report(),
    )
