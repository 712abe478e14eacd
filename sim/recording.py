"""Recordings at the device's end of the cable: made of a simulator, and played in its place.

A recording is played by what the host says where the host said something, and by time where the
device talked by itself. What comes after bytes of the host waits for those bytes; a host that
leaves something out is answered from where the recording holds what it does say.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from drivers.recording import Recorder, Recording
from sim.devices.line import DeviceLine


class RecordingLine:
    """A line whose traffic is recorded, once it has a `recorder`."""

    def __init__(self, line: DeviceLine) -> None:
        self._line = line
        self.recorder: Recorder | None = None

    async def read(self) -> bytes:
        """See `DeviceLine.read`."""
        data = await self._line.read()
        if self.recorder is not None:
            self.recorder.take("host", data)
        return data

    async def write(self, data: bytes) -> None:
        """See `DeviceLine.write`."""
        if self.recorder is not None:
            self.recorder.take("device", data)
        await self._line.write(data)


@dataclass(frozen=True, slots=True)
class _Turn:
    """What the host says, empty at the start, and what the device says to it, each after a wait."""

    heard: bytes
    said: tuple[tuple[float, bytes], ...]


class RecordedDevice:
    """Plays the device's side of a recording. `speed` 2 waits half as long, 0 not at all.

    `on_stranger` is told of each time the host says what the rest of the recording does not hold;
    the device does not answer it.
    """

    def __init__(
        self,
        line: DeviceLine,
        recording: Recording,
        *,
        speed: float = 1.0,
        on_stranger: Callable[[], None] = lambda: None,
    ) -> None:
        self._line, self._speed = line, speed
        self._turns = _turns(recording)
        self._on_stranger = on_stranger
        self._heard = bytearray()

    async def run(self) -> None:
        """Play the recording once."""
        at = 0
        while at < len(self._turns):
            if self._turns[at].heard:
                at = await self._turn_asked_for(at)
            for wait_s, data in self._turns[at].said:
                await asyncio.sleep(wait_s / self._speed if self._speed else 0)
                await self._line.write(data)
            at += 1

    async def _turn_asked_for(self, at: int) -> int:
        """Wait for the host to say what a turn from `at` on begins with; which one it is."""
        while True:
            for index, turn in enumerate(self._turns[at:], at):
                if self._heard.startswith(turn.heard):
                    del self._heard[: len(turn.heard)]
                    return index
                if turn.heard.startswith(self._heard):
                    break  # nothing yet, or the rest of it may be on its way
            else:
                self._heard.clear()
                self._on_stranger()
            self._heard += await self._line.read()


def _turns(recording: Recording) -> Sequence[_Turn]:
    turns: list[_Turn] = []
    heard, said = bytearray(), list[tuple[float, bytes]]()
    before_s = 0.0
    for entry in recording.entries:
        if entry.source == "host":
            if said:
                turns.append(_Turn(bytes(heard), tuple(said)))
                heard, said = bytearray(), []
            heard += entry.data
        else:
            said.append((entry.t_s - before_s, entry.data))
        before_s = entry.t_s
    if heard or said:
        turns.append(_Turn(bytes(heard), tuple(said)))
    return turns
