"""Simulated resident-ID card reader: the security module's end of the cable, byte for byte.

Written from hw/sdt-reader.md, never from drivers/, so that the two can disagree.
Modelled: every command of section 3; find before select before read; one find that misses a card
just read; fingerprints in the long read. Not modelled: the time the radio takes, several cards at
once, appended addresses (always "no such item"), a rate kept over power-off. A changed rate is
told to whoever made the line, after the answer has left at the old one. Photo and fingerprints are
filler.
"""

import asyncio
import struct
from collections.abc import Callable
from enum import Enum, auto
from random import Random

from sim.devices.card import FINGERPRINT_BYTES, Card, encode_text_block
from sim.devices.line import DeviceLine

PREAMBLE = bytes.fromhex("AA AA AA 96 69")
LONGEST_COMMAND = 16  # longer than any command of section 3: beyond it, the length is wrong
COMMAND_GAP_S = 0.5  # assumption: a module must forget half a command some time
PHOTO_BYTES = 1024
PHOTO = Random("photo").randbytes(PHOTO_BYTES)
FINGERPRINT = Random("fingerprint").randbytes(FINGERPRINT_BYTES)
SAM_ID = struct.pack("<HHIII", 5, 3, 20160817, 1234567, 987654321)
MANAGEMENT_NUMBER = bytes(range(28))  # IIN, SN and DN of section 3
BAUDS = (115200, 57600, 38400, 19200, 9600)  # by the parameter of command 60

OK = bytes.fromhex("00 00 90")
FOUND = bytes.fromhex("00 00 9F")
BAD_CHECKSUM = bytes.fromhex("00 00 10")
BAD_LENGTH = bytes.fromhex("00 00 11")
BAD_COMMAND = bytes.fromhex("00 00 21")
READ_FAILED = bytes.fromhex("00 00 41")
NO_CARD = bytes.fromhex("00 00 80")
SELECT_FAILED = bytes.fromhex("00 00 81")
NO_SUCH_ITEM = bytes.fromhex("00 00 91")


class _Stage(Enum):
    IDLE = auto()
    FOUND = auto()
    SELECTED = auto()


class ReadMoment(Enum):
    """When in a read somebody wants to be woken."""

    STARTED = auto()  # before the first byte of a successful read reply
    SENT = auto()  # after its last
    FAILED = auto()  # after a reply that says the card on the reader was not read


