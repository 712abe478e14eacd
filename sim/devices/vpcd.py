"""Simulated tag on a virtual PC/SC reader: the card's end of vpcd, the driver that pcscd loads for
readers that are not there (Debian: vsmartcard-vpcd).

Written from hw/pcsc.md 4. vpcd listens; a connection to it is a card on the reader. Messages both
ways are a length in two bytes and a body: one byte is about power, more are an APDU.
"""

import asyncio
import contextlib
from enum import IntEnum

from sim.devices.contactless import ContactlessSlot
from sim.devices.tag import Tag

LOOPBACK = "127.0.0.1"
PORT = 35963  # of the first slot, as Debian sets vpcd up; the second is the next
CHECKED_S = 2.0  # a connection that says nothing keeps vpcd busy for 1.6 s (measured)
AWAY_S = 0.6  # pcscd looks every 0.4 s; a tag that is back sooner was never away (measured)


class _Control(IntEnum):
    POWER_OFF = 0
    POWER_ON = 1
    RESET = 2
    GET_ATR = 4


class NoVpcd(OSError):
    """Nothing listens where vpcd should."""


class SimVpcdCard:
    """One slot of vpcd at `port`; `present` and `remove` are the hand with the tag.

    `answered` counts APDUs, so that somebody can wait until a tag was looked at.
    """

    def __init__(self, port: int = PORT) -> None:
        self._port = port
        self._tag: Tag | None = None
        self._changed = asyncio.Event()
        self._is_plugged = True
        self.answered = 0

    def present(self, tag: Tag) -> None:
        """Lay `tag` on the reader, in place of what was there."""
        self._tag = tag
        self._changed.set()

    def remove(self) -> None:
        """Take the tag away."""
        self._tag = None
        self._changed.set()

    def unplug(self) -> None:
        """Leave vpcd alone, whatever is presented, until `plug`."""
        self._is_plugged = False
        self._changed.set()

    def plug(self) -> None:
        """Go on with what is presented."""
        self._is_plugged = True
        self._changed.set()

    async def check(self) -> None:
        """Raise `NoVpcd` unless vpcd listens; returns when it is free for a card again."""
        _, writer = await self._connect()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        await asyncio.sleep(CHECKED_S)

    async def run(self) -> None:
        """Be the card that is presented, for ever; waits for a vpcd that went away."""
        while True:
            self._changed.clear()
            tag = self._tag if self._is_plugged else None
            if tag is None:
                await self._changed.wait()
                continue
            try:
                reader, writer = await self._connect()
            except NoVpcd:
                await asyncio.sleep(AWAY_S)
                continue
            await self._lie(ContactlessSlot(tag), reader, writer)
            await asyncio.sleep(AWAY_S)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            return await asyncio.open_connection(LOOPBACK, self._port)
        except OSError as error:
            raise NoVpcd(f"no vpcd listens at {LOOPBACK}:{self._port}") from error

    async def _lie(
        self, slot: ContactlessSlot, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer until the tag is taken away or vpcd goes."""
        serving = asyncio.ensure_future(self._serve(slot, reader, writer))
        moving = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait((serving, moving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (serving, moving):
                task.cancel()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _serve(
        self, slot: ContactlessSlot, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                length = int.from_bytes(await reader.readexactly(2), "big")
                answer = self._answer(slot, await reader.readexactly(length))
                if answer is not None:
                    writer.write(len(answer).to_bytes(2, "big") + answer)
                    await writer.drain()

    def _answer(self, slot: ContactlessSlot, message: bytes) -> bytes | None:
        if len(message) > 1:
            self.answered += 1
            return slot.apdu(message)
        if message in (bytes([_Control.POWER_ON]), bytes([_Control.RESET])):
            slot.reset()
        return slot.atr if message == bytes([_Control.GET_ATR]) else None
