"""A PC/SC reader on a cable in memory: a driver's `Slot` at one end, the simulated reader with its
tag at the other. It carries what pcscd would: the state of the slot, and APDUs.
"""

import asyncio

from drivers.errors import PortGone
from drivers.port import BytePort
from drivers.readers.pcsc import SlotState
from drivers.readers.tags import Conversation, T, TagLost
from sim.devices.contactless import ContactlessSlot
from sim.devices.line import DeviceLine
from sim.devices.tag import Tag

_ASK_STATE = b"\x04"
_LENGTH_BYTES = 2
LONGEST = 300  # no answer is longer: the cable is damaged
LOOK_EVERY_S = 0.2  # virtual, half of what pcscd takes


class CableSlot:
    """A `drivers.readers.pcsc.Slot`."""

    name = "Cable 00 00"

    def __init__(self, port: BytePort) -> None:
        self._port = port
        self._seen: SlotState | None = None
        self._received = b""

    async def look(self, wait_s: float) -> SlotState:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + wait_s
        while True:
            state = await self._state()
            if state != self._seen or loop.time() >= until_s:
                self._seen = state
                return state
            await asyncio.sleep(LOOK_EVERY_S)

    async def converse(self, conversation: Conversation[T]) -> T:
        answer: bytes | None = None
        while True:
            try:
                apdu = conversation.send(answer)
            except StopIteration as end:
                result: T = end.value
                return result
            answer = await self._ask(apdu)
            if not answer:
                raise TagLost("no card")

    async def close(self) -> None:
        await self._port.close()

    async def _state(self) -> SlotState:
        answer = await self._ask(_ASK_STATE)
        return SlotState(answer[1:] or None, answer[0])

    async def _ask(self, message: bytes) -> bytes:
        await self._port.write(len(message).to_bytes(_LENGTH_BYTES, "big") + message)
        length = int.from_bytes(await self._take(_LENGTH_BYTES), "big")
        if length > LONGEST:
            raise PortGone("the cable is damaged")
        return await self._take(length)

    async def _take(self, length: int) -> bytes:
        while len(self._received) < length:
            try:
                async with asyncio.timeout(1):
                    self._received += await self._port.read()
            except TimeoutError as error:
                raise PortGone("the cable is damaged") from error
        taken, self._received = self._received[:length], self._received[length:]
        return taken


class CableReader:
    """The other end; `present` and `remove` are the hand with the tag."""

    def __init__(self, line: DeviceLine) -> None:
        self._line = line
        self._slot: ContactlessSlot | None = None
        self._changes = 0

    def present(self, tag: Tag) -> None:
        self._slot = ContactlessSlot(tag)
        self._changes = (self._changes + 1) % 256

    def remove(self) -> None:
        self._slot = None
        self._changes = (self._changes + 1) % 256

    async def run(self) -> None:
        pending = b""
        while True:
            pending += await self._line.read()
            while len(pending) >= (end := _LENGTH_BYTES + int.from_bytes(pending[:2], "big")):
                message, pending = pending[_LENGTH_BYTES:end], pending[end:]
                if len(message) == 0:
                    break
                answer = self._answer(message)
                await self._line.write(len(answer).to_bytes(_LENGTH_BYTES, "big") + answer)

    def _answer(self, message: bytes) -> bytes:
        if message == _ASK_STATE:
            atr = self._slot.atr if self._slot is not None else b""
            return bytes([self._changes]) + atr
        return self._slot.apdu(message) if self._slot is not None else b""
