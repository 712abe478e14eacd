"""Simulated pigpiod: lets programs have a `SimHeader` over TCP, as hw/pigpio-socket.md says.

Not modelled: section 5 of that page, answered as an unknown command.
"""

import asyncio
import contextlib
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final, Self

from sim.devices.header import LAST_MODE, PINS, RANGES, Pull, SimHeader

LOOPBACK: Final = "127.0.0.1"
VERSION = 79
REVISION = 0xC03111  # a Raspberry Pi 4B of 4 GB; every header has the same 40 pins
ALIVE_S = 60.0
ALIVE_FLAG = 1 << 6
LONGEST_FILTER_US = 300_000
LONGEST_EXTENSION_BYTES = 65_536  # nobody means more; a client that lost count might say so
_WORDS = struct.Struct("<IIII")
_RESULT = struct.Struct("<IIIi")
_REPORT = struct.Struct("<HHII")

BAD_GPIO, BAD_MODE, BAD_LEVEL, BAD_PULL = -3, -4, -5, -6
BAD_DUTY, BAD_RANGE, BAD_HANDLE = -8, -21, -25
UNKNOWN_COMMAND, NOT_PWM, BAD_FILTER = -88, -92, -125

NB, NP, NC, NOIB, FG = 19, 20, 21, 99, 97


