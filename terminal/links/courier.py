"""The courier's way down, while the terminal runs: a stick's files out of a folder, and codes."""

import asyncio
import logging
from pathlib import Path
from typing import Protocol

from protocol.courier import CourierKind, CourierMessage, unpack_courier
from protocol.errors import ProtocolError
from protocol.fragments import PREFIX, Gatherer, parse_fragment
from runtime.spool import Spool

log = logging.getLogger(__name__)

INBOX = "courier-in"  # in the terminal's data folder
POLL_S = 1.0  # whoever stands there with a stick waits for it


class CarriedListener(Protocol):
    """What a terminal hears from a courier. Messages are unverified."""

    def carried_receipt(self, message: bytes) -> None:
        """A receipt came; it says nothing about any link."""

    def refusal(self, message: bytes) -> None:
        """See `LinkListener.refusal`."""

    def roster_part(self, message: bytes) -> None:
        """See `LinkListener.roster_part`."""

    def activation(self, message: bytes) -> None:
        """See `LinkListener.activation`."""

    def revocations(self, message: bytes) -> None:
        """See `LinkListener.revocations`."""


class CourierInbox:
    """`muster courier import` puts files in; this hands their messages to the listener.

    A file goes once its messages were handed over. A receipt that is lost then, with the process,
    is on the stick still, and asked for by the next export.
    """

    def __init__(self, data: Path, listener: CarriedListener) -> None:
        self._spool, self._listener = Spool(data / INBOX), listener
        self._gatherer = Gatherer()

    async def run(self) -> None:
        """Look into the folder until cancelled."""
        while True:
            try:
                self._spool.make()
                for path in self._spool.waiting():
                    await self._take(path)
            except OSError as error:
                log.warning("the courier's folder cannot be used: %s", error.strerror)
            await asyncio.sleep(POLL_S)

    def take_code(self, text: str) -> bool:
        """Take what a scanner of this terminal read, if it is a courier's code and nobody's badge.

        Returns whether it was; with the last code of a set its messages are handed over.
        """
        if not text.startswith(PREFIX):
            return False
        try:
            whole = self._gatherer.take(parse_fragment(text))
            file = None if whole is None else unpack_courier(whole)
        except ProtocolError as error:
            log.warning("a courier's code is refused: %s", error)
            return True
        if file is not None:
            log.info("codes brought %d messages", len(file.messages))
            for each in file.messages:
                self._hear(each)
        return True

    async def _take(self, path: Path) -> None:
        data = await asyncio.to_thread(path.read_bytes)
        try:
            file = unpack_courier(data)
        except ProtocolError as error:
            log.error("what a courier brought is refused: %s", error)
            self._spool.refuse(path)
            return
        for each in file.messages:
            self._hear(each)
            await asyncio.sleep(0)  # a roster is long, and somebody lays a card on the reader
        log.info("a courier brought %d messages", len(file.messages))
        self._spool.taken(path)

    def _hear(self, carried: CourierMessage) -> None:
        listener, message = self._listener, carried.message
        if carried.kind is CourierKind.RECEIPT:
            listener.carried_receipt(message)
        elif carried.kind is CourierKind.REFUSAL:
            listener.refusal(message)
        elif carried.kind is CourierKind.ROSTER:
            listener.roster_part(message)
        elif carried.kind is CourierKind.ACTIVATION:
            listener.activation(message)
        elif carried.kind is CourierKind.REVOCATIONS:
            listener.revocations(message)
