"""Commands and answers of a RAK3172 on an open port, while frames come in between."""

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass, field

from drivers.errors import DeviceRefused, DeviceSilent, PortGone
from drivers.port import BytePort
from drivers.radios.base import Heard
from drivers.radios.rak3172_lines import (
    Event,
    Line,
    LineSplitter,
    Packet,
    Status,
    Value,
    ask,
    send,
)

ANSWER_S = 1.0  # assumed: the longest, a write to flash, is below half of that
ASK_TRIES = 5  # a line that damages every fourth answer is still understood
NAME = "RAK3172 modem"


@dataclass(slots=True)
class _Answer:
    """What has come so far to the command that was given; None: it will not be answered."""

    status: "asyncio.Future[Status | None]"
    values: dict[str, str] = field(default_factory=dict)


class RakExchange:
    """`run` reads the port, for as long as anybody asks; one task at a time asks."""

    def __init__(self, port: BytePort) -> None:
        self._port = port
        self._lines = LineSplitter()
        self._now_s = asyncio.get_running_loop().time
        self._answer: _Answer | None = None
        self._sent: asyncio.Future[bool] | None = None
        self._owed_until_s = self._now_s()  # until then a command may still be answered
        self._quiet_at_s = self._now_s()  # when the last frame has left the air at the latest
        self.heard_bytes = 0
        self.losses = 0
        """How often the modem has lost its way."""
        self._woken = asyncio.Event()
        self.packets: deque[Heard] = deque()
        self.end: PortGone | None = None

    async def run(self) -> None:
        """Read until the port goes, which is then told in `end` and to whoever waits."""
        while self.end is None:
            try:
                data = await self._port.read()
            except PortGone as gone:
                self.end = gone
                self._give_up()
            else:
                self.heard_bytes += len(data)
                for line in self._lines.feed(data):
                    self._take(line)

    async def until_woken(self, when_s: float) -> None:
        """Wait until something happened that is to be looked at, or until then."""
        self._woken.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(when_s):
                await self._woken.wait()

    # --- one command ----------------------------------------------------------------------

    async def command(self, command: bytes) -> tuple[Status | None, dict[str, str]]:
        """Give a command; its status, None if none came, and the values told before it.

        Raises `PortGone`.
        """
        while self._now_s() < self._owed_until_s:
            await self.until_woken(self._owed_until_s)
        if self.end is not None:
            raise self.end
        answer = self._answer = _Answer(asyncio.get_running_loop().create_future())
        self._owed_until_s = self._now_s() + ANSWER_S
        status = None
        try:
            await self._port.write(command)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._owed_until_s):
                    status = await answer.status
        finally:
            self._answer = None  # who was cancelled is still owed an answer
        return status, answer.values

    async def send(self, frame: bytes, airtime_s: float) -> Status | None:
        """Put a frame on the air; returns once the modem says that it has left it.

        Other states than OK: it was not sent. None: nobody knows. Raises `PortGone`.
        """
        sent = self._sent = asyncio.get_running_loop().create_future()
        self._quiet_at_s = self._now_s() + 2 * ANSWER_S + airtime_s
        try:
            status, _ = await self.command(send(frame))
            if status not in (Status.OK, None):
                self._quiet_at_s = self._now_s()
                return status
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._quiet_at_s):
                    return Status.OK if await sent else None
        finally:
            self._sent = None
        return None

    async def until_quiet(self) -> None:
        """Wait for a frame whose sender has gone: a further command could cut it off."""
        while self._now_s() < self._quiet_at_s:
            await self.until_woken(self._quiet_at_s)

    async def value(self, name: str) -> str:
        """What a setting is. Raises `DeviceSilent`, `DeviceRefused`, `PortGone`."""
        status = None
        for _ in range(ASK_TRIES):
            status, values = await self.command(ask(name))
            if name in values:
                return values[name]
        if status is None:
            raise DeviceSilent(f"the {NAME} has stopped answering")
        raise DeviceRefused(f"the modem does not tell {name} as RUI3 does: {status.value}")

    # --- what comes in --------------------------------------------------------------------

    def _take(self, line: Line) -> None:
        match line:
            case Packet(frame, rssi_dbm, snr_db):
                self.packets.append(Heard(frame, rssi_dbm, float(snr_db), self._now_s()))
                self._woken.set()
            case Value(name, text):
                if self._answer is not None:
                    self._answer.values[name] = text
            case Status():
                self._take_status(line)
            case Event.SENT:
                self._quiet_at_s = self._now_s()
                if self._sent is not None and not self._sent.done():
                    self._sent.set_result(True)
                self._woken.set()
            case Event.RESTARTED:
                self.lose_its_way()
            case Event.NOTHING:
                pass

    def _take_status(self, status: Status) -> None:
        self._owed_until_s = self._now_s()
        self._woken.set()
        if self._answer is not None and not self._answer.status.done():
            self._answer.status.set_result(status)
        elif status is Status.BUSY_ERROR:
            self.lose_its_way()  # to a cancelled send: it has left reception

    def lose_its_way(self) -> None:
        """It has restarted or is deaf, and will not answer what it was asked."""
        self.losses += 1
        self._quiet_at_s = self._now_s()
        self._give_up()

    def _give_up(self) -> None:
        """Nothing that is waited for will come any more."""
        self._owed_until_s = self._now_s()
        if self._answer is not None and not self._answer.status.done():
            self._answer.status.set_result(None)
        if self._sent is not None and not self._sent.done():
            self._sent.set_result(False)
        self._woken.set()
