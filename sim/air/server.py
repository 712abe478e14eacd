"""Lends the air of this process to modems in other ones: `sim/air/messages.py` on a socket.

Time is this process's clock. Who may connect may transmit: a Unix socket, or a port of the
loopback interface, and never more.
"""

import asyncio
import contextlib
from pathlib import Path
from typing import Self

from sim.air.air import Air, AirAntenna
from sim.air.antenna import Signal
from sim.air.messages import (
    MAX_LINE_BYTES,
    Activity,
    Answer,
    Detect,
    Done,
    FromAir,
    FromModem,
    Heard,
    Join,
    Level,
    Listen,
    Measure,
    MessageError,
    Refused,
    Request,
    Transmit,
    decode_from_modem,
    encode,
)
from sim.unix_socket import listening

LOOPBACK = "127.0.0.1"
Address = Path | int
"""A Unix socket, or a TCP port on the loopback interface; 0 when serving: a free one."""


class AirServer:
    """Serves `air` for as long as its context lasts. `address` is where it is reached."""

    def __init__(self, air: Air, address: Address) -> None:
        self._air = air
        self.address = address
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Listen. Raises `FileExistsError` if a file or a living simulator is there."""
        if isinstance(self.address, Path):
            self._server = await asyncio.start_unix_server(
                self._talk, sock=listening(self.address), limit=MAX_LINE_BYTES
            )
            return self
        self._server = await asyncio.start_server(
            self._talk, LOOPBACK, self.address, limit=MAX_LINE_BYTES
        )
        self.address = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._server is not None:
            self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        if isinstance(self.address, Path):
            self.address.unlink(missing_ok=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # asyncio runs this callback in one
        self._talks.add(task)
        try:
            with contextlib.suppress(OSError):  # the modem went away
                await self._serve(reader, writer)
        finally:
            self._talks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def tell(message: FromAir) -> None:
            if not writer.is_closing():
                writer.write(encode(message))

        def tell_signal(signal: Signal) -> None:
            tell(Heard(signal.frame, signal.rssi_dbm, signal.snr_db))

        try:
            join = await _first(reader)
            antenna = self._air.attach(join.name, tell_signal, join.place)
        except ValueError as error:
            tell(Refused(str(error)))
            return
        tell(Done())
        try:
            while (request := await _request(reader)) is not None:
                tell(await _answer(antenna, request))
                await writer.drain()
        except MessageError as error:
            tell(Refused(str(error)))
        finally:
            await antenna.close()


async def _first(reader: asyncio.StreamReader) -> Join:
    message = await _next(reader)
    if not isinstance(message, Join):
        raise MessageError("the first line is a join")
    return message


async def _request(reader: asyncio.StreamReader) -> Request | None:
    message = await _next(reader)
    if isinstance(message, Join):
        raise MessageError("an antenna joins once")
    return message


async def _next(reader: asyncio.StreamReader) -> FromModem | None:
    """The next message; None at the end. Raises `MessageError`."""
    try:
        line = await reader.readline()
    except ValueError as error:
        raise MessageError(f"longer than {MAX_LINE_BYTES} bytes") from error
    return decode_from_modem(line) if line else None


async def _answer(antenna: AirAntenna, request: Request) -> Answer:
    try:
        return await _done(antenna, request)
    except ValueError as error:
        return Refused(str(error))


async def _done(antenna: AirAntenna, request: Request) -> Answer:
    match request:
        case Listen(settings):
            await antenna.listen(settings)
            return Done()
        case Transmit(frame, settings):
            await antenna.transmit(frame, settings)
            return Done()
        case Measure(settings):
            return Level(await antenna.channel_dbm(settings))
        case Detect(settings):
            return Activity(await antenna.cad(settings))
