"""Simulated RAK3172 LoRa modem with RUI3: UART and antenna, line for line.

Written from hw/rak3172.md, never from drivers/, so that the two can disagree.
Modelled: the grammar of lines with echo and rubbing out, the commands of LoRa P2P, what is refused
while receiving and sending and with which words, all ways of receiving, CAD and the deafness it
leaves, restarts, settings kept and for now, events between the lines of an answer, two boards.
Not modelled: LoRaWAN and FSK (the mode can be chosen, nothing is on the air), encryption (kept,
without effect), bandwidths below 125 kHz (sent in no time, heard by nobody), the texts of help,
ESC and the history of commands, low power, boot loader. A transmission that is cut off goes on to
its end in the air; only its event is missing, and a further one waits for it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from sim.devices.line import DeviceLine
from sim.devices.rak3172_memory import LORAWAN, WORK_MODES, Console, Memory, number, p2p_settings
from sim.devices.rak3172_radio import Attach, P2pRadio

VERSION = "RUI_5.0.0_RAK3172-E"
RESTART_S = 1.0  # assumed
NAME_BYTES = 32
MAX_HEX_DIGITS = 478
MAX_WINDOW = 65535

OK = "OK"
ERROR = "AT_ERROR"
PARAM_ERROR = "AT_PARAM_ERROR"
BUSY_ERROR = "AT_BUSY_ERROR"
MODE_NO_SUPPORT = "AT_MODE_NO_SUPPORT"
COMMAND_NOT_FOUND = "AT_COMMAND_NOT_FOUND"
ALREADY = "P2P_RX_ON already"
DISABLE_FIRST = "P2P_RX_ON already, please disable P2P RX before setting."
UNSAID = ""
"""The status of a command that restarts the modem."""

_ALWAYS = ("AT+NWM", "AT+VER")  # whatever the work mode
_DAMAGED_BIT = 0x80

Ask = Callable[[], str]
Set = Callable[[Sequence[str]], Awaitable[str]]
Do = Callable[[], Awaitable[str]]


class SimRak3172:
    """A modem between `line` and the antenna that `attach` gives it; on, and as delivered."""

    def __init__(
        self,
        line: DeviceLine,
        attach: Attach,
        *,
        is_high_band: bool = False,
        version: str = VERSION,
    ) -> None:
        self._line, self._attach, self._version = line, attach, version
        self.memory = Memory(is_high_band)
        self.damaged_commands = 0  # fault: so many more lose a bit of their first byte
        self._radio = P2pRadio(self.memory, self._say_event)
        self._console = Console()
        self._commands: asyncio.Queue[bytes] = asyncio.Queue()
        self._uart = asyncio.Lock()
        self._is_dead = self._is_down = False
        self._asks: dict[str, Ask] = {
            "AT+VER": lambda: f"AT+VER={self._version}",
            "AT+NWM": lambda: f"AT+NWM={self.memory.work_mode}",
            "AT+P2P": lambda: f"AT+P2P={self.memory.p2p}",
            "AT+SYNCWORD": lambda: f"AT+SYNCWORD={self.memory.sync_word:04x}",
            "AT+CAD": lambda: f"AT+CAD={int(self.memory.listens_first)}",
            "AT+ENCRY": lambda: f"AT+ENCRY={int(self.memory.encrypts)}",
            "AT+PRECV": lambda: f"P2P_RX_{'ON' if self._radio.is_receiving else 'OFF'}",
        }
        self._sets: dict[str, Set] = {
            "AT+NWM": self._set_work_mode,
            "AT+P2P": self._set_p2p,
            "AT+SYNCWORD": self._set_sync_word,
            "AT+CAD": self._set_cad,
            "AT+ENCRY": self._set_encryption,
            "AT+PRECV": self._receive,
            "AT+PSEND": self._send,
        }
        self._does: dict[str, Do] = {
            "AT": self._nothing,
            "ATE": self._turn_echo,
            "ATZ": self._restart,
            "ATR": self._restore,
        }

    @property
    def is_receiving(self) -> bool:
        """What it says of itself; sending counts, too."""
        return self._radio.is_receiving

    # --- trouble --------------------------------------------------------------------------

    def die(self) -> None:
        """Take bytes and do nothing any more."""
        self._is_dead = True

    async def lose_power(self) -> None:
        """Off and on again: what was kept is still there, what it did is not."""
        await self._restart()

    async def forget(self) -> None:
        """Be set as delivered without a word, as by a host on the modem's other UART."""
        self.memory.forget()
        await self._radio.stop()

    # --- the modem ------------------------------------------------------------------------

    async def run(self) -> None:
        """Work for ever. Raises what its antenna raises when the air is gone."""
        await self._radio.attach(self._attach)
        works = [
            asyncio.create_task(work) for work in (self._radio.run(), self._take_in(), self._obey())
        ]
        try:
            done, _ = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in works:
                task.cancel()
            await asyncio.gather(*works, return_exceptions=True)

    async def _take_in(self) -> None:
        while True:
            data = await self._line.read()
            if self._is_dead or self._is_down:
                continue
            seen = b""
            for value in data:
                echo, command = self._console.take(value, has_echo=self.memory.has_echo)
                seen += echo
                if command is not None:
                    await self._write(seen)  # before the answer
                    seen = b""
                    self._commands.put_nowait(command)
            await self._write(seen)

    async def _obey(self) -> None:
        while True:
            command = await self._commands.get()
            if self.damaged_commands:
                self.damaged_commands -= 1
                command = bytes([command[0] | _DAMAGED_BIT]) + command[1:]
            status = await self._status(command.decode("latin-1"))
            if status != UNSAID:
                await self._say(status)

    async def _status(self, command: str) -> str:
        """Do what the command says; its status."""
        name, words = _split(command)
        if len(name) >= NAME_BYTES:
            return ERROR
        is_help, name = name.endswith("?"), name.removesuffix("?").upper()
        if not any(name in known for known in (self._asks, self._sets, self._does)):
            return COMMAND_NOT_FOUND
        if is_help:
            return OK
        if name in self._does:
            return await self._does[name]() if words is None else PARAM_ERROR
        if not words:
            return PARAM_ERROR
        if name not in _ALWAYS and self.memory.work_mode == LORAWAN:
            return MODE_NO_SUPPORT
        if words != "?":
            set_it = self._sets.get(name)
            return await set_it(words.removesuffix(":").split(":")) if set_it else PARAM_ERROR
        if name not in self._asks:
            return PARAM_ERROR
        await self._say(self._asks[name]())
        return OK

    # --- commands -------------------------------------------------------------------------

    async def _nothing(self) -> str:
        return OK

    async def _turn_echo(self) -> str:
        self.memory.has_echo = not self.memory.has_echo
        return OK

    async def _restore(self) -> str:
        self.memory.forget()
        return await self._restart()

    async def _set_work_mode(self, words: Sequence[str]) -> str:
        if len(words) != 1 or len(words[0]) != 1:
            return PARAM_ERROR
        if self._radio.is_receiving:
            return await self._refuse_setting()
        mode = number(words[0])
        if mode not in WORK_MODES:
            return PARAM_ERROR
        self.memory.work_mode = mode
        await self._write(OK.encode())  # it does not come to the end of the line
        return await self._restart()

    async def _set_p2p(self, words: Sequence[str]) -> str:
        given = p2p_settings(words, is_high_band=self.memory.is_high_band)
        if given is None:
            return PARAM_ERROR
        if self._radio.is_receiving:
            return await self._refuse_setting()
        settings, is_for_now = given
        self.memory.take_p2p(settings, is_for_now=is_for_now)
        return OK

    async def _set_sync_word(self, words: Sequence[str]) -> str:
        word = _hex(words)
        if word is None or len(word) != 2:
            return PARAM_ERROR
        if self._radio.is_receiving:
            return await self._refuse_setting()
        self.memory.sync_word = int.from_bytes(word, "big")
        return OK

    async def _set_cad(self, words: Sequence[str]) -> str:
        if (is_on := _switch(words)) is None:
            return PARAM_ERROR
        self.memory.listens_first = is_on
        return OK

    async def _set_encryption(self, words: Sequence[str]) -> str:
        if (is_on := _switch(words)) is None:
            return PARAM_ERROR
        if self._radio.is_receiving:
            return await self._refuse_setting()
        self.memory.encrypts = is_on
        return OK

    async def _refuse_setting(self) -> str:
        await self._say(DISABLE_FIRST)
        return BUSY_ERROR

    async def _receive(self, words: Sequence[str]) -> str:
        window_ms = number(words[0]) if len(words) == 1 else None
        if window_ms is None or window_ms > MAX_WINDOW:
            return PARAM_ERROR
        if window_ms == 0:
            await self._radio.stop()
            return OK
        if self._radio.is_in_reception:
            await self._say(ALREADY)
            return BUSY_ERROR
        await self._radio.receive(window_ms)
        return OK

    async def _send(self, words: Sequence[str]) -> str:
        frame = _hex(words)
        if frame is None or len(words[0]) > MAX_HEX_DIGITS:
            return PARAM_ERROR
        return OK if await self._radio.send(frame) else BUSY_ERROR

    async def _restart(self) -> str:
        self._is_down = True
        await self._radio.stop()
        self.memory.for_now = None
        await asyncio.sleep(RESTART_S)
        self._console.clear()
        while not self._commands.empty():
            self._commands.get_nowait()
        self._is_down = False
        await self._write(b"\r\n")
        await self._say(f"Current Work Mode: {WORK_MODES[self.memory.work_mode]}.")
        return UNSAID

    # --- the line -------------------------------------------------------------------------

    async def _say_event(self, event: str) -> None:
        await self._say(f"+EVT:{event}")

    async def _say(self, text: str) -> None:
        await self._write(f"{text}\r\n".encode("latin-1"))

    async def _write(self, data: bytes) -> None:
        if self._is_dead or not data:
            return
        async with self._uart:  # one line after another, whoever says it
            await self._line.write(data)


def _split(command: str) -> tuple[str, str | None]:
    """The name, and what follows = or a space; None: neither is there."""
    ends = [at for at in (command.find("="), command.find(" ")) if at >= 0]
    return (command[: min(ends)], command[min(ends) + 1 :]) if ends else (command, None)


def _hex(words: Sequence[str]) -> bytes | None:
    """The bytes of the only word; None: it is not hex, or there are more."""
    if len(words) != 1 or not words[0].isalnum():  # fromhex would take spaces
        return None
    try:
        return bytes.fromhex(words[0])
    except ValueError:
        return None


def _switch(words: Sequence[str]) -> bool | None:
    value = number(words[0]) if len(words) == 1 else None
    return bool(value) if value in (0, 1) else None
