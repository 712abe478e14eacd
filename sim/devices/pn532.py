"""Simulated PN532 on a serial line: the reader's end of the cable, byte for byte.

Written from hw/pn532.md, never from drivers/, so that the two can disagree.
Modelled: frames of both lengths, ACK before every answer, NACK from the host (the answer again),
ACK from the host (stop), syntax errors, sleep until it is woken; searches that wait for ever unless
told not to, a field that must go off before a selected tag answers another search. Not modelled:
the radio's time, other tags than one of type A, peers, target mode, GPIO, what registers do (they
keep what is written), parameters, a changed baud rate, chained data, CRCs made by the host.
"""

import asyncio
from collections.abc import Callable, Mapping

from sim.devices.line import DeviceLine
from sim.devices.tag import NAK, Anticollision, Tag

ACK = bytes.fromhex("00 00 FF 00 FF 00")
SYNTAX_ERROR = b"\x7f"
FIRMWARE = bytes.fromhex("32 01 06 07")  # PN532, version 1.6, all three card families
COMMAND_GAP_S = 0.5  # assumption: it must forget half a command some time
WAKE_BYTE = 0x55
LONGEST_BODY = 265
NORMAL_BODY = 255
FOR_EVER = 0xFF

_DONE = b"\x00"
_TIMEOUT = b"\x01"
_NO_SUCH_TARGET = b"\x27"


