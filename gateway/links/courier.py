"""The courier's way up: admits what a stick brought to a folder, while the gateway runs.

`muster courier import` puts a file in and waits for the answer. The file goes once the answer is
durable; a gateway that ends in between admits it again, and says that it knows it all.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from gateway.intake import Admitted, Incoming
from gateway.store.base import StoreError
from protocol.courier import CourierFile, CourierKind, unpack_courier
from protocol.errors import ProtocolError
from runtime.files import SECRET_MODE, write_atomic
from runtime.spool import Spool

log = logging.getLogger(__name__)

INBOX, OUTBOX = "courier-in", "courier-out"  # in the gateway's data folder
POLL_S = 0.5  # whoever stands there with a stick waits for it
MAX_BYTES_PER_COMMIT = 256 * 1024  # as for what comes by MQTT: less than a person notices


class Answer(Struct, frozen=True, array_like=True):
    """What one file came to."""

    stored: int
    """Records that are in the ledger by this file."""
    known: int
    """Records that were there already."""
    refused: int
    """Messages that went to quarantine."""
    refusals: tuple[bytes, ...]
    """Signed, for the terminal."""


class CourierInbox:
    """Feeds files into the intake, a commit's worth at a time.

    `admit` stores a batch and returns what it came to, or raises `StoreError`.
    """

    def __init__(
        self, data: Path, admit: Callable[[Sequence[Incoming]], Awaitable[Admitted]]
    ) -> None:
        self._inbox, self._answers = Spool(data / INBOX), Spool(data / OUTBOX)
        self._admit = admit

    async def run(self) -> None:
        """Look into the folder until cancelled."""
        while True:
            try:
                self._inbox.make()
                self._answers.make()
                for path in self._inbox.waiting():
                    await self._take(path)
            except StoreError as error:
                log.error("%s", error)
            except OSError as error:
                log.warning("the courier's folder cannot be used: %s", error.strerror)
            await asyncio.sleep(POLL_S)

    async def _take(self, path: Path) -> None:
        data = await asyncio.to_thread(path.read_bytes)
        try:
            file = unpack_courier(data)
        except ProtocolError as error:
            log.error("what a courier brought is refused: %s", error)
            self._inbox.refuse(path)
            return
        answer = await self._admit_all(file)
        log.info(
            "a courier brought records",
            extra={"node": file.head.node, "stored": answer.stored, "known": answer.known},
        )
        encoded = msgspec.msgpack.encode(answer)
        await asyncio.to_thread(
            write_atomic, self._answers.folder / path.name, encoded, mode=SECRET_MODE
        )
        self._inbox.taken(path)

    async def _admit_all(self, file: CourierFile) -> Answer:
        stored = known = refused = 0
        refusals: list[bytes] = []
        for batch in _batches(file):
            admitted = await self._admit(batch)
            stored, known = stored + admitted.stored, known + admitted.duplicates
            refused += admitted.quarantined
            refusals += [reply.message for reply in admitted.replies if not reply.is_receipt]
        return Answer(stored, known, refused, tuple(refusals))


def _batches(file: CourierFile) -> Iterator[list[Incoming]]:
    batch: list[Incoming] = []
    size_bytes = 0
    for each in file.messages:
        if each.kind is not CourierKind.ENVELOPE:
            continue
        batch.append(Incoming(file.head.node, each.message))
        size_bytes += len(each.message)
        if size_bytes >= MAX_BYTES_PER_COMMIT:
            yield batch
            batch, size_bytes = [], 0
    if batch:
        yield batch
