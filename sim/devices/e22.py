"""Simulated EByte LoRa modem (E22, E220, E32): UART, pins and antenna, byte for byte.

Written from hw/e22.md, never from drivers/, so that the two can disagree.
Modelled: modes by pins and by software, changes that wait for AUX; the time the host's bytes take
to come in, the buffer and what falls out of it, packets and their end by silence, addressed and
transparent sending, filters, half duplex, listening first, RSSI byte and noise command, settings
kept and volatile, `CF CF` settings by radio, AUX with and without the time on the air.
Not modelled: wake on radio (hears as in normal mode), the repeater, parity, a packet torn apart by
a change of settings. The head in front of each packet on the air and the answer by radio to `CF CF`
are made up: the real ones are not published.
"""

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol

from sim.devices.e22_memory import BAD_FORMAT, E32Memory, Facts, Memory, RegisterMemory
from sim.devices.line import BITS_PER_BYTE, DeviceLine

CONFIG_BAUD = 9600
END_OF_PACKET_BYTES = 3  # of silence
BEFORE_OUTPUT_S = 0.005
MODE_S = 0.001
SELF_TEST_S = 0.02  # assumed: on leaving sleep or configuration
COMMAND_GAP_S = 0.1  # assumption: it must forget half a command some time
LISTEN_LIMIT_S = 2.0
LISTEN_AGAIN_S = 0.02  # assumed
EVERYBODY = 0xFFFF

CHANNEL_HZ = 1_000_000

_TARGET = struct.Struct(">HB")  # address and channel, from the host
_HEAD = struct.Struct(">HHBB")  # address, key, network, whether it answers a command
_BY_RADIO = b"\xcf\xcf"
_SPECIAL = b"\xc0\xc1\xc2\xc3"
_NOISE = _SPECIAL + b"\x00\x02"
_SWITCH = _SPECIAL + b"\x02"


class Mode(Enum):
    """What a modem does."""

    NORMAL = 0
    WAKE_ON_RADIO = 1
    CONFIGURATION = 2
    SLEEP = 3


class AirSide(Protocol):
    """The antenna's end: what a modem does to the air. `facts` say how it is set at that moment."""

    async def listen(self, facts: Facts | None) -> None:
        """From now on give `hear` what is sent so, also after each transmission; None: nothing."""

    async def send(self, frame: bytes, facts: Facts) -> None:
        """Transmit; returns when the last symbol has left."""

    async def level_dbm(self, facts: Facts) -> float:
        """What is received on the channel right now, noise included."""

    async def is_taken(self, facts: Facts) -> bool:
        """Whether somebody is heard sending on the channel."""


@dataclass(frozen=True, slots=True)
class Model:
    """One family: how its pins choose the mode, by M1 and M0 as a number, and its buffer."""

    make_memory: Callable[[], Memory]
    modes: tuple[Mode, Mode, Mode, Mode]
    buffer_bytes: int


MODEL_E22 = Model(
    lambda: RegisterMemory(packet_sizes=(240, 128, 64, 32), has_network=True),
    (Mode.NORMAL, Mode.WAKE_ON_RADIO, Mode.CONFIGURATION, Mode.SLEEP),
    buffer_bytes=1000,
)
MODEL_E220 = Model(
    lambda: RegisterMemory(packet_sizes=(200, 128, 64, 32), has_network=False, slowest_air=2),
    (Mode.NORMAL, Mode.WAKE_ON_RADIO, Mode.WAKE_ON_RADIO, Mode.CONFIGURATION),
    buffer_bytes=400,
)
MODEL_E32 = Model(
    E32Memory,
    (Mode.NORMAL, Mode.WAKE_ON_RADIO, Mode.WAKE_ON_RADIO, Mode.CONFIGURATION),
    buffer_bytes=512,
)


