"""How long an EByte modem really keeps the channel: measured at AUX, for its rates have no meaning.

AUX falls with a packet's first byte on the line and, on a modem that can be measured, rises when it
has left the air (hw/e22.md 2 and 8). A packet's length stands in its head, so it begins once all of
it has come over the line: that time is not the air's. What listening first takes cannot be told
apart, and makes a time longer; an edge that is seen late makes one shorter. Of several the middle
one is used: a time too short would break the law.
"""

import asyncio
import statistics
from collections.abc import Callable
from dataclasses import dataclass

from drivers.errors import DeviceRefused
from drivers.radios.airtime import MeasuredAirtime
from drivers.radios.base import Radio
from drivers.radios.e22_frames import BAUD
from drivers.radios.e22_packets import LENGTH_BYTES
from drivers.radios.e22_pins import Aux, ModePins

SIZES = (1, 16, 32, 64, 96, 128, 160, 192)
"""Frame bytes; the longest the law allows is measured, too."""
REPEATS = 3
STEP_BYTES = 6
"""LoRa's airtime rises in steps of up to so many bytes, and a line is drawn between points."""
LEAST_SHARE = 0.5
"""Of the time its bits take at the rate's name: below it AUX did not wait for the air."""
WAIT_LIMIT_S = 60.0  # for the law, where it counts within seconds
_TRIES = 4 * REPEATS  # others on the channel pull AUX low as well
_LOOK_S = 0.001
_BITS_PER_BYTE, _LINE_BITS_PER_BYTE = 8, 10


@dataclass(frozen=True, slots=True)
class Measured:
    """The times frames of one size took."""

    frame_bytes: int
    times_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """All that was measured; `airtime` None: AUX rises before the air is free, it tells nothing."""

    measured: tuple[Measured, ...]
    airtime: MeasuredAirtime | None


async def calibrate(
    radio: Radio,
    pins: ModePins,
    *,
    air_bps: int,
    longest_s: float,
    free_at_s: Callable[[int], float],
    on_measured: Callable[[Measured], None] = lambda _: None,
) -> Calibration:
    """Send frames of rising sizes, each several times, none that will take over `longest_s`.

    The modem is set up and somebody iterates over `radio.heard`. The frames say nothing: whoever
    hears them drops them.
    Raises what `send` raises, and `DeviceRefused` where AUX cannot be read or never rests.
    """
    sizes = sorted(
        {*(size for size in SIZES if size < radio.max_frame_bytes), radio.max_frame_bytes}
    )
    done: list[Measured] = []
    for size in sizes:
        if len(done) > 1 and _line_through(done[-2:]).airtime_s(size) > longest_s:
            break
        times_s = []
        for _ in range(REPEATS):
            await _until(min(free_at_s(size), _now_s() + WAIT_LIMIT_S))
            times_s.append(await _measure(radio, pins, size))
        done.append(Measured(size, tuple(times_s)))
        on_measured(done[-1])
    return Calibration(tuple(done), _judged(done, air_bps))


def _judged(done: list[Measured], air_bps: int) -> MeasuredAirtime | None:
    """The table, each point by a step too long; None if it cannot be airtime."""
    longest = done[-1]
    bits_s = longest.frame_bytes * _BITS_PER_BYTE / air_bps
    if min(longest.times_s) < LEAST_SHARE * bits_s:
        return None
    plain = _line_through(done)
    slope = (plain.points[-1][1] - plain.points[0][1]) / (plain.points[-1][0] - plain.points[0][0])
    margin_s = slope * STEP_BYTES
    return MeasuredAirtime(tuple((size, time_s + margin_s) for size, time_s in plain.points))


def _line_through(done: list[Measured]) -> MeasuredAirtime:
    """The middle times, made to rise."""
    points: list[tuple[int, float]] = []
    for each in done:
        least_s = points[-1][1] if points else 0.0
        points.append((each.frame_bytes, max(statistics.median(each.times_s), least_s)))
    return MeasuredAirtime(tuple(points))


async def _measure(radio: Radio, pins: ModePins, size: int) -> float:
    line_s = (size + LENGTH_BYTES) * _LINE_BITS_PER_BYTE / BAUD
    for _ in range(_TRIES):
        before = _aux(pins)
        begun_s = _now_s()
        sending = asyncio.create_task(radio.send(bytes(size)))
        try:
            while (aux := _aux(pins)).falls == before.falls or aux.is_busy:
                if sending.done():
                    break
                await asyncio.sleep(_LOOK_S)
            risen_s = _now_s()
            await sending
        finally:
            sending.cancel()
        if not before.is_busy and _aux(pins).falls == before.falls + 1:
            return max(risen_s - begun_s - line_s, _LOOK_S)
    raise DeviceRefused("others on the channel do not let a frame be measured: try again later")


def _aux(pins: ModePins) -> Aux:
    aux = pins.aux
    if aux is None:
        raise DeviceRefused("AUX is not wired: without it nothing can be measured")
    return aux


def _now_s() -> float:
    return asyncio.get_running_loop().time()


async def _until(when_s: float) -> None:
    await asyncio.sleep(max(when_s - _now_s(), 0.0))