class SimPn532:
    """A PN532 at the end of `line`; `present` and `remove` are the hand with the tag."""

    def __init__(self, line: DeviceLine) -> None:
        self._line = line
        self._pending = bytearray()
        self._is_awake = False
        self._tag: Tag | None = None
        self._selected: Tag | None = None
        self._answers_search = True  # False for a tag left selected by the search before
        self._search_retries = FOR_EVER
        self._is_searching = False
        self._presented = asyncio.Event()
        self._last_answer = b""
        self._registers: dict[bytes, int] = {}

    # --- the hand with the tag ------------------------------------------------------------

    def present(self, tag: Tag) -> None:
        """Lay `tag` on the reader, in place of what was there."""
        self._tag, self._selected, self._answers_search = tag, None, True
        self._presented.set()

    def remove(self) -> None:
        """Take the tag away."""
        self._tag = self._selected = None

    # --- the chip -------------------------------------------------------------------------

    async def run(self) -> None:
        """Answer commands for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._obey())
            tasks.create_task(self._search())

    async def _obey(self) -> None:
        while True:
            try:
                async with asyncio.timeout(COMMAND_GAP_S if self._pending else None):
                    self._pending += await self._line.read()
            except TimeoutError:
                self._pending.clear()
            while (body := self._next_body()) is not None:
                await self._react(body)

    async def _search(self) -> None:
        """The search that goes on until there is a tag."""
        while True:
            await self._presented.wait()
            self._presented.clear()
            if self._is_searching and self._tag is not None:
                self._is_searching = False
                await self._send(b"\xd5\x4b" + self._find())

    def _next_body(self) -> bytes | None:
        """The next whole frame, TFI onwards; `ACK` or an empty NACK; None: wait for more."""
        if not self._is_awake:
            self._is_awake = WAKE_BYTE in self._pending
            if not self._is_awake:
                self._pending.clear()
                return None
        while (start := self._pending.find(b"\x00\xff")) >= 0:
            del self._pending[:start]
            frame = bytes(self._pending)
            if len(frame) < 4:
                return None
            if frame[2:4] in (b"\x00\xff", b"\xff\x00"):
                del self._pending[:4]
                return ACK if frame[2:4] == b"\x00\xff" else b""
            is_long = frame[2:4] == b"\xff\xff"
            if is_long and len(frame) < 7:
                return None
            at, lengths = (7, frame[4:7]) if is_long else (4, frame[2:4])
            length = int.from_bytes(lengths[:-1], "big")
            if sum(lengths) & 0xFF or not 0 < length <= LONGEST_BODY:
                del self._pending[0]
                continue
            if len(frame) < at + length + 1:
                return None
            body = frame[at : at + length + 1]
            if sum(body) & 0xFF:
                del self._pending[0]
                continue
            del self._pending[: at + length + 1]
            return body[:-1]
        del self._pending[:-1]
        return None

    async def _react(self, body: bytes) -> None:
        self._is_searching = False  # whatever comes from the host ends it
        if body == ACK:
            return
        if not body:
            await self._line.write(self._last_answer)
            return
        await self._line.write(ACK)
        if body[0] != 0xD4 or len(body) < 2:
            await self._send(SYNTAX_ERROR)
            return
        commands: Mapping[int, Callable[[bytes], bytes | None]] = {
            0x00: self._diagnose,
            0x02: self._tell_firmware,
            0x04: self._tell_state,
            0x06: self._read_registers,
            0x08: self._write_registers,
            0x12: self._set_parameters,
            0x14: self._use_security_module,
            0x16: self._power_down,
            0x32: self._configure,
            0x40: self._exchange,
            0x42: self._say,
            0x44: self._release,
            0x4A: self._list,
            0x52: self._release,
        }
        command = commands.get(body[1])
        answer = None if command is None else command(body[2:])
        if self._is_searching:
            return
        answered = SYNTAX_ERROR if answer is None else bytes([0xD5, body[1] + 1]) + answer
        await self._send(answered)

    def _tell_firmware(self, _data: bytes) -> bytes:
        return FIRMWARE

    def _tell_state(self, _data: bytes) -> bytes:
        targets = b"\x00" if self._selected is None else b"\x01\x01\x00\x00\x00"
        return b"\x00" + bytes([not self._answers_search]) + targets + b"\x80"

    def _read_registers(self, data: bytes) -> bytes | None:
        if not data or len(data) % 2:
            return None
        addresses = (data[at : at + 2] for at in range(0, len(data), 2))
        return bytes(self._registers.get(address, 0) for address in addresses)

    def _write_registers(self, data: bytes) -> bytes | None:
        if not data or len(data) % 3:
            return None
        for at in range(0, len(data), 3):
            self._registers[data[at : at + 2]] = data[at + 2]
        return b""

    def _set_parameters(self, data: bytes) -> bytes | None:
        return b"" if len(data) == 1 else None

    def _power_down(self, data: bytes) -> bytes | None:
        if not data:
            return None
        self._is_awake, self._selected, self._answers_search = False, None, True
        return _DONE

    def _use_security_module(self, data: bytes) -> bytes | None:
        return b"" if data[:1] == b"\x01" else None  # there is none: "normal mode" only

    def _diagnose(self, data: bytes) -> bytes | None:
        return data if data[:1] == b"\x00" else None  # the test of the line; no other

    def _configure(self, data: bytes) -> bytes | None:
        if len(data) == 2 and data[0] == 0x01:
            if not data[1] & 0x01:
                self._selected, self._answers_search = None, True  # the tag lost its power
            return b""
        if len(data) == 4 and data[0] == 0x05:
            self._search_retries = data[3]
            return b""
        return b"" if data[:1] in (b"\x02", b"\x04", b"\x0a", b"\x0b", b"\x0c", b"\x0d") else None

    def _list(self, data: bytes) -> bytes | None:
        if len(data) < 2 or data[0] not in (1, 2):
            return None
        if data[1] != 0x00:
            return b"\x00"  # other speeds and kinds: no such tag
        self._is_searching = self._tag is None and self._search_retries == FOR_EVER
        return self._find()

    def _find(self) -> bytes:
        if self._tag is None:
            return b"\x00"
        if not self._answers_search:
            self._answers_search = True  # thrown back to its beginning by a search meant for others
            return b"\x00"
        self._selected, self._answers_search = self._tag, False
        return b"\x01\x01" + _told(self._tag.wake())

    def _exchange(self, data: bytes) -> bytes | None:
        if len(data) < 2:
            return None
        return self._say(data[1:]) if data[0] == 1 else _NO_SUCH_TARGET

    def _say(self, words: bytes) -> bytes:
        if self._selected is None:
            return _NO_SUCH_TARGET
        answer = self._selected.exchange(words)
        if answer is None or answer == NAK:
            self._answers_search = True  # it gave up, and waits to be found again
            return _TIMEOUT
        return _DONE + answer

    def _release(self, data: bytes) -> bytes | None:
        if len(data) != 1:
            return None
        self._selected, self._answers_search = None, True
        return _DONE

    async def _send(self, body: bytes) -> None:
        if len(body) <= NORMAL_BODY:
            lengths = bytes([len(body), -len(body) & 0xFF])
        else:
            size = len(body).to_bytes(2, "big")
            lengths = b"\xff\xff" + size + bytes([-sum(size) & 0xFF])
        self._last_answer = b"\x00\x00\xff" + lengths + body + bytes([-sum(body) & 0xFF, 0])
        await self._line.write(self._last_answer)


def _told(woken: Anticollision) -> bytes:
    return woken.sens_res + bytes([woken.sel_res, len(woken.uid)]) + woken.uid + woken.ats