class SimIdReader:
    """A card reader at the end of `line`; `present` and `remove` are the hand with the card."""

    def __init__(
        self,
        line: DeviceLine,
        *,
        baud: int = BAUDS[0],
        on_baud: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._line = line
        self._on_baud = on_baud
        self._next_baud: int | None = None
        self._pending = bytearray()
        self._card: Card | None = None
        self._stage = _Stage.IDLE
        self._is_shy = False  # the next find misses the card that was just read
        self._read_failures: list[bytes] = []
        self._module_fault: bytes | None = None
        self._is_fault_cured_by_reset = False
        self._waiting: list[tuple[ReadMoment, Card, asyncio.Future[None]]] = []
        self.baud = baud
        self.reads_sent = 0

    # --- the hand with the card -----------------------------------------------------------

    def present(self, card: Card) -> None:
        """Lay `card` on the reader, in place of what was there."""
        self._card, self._stage, self._is_shy = card, _Stage.IDLE, False

    def remove(self) -> None:
        """Take the card away."""
        self._card, self._stage, self._is_shy = None, _Stage.IDLE, False

    async def read_moment(self, moment: ReadMoment, card: Card) -> None:
        """Wait for the next read of `card` to start, to be sent whole, or to fail."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((moment, card, future))
        await future

    async def was_read(self, card: Card) -> None:
        """Wait until a read reply with `card` has been sent whole."""
        await self.read_moment(ReadMoment.SENT, card)

    # --- trouble --------------------------------------------------------------------------

    def fail_reads(self, sw: bytes, times: int = 1) -> None:
        """Answer the next reads with a status of section 4, such as `00 00 32`."""
        self._read_failures += [sw] * times

    def break_module(self, sw: bytes, *, cured_by_reset: bool) -> None:
        """Answer everything with `sw` (section 4: 60 or 66), until a reset where that helps."""
        self._module_fault, self._is_fault_cured_by_reset = sw, cured_by_reset

    # --- the module -----------------------------------------------------------------------

    async def run(self) -> None:
        """Answer commands for ever."""
        while True:
            try:
                async with asyncio.timeout(COMMAND_GAP_S if self._pending else None):
                    self._pending += await self._line.read()
            except TimeoutError:
                self._pending.clear()
            while (reply := self._next_reply()) is not None:
                await self._send(*reply)

    def _next_reply(self) -> tuple[bytes, Card | None] | None:
        """Status, data and the card it shows, for the next whole command; None: wait for more."""
        start = self._pending.find(PREAMBLE)
        if start < 0:
            del self._pending[: 1 - len(PREAMBLE)]
            return None
        del self._pending[:start]
        body_at = len(PREAMBLE) + 2
        if len(self._pending) < body_at:
            return None
        length = int.from_bytes(self._pending[len(PREAMBLE) : body_at], "big")
        if not 3 <= length <= LONGEST_COMMAND:
            del self._pending[:body_at]
            return BAD_LENGTH, None
        if len(self._pending) < body_at + length:
            return None
        frame = bytes(self._pending[: body_at + length])
        del self._pending[: len(frame)]
        if _xor(frame[len(PREAMBLE) :]) != 0:
            return BAD_CHECKSUM, None
        return self._answer(frame[body_at : body_at + 2], frame[body_at + 2 : -1])

    def _answer(self, command: bytes, data: bytes) -> tuple[bytes, Card | None]:
        if self._module_fault is not None:
            if command != b"\x10\xff" or not self._is_fault_cured_by_reset:
                return self._module_fault, None
            self._module_fault = None
        if command[0] == 0x60 and command[1] < len(BAUDS):
            self._next_baud = BAUDS[command[1]]
            return OK, None
        if command == b"\x61\xff":
            return (OK if len(data) == 1 else BAD_LENGTH), None
        answers: dict[bytes, Callable[[], bytes]] = {
            b"\x10\xff": self._reset,
            b"\x11\xff": lambda: OK,
            b"\x12\xff": lambda: OK + SAM_ID,
            b"\x20\x01": self._find,
            b"\x20\x02": self._select,
            b"\x30\x03": lambda: NO_SUCH_ITEM if self._stage is _Stage.SELECTED else READ_FAILED,
            b"\x30\x05": self._read_management_number,
        }
        if command in (b"\x30\x01", b"\x30\x10"):
            return self._read(with_fingerprints=command == b"\x30\x10")
        return answers.get(command, lambda: BAD_COMMAND)(), None

    def _reset(self) -> bytes:
        self._stage, self._is_shy = _Stage.IDLE, False
        return OK

    def _find(self) -> bytes:
        self._stage = _Stage.IDLE
        if self._card is None or self._is_shy:
            self._is_shy = False
            return NO_CARD
        self._stage = _Stage.FOUND
        return FOUND + bytes(4)

    def _select(self) -> bytes:
        if self._stage is not _Stage.FOUND:
            self._stage = _Stage.IDLE
            return SELECT_FAILED
        self._stage = _Stage.SELECTED
        return OK + bytes(8)

    def _read_management_number(self) -> bytes:
        return OK + MANAGEMENT_NUMBER if self._stage is _Stage.SELECTED else READ_FAILED

    def _read(self, *, with_fingerprints: bool) -> tuple[bytes, Card | None]:
        card, stage = self._card, self._stage
        self._stage = _Stage.IDLE
        if stage is not _Stage.SELECTED or card is None:
            return READ_FAILED, None
        if self._read_failures:
            return self._read_failures.pop(0), card
        self._is_shy = True
        parts = [encode_text_block(card), PHOTO]
        if with_fingerprints:
            parts.append(FINGERPRINT * card.fingerprints)
        lengths = b"".join(len(part).to_bytes(2, "big") for part in parts)
        return OK + lengths + b"".join(parts), card

    async def _send(self, payload: bytes, card: Card | None) -> None:
        checked = (len(payload) + 1).to_bytes(2, "big") + payload
        is_read = card is not None and payload.startswith(OK)
        if is_read:
            self._reach(ReadMoment.STARTED, card)
            await asyncio.sleep(0)  # let who waits for this moment act before the first byte
        await self._line.write(PREAMBLE + checked + bytes([_xor(checked)]))
        self.reads_sent += is_read
        if self._next_baud is not None:
            self.baud, self._next_baud = self._next_baud, None
            self._on_baud(self.baud)
        self._reach(ReadMoment.SENT if is_read else ReadMoment.FAILED, card)

    def _reach(self, moment: ReadMoment, card: Card | None) -> None:
        still = []
        for waiter in self._waiting:
            if waiter[:2] != (moment, card):
                still.append(waiter)
            elif not waiter[2].done():  # whoever waited may have been cancelled
                waiter[2].set_result(None)
        self._waiting = still


def _xor(data: bytes) -> int:
    total = 0
    for value in data:
        total ^= value
    return total