class _Refused(Exception):
    """The command is answered with this error."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class _Listener:
    """A connection that carries reports."""

    writer: asyncio.StreamWriter
    bits: int = 0
    seqno: int = 0


class SimPigpiod:
    """The daemon, listening on `port` of loopback while its context lasts; 0: a free one."""

    def __init__(self, header: SimHeader, port: int = 0) -> None:
        self.port = port
        self._header = header
        self._loop = asyncio.get_running_loop()
        self._since_s = self._loop.time()
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self._listeners: dict[int, _Listener] = {}
        self._filter_s: dict[int, float] = {}
        self._settling: dict[int, asyncio.TimerHandle] = {}
        self._reported = header.levels()
        header.watch(self._pin_changed)
        self.clients_changed: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        """What a terminal's configuration says to reach these pins."""
        return f"pigpio://{LOOPBACK}:{self.port}"

    @property
    def is_plugged(self) -> bool:
        """Whether it listens."""
        return self._server is not None

    @property
    def clients(self) -> int:
        """How many programs hold the pins."""
        return len(self._listeners)

    async def plug(self) -> None:
        """Listen. Raises `OSError` when the port is taken."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, LOOPBACK, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def unplug(self) -> None:
        """Go away in the middle of whatever it is, as a Pi without power does."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        clients = list(self._clients)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        await server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.plug()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.unplug()

    def _pin_changed(self, pin: int) -> None:
        timer = self._settling.pop(pin, None)
        if timer is not None:
            timer.cancel()
        if self._header.level(pin) == self._reported >> pin & 1:
            return
        steady_s = self._filter_s.get(pin, 0.0)
        if steady_s:
            self._settling[pin] = self._loop.call_later(steady_s, self._report, pin)
        else:
            self._report(pin)

    def _report(self, pin: int) -> None:
        self._reported ^= 1 << pin
        for listener in self._listeners.values():
            if listener.bits >> pin & 1:
                self._send(listener, flags=0)

    def _send(self, listener: _Listener, *, flags: int) -> None:
        listener.writer.write(
            _REPORT.pack(listener.seqno & 0xFFFF, flags, self._tick(), self._reported)
        )
        listener.seqno += 1

    def _tick(self) -> int:
        return int((self._loop.time() - self._since_s) * 1e6) & 0xFFFFFFFF

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = self._loop.create_task(self._serve(reader, writer))
        self._clients.add(client)
        client.add_done_callback(self._clients.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handle: int | None = None
        try:
            while True:
                command, p1, p2, size = _WORDS.unpack(await reader.readexactly(_WORDS.size))
                if size > LONGEST_EXTENSION_BYTES:
                    return
                await reader.readexactly(size)  # no command that is understood has one
                if command == NOIB:
                    result = handle = self._listen(writer)
                else:
                    result = self._answer(command, p1, p2)
                if handle is None or command == NOIB:  # afterwards it carries reports only
                    writer.write(_RESULT.pack(command, p1, p2, result))
                    await writer.drain()
                if handle is not None and handle not in self._listeners:
                    return
        except (asyncio.IncompleteReadError, OSError):
            pass  # the client went away
        finally:
            if handle is not None:
                self._forget(handle)
            with contextlib.suppress(OSError):
                writer.close()

    def _listen(self, writer: asyncio.StreamWriter) -> int:
        handle = next(number for number in range(PINS) if number not in self._listeners)
        self._listeners[handle] = _Listener(writer)
        self._loop.call_later(ALIVE_S, self._stay_alive, handle, self._listeners[handle], 0)
        self.clients_changed()
        return handle

    def _stay_alive(self, handle: int, listener: _Listener, seen: int) -> None:
        if self._listeners.get(handle) is not listener:
            return
        if listener.seqno == seen:
            self._send(listener, flags=ALIVE_FLAG)
        self._loop.call_later(ALIVE_S, self._stay_alive, handle, listener, listener.seqno)

    def _forget(self, handle: int) -> None:
        self._listeners.pop(handle, None)
        self.clients_changed()

    def _answer(self, command: int, p1: int, p2: int) -> int:
        try:
            if command in {NB, NP, NC}:
                return self._notify(command, p1, p2)
            if command == FG:
                return self._set_filter(p1, p2)
            if command == TICK:
                tick = self._tick()
                return tick - (1 << 32) if tick >> 31 else tick
            act = COMMANDS.get(command)
            return UNKNOWN_COMMAND if act is None else act(self._header, p1, p2)
        except _Refused as refused:
            return refused.code

    def _notify(self, command: int, handle: int, bits: int) -> int:
        listener = self._listeners.get(handle)
        if listener is None:
            return BAD_HANDLE
        listener.bits = bits if command == NB else 0
        if command == NC:
            self._forget(handle)
        return 0

    def _set_filter(self, gpio: int, steady_us: int) -> int:
        if steady_us > LONGEST_FILTER_US:
            return BAD_FILTER
        self._filter_s[_pin(gpio)] = steady_us / 1e6
        return 0


Act = Callable[[SimHeader, int, int], int]


def _pin(gpio: int) -> int:
    if gpio >= PINS:
        raise _Refused(BAD_GPIO)
    return gpio


def _within(value: int, allowed: range, code: int) -> int:
    if value not in allowed:
        raise _Refused(code)
    return value


def _done(change: Callable[[SimHeader, int, int], None]) -> Act:
    def act(header: SimHeader, gpio: int, value: int) -> int:
        change(header, _pin(gpio), value)
        return 0

    return act


def _ask(question: Callable[[SimHeader, int], int]) -> Act:
    return lambda header, gpio, _value: question(header, _pin(gpio))


@_done
def _set_mode(header: SimHeader, pin: int, mode: int) -> None:
    header.set_mode(pin, _within(mode, range(LAST_MODE + 1), BAD_MODE))


@_done
def _set_pull(header: SimHeader, pin: int, pull: int) -> None:
    header.set_pull(pin, Pull(_within(pull, range(len(Pull)), BAD_PULL)))


@_done
def _write(header: SimHeader, pin: int, level: int) -> None:
    header.write(pin, _within(level, range(2), BAD_LEVEL))


@_done
def _set_duty(header: SimHeader, pin: int, duty: int) -> None:
    header.set_duty(pin, _within(duty, range(header.range(pin) + 1), BAD_DUTY))


def _set_range(header: SimHeader, gpio: int, new: int) -> int:
    return header.set_range(_pin(gpio), _within(new, RANGES, BAD_RANGE))


def _set_frequency(header: SimHeader, gpio: int, frequency_hz: int) -> int:
    return header.set_frequency(_pin(gpio), frequency_hz)


def _read_duty(header: SimHeader, pin: int) -> int:
    duty = header.duty(pin)
    if duty is None:
        raise _Refused(NOT_PWM)
    return duty


def _write_bank(level: int, header: SimHeader, bits: int, _p2: int) -> int:
    for pin in range(PINS):
        if bits >> pin & 1:
            header.write(pin, level)
    return 0


def _read_bank(header: SimHeader, _p1: int, _p2: int) -> int:
    levels = header.levels()
    return levels - (1 << 32) if levels >> 31 else levels


TICK = 16
COMMANDS: Mapping[int, Act] = MappingProxyType(
    {
        0: _set_mode,
        1: _ask(SimHeader.mode),
        2: _set_pull,
        3: _ask(SimHeader.level),
        4: _write,
        5: _set_duty,
        6: _set_range,
        7: _set_frequency,
        10: _read_bank,
        12: partial(_write_bank, 0),
        14: partial(_write_bank, 1),
        17: lambda _header, _p1, _p2: REVISION,
        22: _ask(SimHeader.range),
        23: _ask(SimHeader.frequency_hz),
        24: _ask(SimHeader.real_range),
        26: lambda _header, _p1, _p2: VERSION,
        83: _ask(_read_duty),
    }
)
"""Section 2, but for what concerns connections and time."""