class SimE22:
    """A modem between `line` and `air`; its pins are `set_pins`, `aux_is_high` and `aux_moved`.

    `hear` is called by the air with each frame that reaches it. `aux_covers_air` chooses between
    the two readings of the manual.
    """

    def __init__(
        self,
        line: DeviceLine,
        air: AirSide,
        *,
        model: Model = MODEL_E22,
        aux_covers_air: bool = False,
        on_baud: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._line, self._air, self._model = line, air, model
        self._aux_covers_air, self._on_baud = aux_covers_air, on_baud
        self.memory = model.make_memory()
        self.mode = self._wanted = Mode.NORMAL
        self.aux_falls = 0
        self.aux_moved: Callable[[bool], None] = lambda _is_high: None
        self.overflown_bytes = 0
        self.last_rssi_dbm = -127.0
        self.junk_before_answers = b""  # fault: what others saw come before an answer
        self._buffer, self._commands = bytearray(), bytearray()
        self._taken_bytes = 0
        self._fed, self._moved = asyncio.Event(), asyncio.Event()
        self._antenna = asyncio.Lock()
        self._is_taking = self._is_sending = self._is_giving = self._is_switching = False
        self._is_stuck = self._is_dead = self._was_busy = False
        self._out: asyncio.Queue[bytes] = asyncio.Queue()
        self._replies: asyncio.Queue[tuple[bytes, Facts]] = asyncio.Queue()

    # --- pins -----------------------------------------------------------------------------

    def set_pins(self, levels: int) -> None:
        """M1 and M0 as a number of two bits; takes effect once the modem is idle."""
        self._want(self._model.modes[levels])

    @property
    def aux_is_high(self) -> bool:
        """Whether the modem says that it is idle."""
        covered = self._is_sending and self._aux_covers_air
        has_input = bool(self._buffer) or (self._is_taking and self._has_air)
        busy = has_input or covered or self._is_giving or self._is_switching or self._is_stuck
        return not busy

    # --- the air --------------------------------------------------------------------------

    def hear(self, frame: bytes, rssi_dbm: float) -> None:
        """A whole frame arrives at the antenna, sent as this modem listens."""
        if not self._has_air or self._is_sending or self._is_dead or len(frame) < _HEAD.size:
            return
        facts = self.memory.facts
        address, key, network, is_answer = _HEAD.unpack_from(frame)
        payload = frame[_HEAD.size :]
        is_ours = address == facts.address or EVERYBODY in (address, facts.address)
        if not is_ours or (key, network) != (facts.key, facts.network):
            return
        self.last_rssi_dbm = rssi_dbm
        if payload.startswith(_BY_RADIO) and not is_answer:
            answer = self.memory.take(bytearray(payload[len(_BY_RADIO) :] or b"\x00"))
            self._replies.put_nowait((_BY_RADIO + (answer or BAD_FORMAT), facts))
            self._changed()
            return
        rssi = bytes([_rssi_byte(rssi_dbm)]) if facts.has_rssi else b""
        self._out.put_nowait(payload + rssi)

    # --- trouble --------------------------------------------------------------------------

    def stick_aux(self, is_stuck: bool) -> None:
        """Hold AUX low for ever, or not any more."""
        self._is_stuck = is_stuck
        self._changed()

    def die(self) -> None:
        """Take bytes and do nothing, as one that waits for the vendor's tool."""
        self._is_dead = True

    def lose_power(self) -> None:
        """Off and on again: what was volatile is lost."""
        self._buffer.clear()
        self.memory.power_off()
        self._changed()

    def forget(self) -> None:
        """Be set as delivered, kept settings and all."""
        self.memory.forget()
        self._changed()

    # --- the modem ------------------------------------------------------------------------

    async def run(self) -> None:
        """Work for ever."""
        async with asyncio.TaskGroup() as works:
            works.create_task(self._keep_tuned())
            works.create_task(self._take_in())
            works.create_task(self._send_packets())
            works.create_task(self._give_out())
            works.create_task(self._reply_by_radio())

    @property
    def _has_air(self) -> bool:
        return self.mode in (Mode.NORMAL, Mode.WAKE_ON_RADIO)

    @property
    def _byte_s(self) -> float:
        is_set_up = self.mode is Mode.CONFIGURATION
        return BITS_PER_BYTE / (CONFIG_BAUD if is_set_up else self.memory.facts.baud)

    async def _keep_tuned(self) -> None:
        tuned: Facts | None = None
        while True:
            wanted = self.memory.facts if self._has_air else None
            if wanted != tuned:
                await self._air.listen(wanted)
                tuned = wanted
            await self._moved.wait()
            self._moved.clear()

    async def _take_in(self) -> None:
        while True:
            try:
                async with asyncio.timeout(COMMAND_GAP_S if self._commands else None):
                    data = await self._line.read()
            except TimeoutError:
                self._commands.clear()
                await self._answer(BAD_FORMAT)
                continue
            if self._is_dead:
                continue
            self._is_taking = True
            self._taken_bytes += len(data)
            self._changed()
            await asyncio.sleep(len(data) * self._byte_s)
            if self.mode is Mode.CONFIGURATION:
                self._commands += data
                await self._obey()
            elif self._has_air:
                room = self._model.buffer_bytes - len(self._buffer)
                self.overflown_bytes += max(0, len(data) - room)
                self._buffer += data[:room]
                self._fed.set()
            self._is_taking = False
            self._changed()

    async def _obey(self) -> None:
        while self._commands:
            if self._commands.startswith(_SPECIAL) and self.memory.facts.switches_by_software:
                burst = bytes(self._commands)
                self._commands.clear()
                await self._answer(await self._special(burst) or BAD_FORMAT)
                return
            answer = self.memory.take(self._commands)
            if answer is None:
                return
            await self._answer(answer)

    async def _answer(self, answer: bytes) -> None:
        if answer:
            await self._line.write(self.junk_before_answers + answer)

    async def _special(self, burst: bytes) -> bytes | None:
        """The answer to a command in the midst of data; None: it is none."""
        facts = self.memory.facts
        if burst == _NOISE and facts.has_noise_command:
            noise = _rssi_byte(await self._air.level_dbm(facts))
            return bytes([0xC1, 0x00, 0x02, noise, _rssi_byte(self.last_rssi_dbm)])
        if burst[:-1] == _SWITCH and facts.switches_by_software and burst[-1] <= Mode.SLEEP.value:
            self._want(Mode(burst[-1]))
            return burst[1:]
        return None

    async def _send_packets(self) -> None:
        while True:
            await self._fed.wait()
            await self._until_whole()
            self._fed.clear()
            answer = await self._special(bytes(self._buffer))
            if answer is None:
                await self._send_burst(self.memory.facts)
            else:
                self._buffer.clear()
                await self._answer(answer)
            self._changed()

    async def _until_whole(self) -> None:
        """Wait for the host to have been silent, or for the first packet to be full."""
        while True:
            taken_bytes = self._taken_bytes
            if not self._is_taking and len(self._buffer) >= self.memory.facts.packet_bytes:
                return
            await asyncio.sleep(END_OF_PACKET_BYTES * self._byte_s)
            if not self._is_taking and self._taken_bytes == taken_bytes:
                return

    async def _send_burst(self, facts: Facts) -> None:
        """All that is in the buffer by now, as packets."""
        left = len(self._buffer)
        if facts.is_addressed:
            address, channel = _TARGET.unpack(self._buffer[: _TARGET.size].ljust(_TARGET.size))
            frequency_hz = facts.first_hz + channel * CHANNEL_HZ
            facts = replace(facts, address=address, frequency_hz=frequency_hz)
            del self._buffer[: _TARGET.size]
            left -= _TARGET.size
        while left > 0:
            size = min(left, facts.packet_bytes)
            await self._until_clear(facts)
            payload = bytes(self._buffer[:size])
            del self._buffer[:size]
            left -= size
            await self._transmit(payload, facts)

    async def _until_clear(self, facts: Facts) -> None:
        if not facts.listens_first:
            return
        now_s = asyncio.get_running_loop().time
        until_s = now_s() + LISTEN_LIMIT_S
        while await self._air.is_taken(facts) and now_s() < until_s:  # noqa: ASYNC110  # it polls
            await asyncio.sleep(LISTEN_AGAIN_S)

    async def _transmit(self, payload: bytes, facts: Facts, *, is_answer: bool = False) -> None:
        async with self._antenna:
            self._is_sending = True
            self._changed()
            head = _HEAD.pack(facts.address, facts.key, facts.network, is_answer)
            await self._air.send(head + payload, facts)
            self._is_sending = False
            self._changed()

    async def _reply_by_radio(self) -> None:
        while True:
            answer, facts = await self._replies.get()  # as it was set when the command came
            await self._transmit(answer, facts, is_answer=True)

    async def _give_out(self) -> None:
        while True:
            data = await self._out.get()
            self._is_giving = True
            self._changed()
            await asyncio.sleep(BEFORE_OUTPUT_S)
            if not self._is_dead:
                await self._line.write(data)
            self._is_giving = not self._out.empty()
            self._changed()

    # --- modes ----------------------------------------------------------------------------

    def _want(self, mode: Mode) -> None:
        self._wanted = mode
        self._changed()

    def _changed(self) -> None:
        """Something happened: perhaps AUX moves, perhaps the mode may change now."""
        self._moved.set()
        if self._wanted is not self.mode and self.aux_is_high and not self._is_sending:
            is_reset = not self._has_air
            self._is_switching = True
            asyncio.get_running_loop().call_later(
                SELF_TEST_S if is_reset else MODE_S, self._switch, self._wanted
            )
        is_busy = not self.aux_is_high
        if is_busy is not self._was_busy:
            self._was_busy = is_busy
            self.aux_falls += is_busy
            self.aux_moved(not is_busy)

    def _switch(self, mode: Mode) -> None:
        self.mode = mode
        self._commands.clear()
        self._is_switching = False
        self._on_baud(CONFIG_BAUD if mode is Mode.CONFIGURATION else self.memory.facts.baud)
        self._changed()


def _rssi_byte(dbm: float) -> int:
    return max(0, min(0xFF, 256 + round(dbm)))
