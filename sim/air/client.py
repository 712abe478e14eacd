"""An antenna on the air of another process."""

import asyncio
import contextlib
from collections import deque
from pathlib import Path
from typing import TypeVar

from sim.air.antenna import OnSignal, Signal
from sim.air.lora import LoraSettings
from sim.air.medium import AirError
from sim.air.messages import (
    MAX_LINE_BYTES,
    Activity,
    Answer,
    Detect,
    Done,
    FromModem,
    Heard,
    Join,
    Level,
    Listen,
    Measure,
    MessageError,
    Refused,
    Transmit,
    decode_from_air,
    encode,
)
from sim.air.server import LOOPBACK, Address
from sim.air.terrain import Place

_GONE = "the air is gone"
A = TypeVar("A", Done, Level, Activity)


async def join_air(
    address: Address, name: str, on_signal: OnSignal, place: Place | None = None
) -> "RemoteAntenna":
    """Attach a modem to the air at `address`.

    Raises `OSError` if no air is there, `AirError` if it does not take this modem.
    """
    if isinstance(address, Path):
        reader, writer = await asyncio.open_unix_connection(address, limit=MAX_LINE_BYTES)
    else:
        reader, writer = await asyncio.open_connection(LOOPBACK, address, limit=MAX_LINE_BYTES)
    antenna = RemoteAntenna(reader, writer, on_signal)
    try:
        await antenna.ask(Join(name, place), Done)
    except BaseException:
        await antenna.close()
        raise
    return antenna


class RemoteAntenna:
    """An `Antenna`. Made by `join_air`; `lost` is set when the air is gone."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, on_signal: OnSignal
    ) -> None:
        self._reader, self._writer, self._on_signal = reader, writer, on_signal
        self._waiting: deque[asyncio.Future[Answer]] = deque()
        self.lost = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def listen(self, settings: LoraSettings | None) -> None:
        """See `Antenna.listen`."""
        await self.ask(Listen(settings), Done)

    async def transmit(self, frame: bytes, settings: LoraSettings) -> None:
        """See `Antenna.transmit`."""
        await self.ask(Transmit(frame, settings), Done)

    async def channel_dbm(self, settings: LoraSettings) -> float:
        """See `Antenna.channel_dbm`."""
        return (await self.ask(Measure(settings), Level)).power_dbm

    async def cad(self, settings: LoraSettings) -> bool:
        """See `Antenna.cad`."""
        return (await self.ask(Detect(settings), Activity)).heard

    async def close(self) -> None:
        """See `Antenna.close`."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
        await self._reading

    async def ask(self, message: FromModem, expected: type[A]) -> A:
        """Send a message and wait for its answer, which comes in the order of the messages.

        Raises `AirError` if the air refuses, `ConnectionError` if it is gone.
        """
        if self.lost.is_set() or self._writer.is_closing():
            raise ConnectionError(_GONE)
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self._writer.write(encode(message))
        answer = await waiting
        if isinstance(answer, Refused):
            raise AirError(answer.why)
        if not isinstance(answer, expected):
            raise ConnectionError(f"the air answers with {type(answer).__name__}")
        return answer

    async def _read(self) -> None:
        try:
            with contextlib.suppress(OSError, MessageError):
                await self._read_lines()
        finally:
            self.lost.set()
            self._writer.close()
            for waiting in self._waiting:
                if not waiting.done():
                    waiting.set_exception(ConnectionError(_GONE))

    async def _read_lines(self) -> None:
        while line := await self._reader.readline():
            message = decode_from_air(line)
            if isinstance(message, Heard):
                self._on_signal(Signal(message.frame, message.rssi_dbm, message.snr_db))
                continue
            if not self._waiting:
                raise MessageError("an answer to nothing")
            waiting = self._waiting.popleft()
            if not waiting.done():  # who asked has given up
                waiting.set_result(message)
