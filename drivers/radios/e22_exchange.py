"""Modes and settings of an EByte modem on an open port: entering, asking, comparing, writing."""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from drivers.errors import DeviceRefused, DeviceSilent, DriverConfigError, OtherDevice
from drivers.port import BytePort
from drivers.radios.e22_frames import BAD_FORMAT, Dialect, Mode, has_switched, switch_command
from drivers.radios.e22_pins import ModePins

log = logging.getLogger(__name__)

T = TypeVar("T")

MODE_SETTLE_S = 0.002  # after AUX rose
BLIND_SETTLE_S = 0.1  # assumed, where AUX is not wired
AUX_STUCK_S = 5.0  # assumed: no modem is busy for so long with anything but sending
AUX_LOOK_S = 0.005
ANSWER_S = 0.5  # assumed; the longest answer takes 13 ms
ANSWER_GAP_S = 0.05  # above a USB adapter's 16 ms
DRAIN_LIMIT_S = 1.0  # a whole packet takes a quarter of that
ASK_TRIES = 5  # a line that damages every fourth answer is still understood
SET_TRIES = 3
_NORMAL_PINS = 0b00
_ANSWER_HEADS = (b"\xc0", b"\xc1", b"\xc2", b"\xc3")


class ModemExchange:
    """Not for two tasks at once, and not while anybody else reads the port."""

    def __init__(self, port: BytePort, pins: ModePins | None, dialect: Dialect) -> None:
        if pins is None and not dialect.can_switch_by_software:
            raise DriverConfigError(f"{dialect.name}: it needs its pins M0 and M1")
        self._port, self._pins, self._dialect = port, pins, dialect
        self._now_s = asyncio.get_running_loop().time
        self._asked = self._heard = b""

    async def set_up(self, wanted: bytes) -> bool:
        """See to it that the modem has these registers, and put it in normal mode.

        Whether it had others. Raises as `Radio.heard`.
        """
        await self._enter(Mode.CONFIGURATION)
        was_changed = False
        for _ in range(SET_TRIES):
            found = await self._must_ask(self._dialect.read, self._dialect.found)
            if self._dialect.agrees(found, wanted):
                break
            was_changed = True
            log.info(
                "the %s modem is given our settings; it had %s", self._dialect.name, found.hex(" ")
            )
            await self._must_ask(self._dialect.write(wanted), self._dialect.found)
        else:
            raise DeviceRefused(f"the {self._dialect.name} modem does not keep its settings")
        if refresh := self._dialect.refresh(wanted):
            await self._must_ask(refresh, lambda received: received or None)
        await self._enter(Mode.NORMAL)
        return was_changed

    async def identity(self) -> str | None:
        """Who the modem is; None if it does not tell. Leaves it in normal mode."""
        await self._enter(Mode.CONFIGURATION)
        identity = await self._ask(self._dialect.identify, self._dialect.identity)
        await self._enter(Mode.NORMAL)
        return identity

    async def until_idle(self, limit_s: float) -> None:
        """Wait until AUX is high; at once where it is not wired. Raises `DeviceSilent`."""
        until_s = self._now_s() + limit_s
        while self._pins is not None and (aux := self._pins.aux) is not None and aux.is_busy:
            if self._now_s() >= until_s:
                raise DeviceSilent(
                    f"the {self._dialect.name} modem says it is busy without end (AUX)"
                )
            await asyncio.sleep(AUX_LOOK_S)

    async def _enter(self, mode: Mode) -> None:
        if self._pins is None:
            switched = await self._ask(
                switch_command(mode), lambda received: has_switched(received, mode) or None
            )
            if not switched:
                raise self._verdict("; or its switch by software is off (hw/e22.md 3)")
        else:
            await self.until_idle(AUX_STUCK_S)
            is_normal = mode is Mode.NORMAL
            self._pins.set(_NORMAL_PINS if is_normal else self._dialect.config_pins)
        if self._pins is not None and self._pins.aux is not None:
            await asyncio.sleep(MODE_SETTLE_S)  # until AUX had time to fall
            await self.until_idle(AUX_STUCK_S)
            await asyncio.sleep(MODE_SETTLE_S)
        else:
            await asyncio.sleep(BLIND_SETTLE_S)

    async def _must_ask(self, command: bytes, pick: Callable[[bytes], T | None]) -> T:
        answer = await self._ask(command, pick)
        if answer is None:
            raise self._verdict("; or M0 and M1 do not reach it")
        return answer

    async def _ask(self, command: bytes, pick: Callable[[bytes], T | None]) -> T | None:
        """What `pick` finds in the answer, junk included; None if it found nothing in any try."""
        self._asked, self._heard = command, b""
        for _ in range(ASK_TRIES):
            await self._drain()
            await self._port.write(command)
            received = await self._receive(pick)
            answer = pick(received)
            if answer is not None:
                return answer
            self._heard += received
        return None

    async def _receive(self, pick: Callable[[bytes], T | None]) -> bytes:
        received = b""
        until_s = self._now_s() + ANSWER_S
        while data := await self._read_until(until_s):
            received += data
            if pick(received) is not None or received.endswith(BAD_FORMAT):
                until_s = min(until_s, self._now_s() + ANSWER_GAP_S)
        return received

    async def _drain(self) -> None:
        """Wait for the line to fall quiet. Raises `OtherDevice` if it does not."""
        until_s = self._now_s() + DRAIN_LIMIT_S
        while await self._read_until(self._now_s() + ANSWER_GAP_S):
            if self._now_s() >= until_s:
                raise OtherDevice(
                    f"no {self._dialect.name} modem here: another device? It never falls quiet"
                )

    def _verdict(self, hint: str) -> DeviceSilent | DeviceRefused:
        name = self._dialect.name
        if not self._heard:
            return DeviceSilent(f"no {name} modem answers{hint}")
        if BAD_FORMAT in self._heard:
            return DeviceRefused(f"the modem does not know the commands of an {name}")
        is_echo = not self._heard.replace(self._asked, b"")
        is_answer = self._heard.startswith(_ANSWER_HEADS) and not is_echo
        if is_answer:
            return DeviceSilent(f"the {name} modem's answers arrive damaged: check the wires")
        return OtherDevice(f"no {name} modem here: another device, or a wrong baud rate?")

    async def _read_until(self, when_s: float) -> bytes:
        """Bytes, or none if none came in time."""
        try:
            async with asyncio.timeout_at(when_s):
                return await self._port.read()
        except TimeoutError:
            return b""
