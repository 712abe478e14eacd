"""How a RAK3172 is set up and found out to be so. hw/rak3172.md 6."""

import asyncio
import logging
import re

from drivers.errors import DeviceRefused, DeviceSilent, OtherDevice
from drivers.radios.rak3172_exchange import ASK_TRIES, NAME, RakExchange
from drivers.radios.rak3172_lines import RECEIVE, Status, put
from drivers.radios.rak3172_settings import RakSettings

log = logging.getLogger(__name__)

RESTART_LIMIT_S = 5.0  # assumed: it takes about one
SET_TRIES = 4
HELLO = b"AT\r\n"
VERSION, WORK_MODE = "AT+VER", "AT+NWM"
P2P, SYNC_WORD, LISTEN_FIRST, ENCRYPT = "AT+P2P", "AT+SYNCWORD", "AT+CAD", "AT+ENCRY"
P2P_MODE = "0"
PRIVATE_SYNC_WORD = "1424"
OFF = "0"
STOP, RECEIVE_AND_SEND = "0", "65533"
STOPPED, RECEIVING = "OFF", "ON"
_RUI3 = re.compile(r"RUI_(\d{1,3})\.(\d{1,3})\.(\d{1,3})")
OLDEST = (4, 0, 6)  # it brought AT+CAD and AT+PRECV=?


class RakSetUp:
    """Sees to it that the modem has `settings`."""

    def __init__(self, exchange: RakExchange, settings: RakSettings) -> None:
        self._exchange, self._settings = exchange, settings
        self._now_s = asyncio.get_running_loop().time
        self._settled_losses = 0
        self.version: str | None = None

    @property
    def is_needed(self) -> bool:
        """Whether the modem has lost its way since it was set up."""
        return self._exchange.losses != self._settled_losses

    async def run(self) -> bool:
        """See to it that the modem has these settings, and let it receive.

        Whether it had others. Raises as `Radio.heard`.
        """
        await self._greet()
        self.version = await self._version()
        was_changed = await self._choose_p2p()
        losses = self._exchange.losses
        await self._must_become(RECEIVE, STOP, STOPPED)
        for name, wanted in (
            (SYNC_WORD, PRIVATE_SYNC_WORD),
            (LISTEN_FIRST, str(int(self._settings.listens_first))),
            (ENCRYPT, OFF),
        ):
            if await self._exchange.value(name) != wanted:
                log.info("%s: %s is set otherwise", NAME, name)
                await self._must_become(name, wanted, wanted)
                was_changed = True
        was_changed |= await self._set_p2p()
        await self.receive()
        self._settled_losses = losses
        return was_changed

    async def receive(self) -> None:
        """Let it receive and send, whatever it did before. Raises as `run`.

        Cancelled or failed, it leaves the modem to be set up again.
        """
        try:
            await self._begin_to_receive()
        except BaseException:
            self._exchange.lose_its_way()
            raise

    async def _begin_to_receive(self) -> None:
        for _ in range(SET_TRIES):
            await self._must_become(RECEIVE, STOP, STOPPED)
            await self._exchange.command(put(RECEIVE, RECEIVE_AND_SEND))
            if await self._exchange.value(RECEIVE) == RECEIVING:
                return
        raise DeviceRefused(f"the {NAME} does not begin to receive")

    async def _greet(self) -> None:
        self._exchange.heard_bytes = 0
        for _ in range(ASK_TRIES):
            status, _ = await self._exchange.command(HELLO)
            if status is not None:
                return
        if self._exchange.heard_bytes:
            raise OtherDevice(f"no {NAME} here: another device, or a wrong baud rate?")
        raise DeviceSilent(f"no {NAME} answers")

    async def _version(self) -> str:
        for _ in range(ASK_TRIES):
            version = await self._exchange.value(VERSION)
            match = _RUI3.match(version)
            if match and tuple(map(int, match.groups())) >= OLDEST:
                return version
        oldest = ".".join(map(str, OLDEST))
        raise DeviceRefused(f"the modem's firmware is older than RUI {oldest}: {version!r}")

    async def _choose_p2p(self) -> bool:
        """Whether it did something else than LoRa from one to the other."""
        for tries in range(SET_TRIES):
            if await self._exchange.value(WORK_MODE) == P2P_MODE:
                return tries > 0
            log.info("%s: it does something else than LoRa P2P", NAME)
            await self._exchange.command(put(RECEIVE, STOP))
            losses = self._exchange.losses
            await self._exchange.command(put(WORK_MODE, P2P_MODE))
            until_s = self._now_s() + RESTART_LIMIT_S
            while self._exchange.losses == losses and self._now_s() < until_s:
                await self._exchange.until_woken(until_s)
        raise DeviceRefused(f"the {NAME} does not change to LoRa P2P")

    async def _set_p2p(self) -> bool:
        """Whether they were others."""
        status = None
        for tries in range(SET_TRIES):
            said = await self._exchange.value(P2P)
            if self._settings.is_p2p(said):
                return tries > 0
            log.info("%s: set otherwise: %s", NAME, said)
            status, _ = await self._exchange.command(put(P2P, self._settings.p2p))
        if status is Status.PARAM_ERROR:
            mhz = f"{self._settings.frequency_hz / 1e6:.3f} MHz"
            raise DeviceRefused(f"the {NAME} has no {mhz}: is it the other board, -L or -H?")
        raise DeviceRefused(f"the {NAME} does not keep its settings")

    async def _must_become(self, name: str, value: str, told: str) -> None:
        for _ in range(SET_TRIES):
            await self._exchange.command(put(name, value))
            if await self._exchange.value(name) == told:
                return
        raise DeviceRefused(f"the {NAME} does not keep {name}={value}")
