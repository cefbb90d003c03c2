"""An archive as destination that takes instances by STOW-RS, several in one request.

The bytes go out as they are sealed. What an archive says of a request that it did not
answer instance by instance is found out by halves: whatever it chokes on is alone in the
end, and everything else has gone on.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from deid_node.dicom.bulk import Bulk
from deid_node.dicom.part10 import spool_header
from deid_node.dicom.tls import client_tls
from deid_node.dicom.web.store_answer import DICOM_JSON
from deid_node.errors import (
    BlobDamaged,
    InstanceTooLarge,
    TranscodingDiffers,
)
from deid_node.forward.base import AssociationCounts, Parcel
from deid_node.forward.stow.archive import WebArchive
from deid_node.forward.stow.authorization import Authorizer, build_authorizer
from deid_node.forward.stow.link import LinkLost, Request, Site
from deid_node.forward.stow.links import WebLine, WebLinks
from deid_node.forward.stow.multipart import MultipartBody
from deid_node.forward.stow.options import StowOptions, StowTlsOptions
from deid_node.forward.stow.verdicts import (
    LOST,
    REFUSED,
    SYNTAX_NOT_SUPPORTED,
    Verdict,
    Whole,
    judged,
)
from deid_node.forward.transcode import Transcoder, Untranscodable
from deid_node.spool.files import PLAIN, BlobFiles
from deid_node.values.delivery import DeliveryResult, Receipt
from deid_node.values.instance import Sealed

EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"
IMPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2"
_IDLE_SECONDS: Final = 10.0
_TRANSCODE_LIMIT_SECONDS: Final = 600.0


def site_of(name: str, options: StowOptions) -> Site:
    """Return where destination `name` is.

    Raises `ConfigurationError` where the files of its TLS cannot be used.
    """
    path = f"forward.destinations.{name}.tls"
    is_secure = options.url.startswith("https:")
    return Site(
        options.url.rstrip("/"),
        timeout_seconds=options.timeout_seconds,
        answer_seconds=options.answer_seconds,
        tls=client_tls(options.tls or StowTlsOptions(), path) if is_secure else None,
    )


def authorizer_of(name: str, options: StowOptions) -> Authorizer:
    """Return what destination `name` is shown; raises `ConfigurationError`."""
    return build_authorizer(options.auth, f"forward.destinations.{name}.auth")


class StowDestination:
    """Sends to one archive; a `Destination`. `files` opens what the spool holds.

    Raises `ConfigurationError` where a file of its options cannot be used.
    """

    def __init__(
        self,
        name: str,
        options: StowOptions,
        files: BlobFiles = PLAIN,
        *,
        idle_seconds: float = _IDLE_SECONDS,
    ) -> None:
        self.name = name
        self.concurrency = options.max_connections
        self._options = options
        self._files = files
        self._links = WebLinks(
            site_of(name, options), most=options.max_connections, idle_seconds=idle_seconds
        )
        self._archive = WebArchive(self._links, authorizer_of(name, options))
        self._transcoder = Transcoder(files, time_limit_seconds=_TRANSCODE_LIMIT_SECONDS)
        # What it has said of itself since the start; threads may overwrite each other's news.
        self._batch_bytes = options.batch_bytes
        self._has_taken = False
        self._not_taken: frozenset[str] = frozenset()

    @property
    def associations(self) -> AssociationCounts:
        """How many connections there are now."""
        return self._links.counts()

    def deliver(self, batch: Sequence[Parcel]) -> Generator[Receipt, None, None]:
        """Send `batch` over one connection, as many parcels in a request as fit."""
        with WebLine(self._links) as line:
            start = 0
            while start < len(batch):
                run = self._fitting(batch[start:])
                start += len(run)
                yield from self._delivered(line, run)

    def release_idle(self) -> None:
        """Close the connections that have not been used for a while."""
        self._links.release_idle()

    def close(self) -> None:
        """Close what is idle, break off what is in use, end the transcoder."""
        self._links.close()
        self._transcoder.close()

    def _fitting(self, batch: Sequence[Parcel]) -> Sequence[Parcel]:
        """Return the parcels from the first that go in one request, at least one."""
        size = 0
        for count, parcel in enumerate(batch[: self._options.batch_instances]):
            size += _size_bytes(parcel)
            if count and size > self._batch_bytes:
                return batch[:count]
        return batch[: self._options.batch_instances]

    def _delivered(self, line: WebLine, run: Sequence[Parcel]) -> Iterator[Receipt]:
        verdicts = self._sent(line, run)
        if isinstance(verdicts, Whole):
            if verdicts.divides and len(run) > 1:
                middle = len(run) // 2
                yield from self._delivered(line, run[:middle])
                yield from self._delivered(line, run[middle:])
                return
            # Each was sent and got no word of its own; whoever reads this stops soon.
            for parcel in run:
                yield self._receipt(parcel, verdicts.alone)
            return
        for number, (parcel, verdict) in enumerate(zip(run, verdicts, strict=True)):
            yield self._receipt(parcel, verdict, more=number + 1 < len(run))

    def _receipt(self, parcel: Parcel, verdict: Verdict, *, more: bool = False) -> Receipt:
        return Receipt(
            parcel.instance.id,
            self.name,
            verdict.result,
            verdict.status,
            verdict.code,
            pause_seconds=verdict.pause_seconds,
            more_follow=more,
        )

    def _sent(self, line: WebLine, run: Sequence[Parcel]) -> Sequence[Verdict] | Whole:
        """Send `run`, companions first: where one is not taken, its instance is not sent."""
        verdicts: dict[int, Verdict] = {}
        companions = [
            (number, *parcel.contents[0])
            for number, parcel in enumerate(run)
            if parcel.companion is not None
        ]
        marked = self._stored(line, companions)
        if isinstance(marked, Whole):
            return marked
        verdicts.update((number, one) for number, one in marked.items() if not one.is_taken)
        instances = [
            (number, *parcel.contents[-1])
            for number, parcel in enumerate(run)
            if number not in verdicts
        ]
        stored = self._stored(line, instances)
        if isinstance(stored, Whole):
            return stored
        for number, verdict in stored.items():
            warned = marked.get(number) if verdict.result is DeliveryResult.DELIVERED else None
            verdicts[number] = warned or verdict
        return [verdicts[number] for number in range(len(run))]

    def _stored(
        self, line: WebLine, contents: Sequence[tuple[int, Sealed, Path]]
    ) -> Mapping[int, Verdict] | Whole:
        """Send `contents` in one request; return what became of each, by its number."""
        verdicts: dict[int, Verdict] = {}
        files: dict[int, Sequence[Bulk | bytes]] = {}
        plain: set[int] = set()
        for number, content, path in contents:
            is_plain = self._needs_plain(content)
            opened = self._opened(content, path, plain=is_plain)
            if isinstance(opened, Verdict):
                verdicts[number] = opened
                continue
            files[number] = opened
            if is_plain:
                plain.add(number)
        if not files:
            return verdicts
        sent = {number: content for number, content, _ in contents if number in files}
        judgement = self._judged(line, [*files.values()], [*sent.values()])
        if isinstance(judgement, Whole):
            if len(contents) > 1 or not self._wants_plain(judgement.alone, sent, plain):
                return judgement
            judgement = {one.sop_instance_uid: judgement.alone for one in sent.values()}
        for number, content, path in contents:
            if number not in sent:
                continue
            verdict = judgement[content.sop_instance_uid]
            if self._wants_plain(verdict, {number: content}, plain):
                verdict = self._plainly(line, content, path)
            verdicts[number] = verdict
        self._has_taken = self._has_taken or any(one.is_taken for one in verdicts.values())
        return verdicts

    def _judged(
        self, line: WebLine, files: Sequence[Sequence[Bulk | bytes]], contents: Sequence[Sealed]
    ) -> Mapping[str, Verdict] | Whole:
        """Send `files` and return what the answer means."""
        body = MultipartBody(files)
        request = Request(
            "POST",
            "/studies",
            {
                "Accept": DICOM_JSON,
                "Content-Type": body.content_type,
                "Content-Length": str(body.length),
            },
            lambda: iter(body),
        )
        try:
            answer = self._archive.ask(line, request)
        except LinkLost:
            return LOST
        except BlobDamaged:
            return Whole(REFUSED, divides=True)
        judgement = judged(
            answer, [one.sop_instance_uid for one in contents], has_taken=self._has_taken
        )
        if answer.status == 413 and isinstance(judgement, Whole) and len(files) > 1:
            # It will not grow: the next requests are as small at once.
            self._batch_bytes = min(self._batch_bytes, body.length // 2)
        return judgement

    def _opened(
        self, content: Sealed, path: Path, *, plain: bool
    ) -> Sequence[Bulk | bytes] | Verdict:
        """Return the Part 10 file that is sent, or why none is."""
        limit = self._options.max_instance_bytes
        try:
            if plain:
                dataset = self._transcoder.transcoded(path, EXPLICIT_VR_LITTLE_ENDIAN)
                header = spool_header(
                    sop_class_uid=content.sop_class_uid,
                    sop_instance_uid=content.sop_instance_uid,
                    transfer_syntax=EXPLICIT_VR_LITTLE_ENDIAN,
                )
                file: Sequence[Bulk | bytes] = (header, dataset)
            else:
                file = (self._files.open(path),)
        except Untranscodable:
            return REFUSED
        except TranscodingDiffers as fault:
            return Verdict(DeliveryResult.REFUSED, code=fault.code)
        except OSError:
            return REFUSED
        if limit is not None and sum(map(len, file)) > limit:
            return Verdict(DeliveryResult.REFUSED, code=InstanceTooLarge.code)
        return file

    def _needs_plain(self, content: Sealed) -> bool:
        """Return whether `content` goes in Explicit VR Little Endian instead of as it is."""
        syntax = content.transfer_syntax
        if syntax == EXPLICIT_VR_LITTLE_ENDIAN:
            return False
        taken = self._options.transfer_syntaxes
        return (
            taken == "uncompressed"
            or (taken == "explicit_vr" and syntax == IMPLICIT_VR_LITTLE_ENDIAN)
            or syntax in self._not_taken
        )

    def _wants_plain(
        self, verdict: Verdict, contents: Mapping[int, Sealed], plain: set[int]
    ) -> bool:
        """Return whether the archive says that it does not take the syntax they are stored in."""
        return verdict.status in SYNTAX_NOT_SUPPORTED and not any(
            number in plain or one.transfer_syntax == EXPLICIT_VR_LITTLE_ENDIAN
            for number, one in contents.items()
        )

    def _plainly(self, line: WebLine, content: Sealed, path: Path) -> Verdict:
        """Send `content` alone in the syntax that every archive takes, and those like it later."""
        self._not_taken |= {content.transfer_syntax}
        opened = self._opened(content, path, plain=True)
        if isinstance(opened, Verdict):
            return opened
        judgement = self._judged(line, [opened], [content])
        return (
            judgement.alone if isinstance(judgement, Whole) else judgement[content.sop_instance_uid]
        )


def _size_bytes(parcel: Parcel) -> int:
    return sum(content.blob.size_bytes for content in parcel.instance.contents)
