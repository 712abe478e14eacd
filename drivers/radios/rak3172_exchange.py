"""Commands and answers of a RAK3172 on an open port, while frames come in between."""

import asyncio
import contextlib
import logging
from collections import deque
from dataclasses import dataclass, field

from drivers.errors import DeviceRefused, DeviceSilent, OtherDevice, PortGone
from drivers.port import BytePort
from drivers.radios.base import Heard
from drivers.radios.rak3172_lines import (
    RECEIVE,
    Event,
    Line,
    LineSplitter,
    Packet,
    Status,
    Value,
    ask,
    put,
    send,
)
from drivers.radios.rak3172_settings import RakSettings

log = logging.getLogger(__name__)

ANSWER_S = 1.0  # assumed: the longest, a write to flash, is below half of that
RESTART_LIMIT_S = 5.0  # assumed: it takes about one
ASK_TRIES = 5  # a line that damages every fourth answer is still understood
SET_TRIES = 4
HELLO = b"AT\r\n"
VERSION, WORK_MODE = "AT+VER", "AT+NWM"
P2P, SYNC_WORD, LISTEN_FIRST, ENCRYPT = "AT+P2P", "AT+SYNCWORD", "AT+CAD", "AT+ENCRY"
P2P_MODE = "0"
PRIVATE_SYNC_WORD = "1424"
OFF = "0"
STOP, RECEIVE_AND_SEND = "0", "65533"
STOPPED, RECEIVING = "OFF", "ON"
RUI3 = "RUI_"
_NAME = "RAK3172 modem"


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
        self._quiet_at_s = self._now_s()  # when the last frame has left the air at the latest
        self._heard_bytes = 0
        self._woken = asyncio.Event()
        self.packets: deque[Heard] = deque()
        self.needs_set_up = False
        """See `lose_its_way`."""
        self.version: str | None = None
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
                self._heard_bytes += len(data)
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
        if self.end is not None:
            raise self.end
        answer = self._answer = _Answer(asyncio.get_running_loop().create_future())
        status = None
        try:
            await self._port.write(command)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_S):
                    status = await answer.status
        finally:
            self._answer = None
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
            raise DeviceSilent(f"the {_NAME} has stopped answering")
        raise DeviceRefused(f"the modem does not tell {name} as RUI3 does: {status.value}")

    # --- setting it up --------------------------------------------------------------------

    async def set_up(self, settings: RakSettings) -> bool:
        """See to it that the modem has these settings, and let it receive.

        Whether it had others. Raises as `Radio.heard`.
        """
        self.needs_set_up = False
        await self._greet()
        self.version = await self._version()
        was_changed = await self._choose_p2p()
        await self._must_become(RECEIVE, STOP, STOPPED)
        for name, wanted in (
            (SYNC_WORD, PRIVATE_SYNC_WORD),
            (LISTEN_FIRST, str(int(settings.listens_first))),
            (ENCRYPT, OFF),
        ):
            if await self.value(name) != wanted:
                log.info("%s: %s is set otherwise", _NAME, name)
                await self._must_become(name, wanted, wanted)
                was_changed = True
        was_changed |= await self._set_p2p(settings)
        await self.receive()
        return was_changed

    async def receive(self) -> None:
        """Let it receive and send, whatever it did before. Raises as `set_up`."""
        for _ in range(SET_TRIES):
            await self._must_become(RECEIVE, STOP, STOPPED)
            await self.command(put(RECEIVE, RECEIVE_AND_SEND))
            if await self.value(RECEIVE) == RECEIVING:
                return
        raise DeviceRefused(f"the {_NAME} does not begin to receive")

    async def _greet(self) -> None:
        self._heard_bytes = 0
        for _ in range(ASK_TRIES):
            status, _ = await self.command(HELLO)
            if status is not None:
                return
        if self._heard_bytes:
            raise OtherDevice(f"no {_NAME} here: another device, or a wrong baud rate?")
        raise DeviceSilent(f"no {_NAME} answers")

    async def _version(self) -> str:
        for _ in range(ASK_TRIES):
            version = await self.value(VERSION)
            if version.startswith(RUI3):
                return version
        raise DeviceRefused(f"the modem's firmware is older than RUI3: {version!r}")

    async def _choose_p2p(self) -> bool:
        """Whether it did something else than LoRa from one to the other."""
        for tries in range(SET_TRIES):
            if await self.value(WORK_MODE) == P2P_MODE:
                return tries > 0
            log.info("%s: it does something else than LoRa P2P", _NAME)
            await self.command(put(RECEIVE, STOP))
            self.needs_set_up = False
            await self.command(put(WORK_MODE, P2P_MODE))
            until_s = self._now_s() + RESTART_LIMIT_S
            while not self.needs_set_up and self._now_s() < until_s:
                await self.until_woken(until_s)
            self.needs_set_up = False
        raise DeviceRefused(f"the {_NAME} does not change to LoRa P2P")

    async def _set_p2p(self, settings: RakSettings) -> bool:
        """Whether they were others."""
        status = None
        for tries in range(SET_TRIES):
            said = await self.value(P2P)
            if settings.is_p2p(said):
                return tries > 0
            log.info("%s: set otherwise: %s", _NAME, said)
            status, _ = await self.command(put(P2P, settings.p2p))
        if status is Status.PARAM_ERROR:
            raise DeviceRefused(
                f"the {_NAME} has not {settings.frequency_hz / 1e6:.3f} MHz: is it the other board,"
                " -L or -H?"
            )
        raise DeviceRefused(f"the {_NAME} does not keep its settings")

    async def _must_become(self, name: str, value: str, told: str) -> None:
        for _ in range(SET_TRIES):
            await self.command(put(name, value))
            if await self.value(name) == told:
                return
        raise DeviceRefused(f"the {_NAME} does not keep {name}={value}")

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
        if self._answer is not None and not self._answer.status.done():
            self._answer.status.set_result(status)
        elif status is Status.BUSY_ERROR:
            self.lose_its_way()  # to a cancelled send: it has left reception

    def lose_its_way(self) -> None:
        """It has restarted or is deaf, and will not answer what it was asked."""
        self.needs_set_up = True
        self._quiet_at_s = self._now_s()
        self._give_up()

    def _give_up(self) -> None:
        """Nothing that is waited for will come any more."""
        if self._answer is not None and not self._answer.status.done():
            self._answer.status.set_result(None)
        if self._sent is not None and not self._sent.done():
            self._sent.set_result(False)
        self._woken.set()
