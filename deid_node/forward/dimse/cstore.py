"""An archive as destination: C-STORE over associations that are kept open.

The bytes of the dataset go out as they are stored. Only where the archive takes
no context in the stored transfer syntax is it transcoded, without loss.
"""

from collections.abc import Generator, Sequence
from pathlib import Path

from deid_node.dicom.part10 import IMPLEMENTATION_CLASS_UID
from deid_node.dicom.tls import client_tls
from deid_node.errors import BlobDamaged, TranscodingDiffers
from deid_node.forward.base import AssociationCounts, Parcel
from deid_node.forward.dimse.association import Archive, Association, AssociationLost
from deid_node.forward.dimse.contexts import Offer, accepted_offer
from deid_node.forward.dimse.payload import dataset_in
from deid_node.forward.dimse.pool import AssociationPool, Line
from deid_node.forward.options import CStoreOptions
from deid_node.forward.statuses import result_of
from deid_node.forward.transcode import Transcoder, Untranscodable
from deid_node.spool.files import PLAIN, BlobFiles
from deid_node.values.delivery import DeliveryResult, Receipt
from deid_node.values.instance import CleanInstance, Sealed

_VERSION_NAME = "DEID_NODE"
_IDLE_SECONDS = 10.0
_TRANSCODE_LIMIT_SECONDS = 600.0


def archive_of(name: str, options: CStoreOptions) -> Archive:
    """Return whom to call for destination `name`.

    Raises `ConfigurationError` where the files of its TLS cannot be used.
    """
    tls = options.tls
    return Archive(
        host=options.host,
        port=options.port,
        called=options.ae_title,
        calling=options.calling_ae_title,
        timeout_seconds=options.timeout_seconds,
        implementation=(IMPLEMENTATION_CLASS_UID, _VERSION_NAME),
        tls=None if tls is None else client_tls(tls, f"forward.destinations.{name}.tls"),
    )


class CStoreDestination:
    """Sends to one archive; a `Destination`. `files` opens what the spool holds.

    Raises `ConfigurationError` where the files of its TLS cannot be used.
    """

    def __init__(
        self,
        name: str,
        options: CStoreOptions,
        files: BlobFiles = PLAIN,
        *,
        idle_seconds: float = _IDLE_SECONDS,
    ) -> None:
        self.name = name
        self._files = files
        self._pool = AssociationPool(
            archive_of(name, options), most=options.max_associations, idle_seconds=idle_seconds
        )
        self._transcoder = Transcoder(files, time_limit_seconds=_TRANSCODE_LIMIT_SECONDS)

    @property
    def concurrency(self) -> int:
        """How many associations may be tried at once."""
        return self._pool.places

    @property
    def associations(self) -> AssociationCounts:
        """How many associations there are now."""
        return self._pool.counts()

    def deliver(self, batch: Sequence[Parcel]) -> Generator[Receipt, None, None]:
        """Send `batch` over one association after the other, as few as its contexts need."""
        instances = [parcel.instance for parcel in batch]
        with Line(self._pool) as line:
            for number, parcel in enumerate(batch):
                yield self._delivered(line, parcel, instances[number:])

    def release_idle(self) -> None:
        """Release the associations that have not been used for a while."""
        self._pool.release_idle()

    def close(self) -> None:
        """Release what is idle, break off what is in use, end the transcoder."""
        self._pool.close()
        self._transcoder.close()

    def _delivered(self, line: Line, parcel: Parcel, instances: Sequence[CleanInstance]) -> Receipt:
        try:
            association = line.serving(instances)
            try:
                receipt = self._sent(association, parcel)
            except AssociationLost:
                if not line.is_rested:
                    raise
                # It died while it lay idle: that says nothing of the instance.
                receipt = self._sent(line.renewed(instances), parcel)
            line.is_rested = False
        except AssociationLost:
            line.lose()
            return self._unsent(parcel, DeliveryResult.RETRY)
        except BlobDamaged:
            line.lose()
            return self._unsent(parcel, DeliveryResult.REFUSED)
        return receipt

    def _sent(self, association: Association, parcel: Parcel) -> Receipt:
        # Looked at before anything is sent: an archive that takes no companions gets neither.
        accepted = [
            (content, path, offer)
            for content, path in parcel.contents
            if (offer := accepted_offer(association, content)) is not None
        ]
        if len(accepted) < len(parcel.contents):
            return self._unsent(parcel, DeliveryResult.REFUSED)
        receipts = []
        for content, path, offer in accepted:
            try:
                status = self._stored(association, content, path, offer)
            except Untranscodable:
                return self._unsent(parcel, DeliveryResult.REFUSED)
            except TranscodingDiffers as fault:
                return self._unsent(parcel, DeliveryResult.REFUSED, code=fault.code)
            receipts.append(Receipt(parcel.instance.id, self.name, result_of(status), status))
            if receipts[-1].result in {DeliveryResult.RETRY, DeliveryResult.REFUSED}:
                return receipts[-1]
        warned = [one for one in receipts if one.result is DeliveryResult.WARNING]
        return (warned or receipts)[-1]

    def _stored(self, association: Association, content: Sealed, path: Path, offer: Offer) -> int:
        """Send one object as it was accepted and return the status.

        Raises `Untranscodable`, `TranscodingDiffers`, `SpoolFull`.
        """
        sop_class, syntax = offer
        if syntax != content.transfer_syntax:
            stored = self._transcoder.transcoded(path, syntax)
        else:
            stored = dataset_in(path, self._files)
        return association.store(
            stored,
            len(stored),
            sop_class=sop_class,
            sop_instance=content.sop_instance_uid,
            transfer_syntax=syntax,
        )

    def _unsent(
        self, parcel: Parcel, result: DeliveryResult, *, code: str | None = None
    ) -> Receipt:
        """Return the receipt for a parcel that got no status of the archive."""
        return Receipt(parcel.instance.id, self.name, result, None, code)
