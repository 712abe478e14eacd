"""The simulated receiver by itself: what it sends is NMEA 0183, and when."""

import asyncio
import re
from datetime import UTC, datetime
from functools import reduce
from itertools import takewhile
from operator import xor
from pathlib import Path

import pytest

from sim.clock import Run
from sim.devices.burst import Burst, play
from sim.devices.gnss import REACQUIRE_S, SimGnss
from sim.devices.gnss_replay import LONGEST_STEP_S, replay
from sim.memory import MemoryCable

START = datetime(2026, 5, 1, 10, 0, 0, tzinfo=UTC)
SENTENCE = re.compile(rb"\$([A-Z]{5},[ -~]*)\*([0-9A-F]{2})\r\n")


def device(**options: object) -> SimGnss:
    place = {"latitude_deg": 30.657, "longitude_deg": 104.066, "start": START}
    return SimGnss(**{**place, **options})  # type: ignore[arg-type]  # options differ in type


def said(sim: SimGnss, seconds: int) -> list[Burst]:
    return list(takewhile(lambda burst: burst.after_s < seconds, sim.bursts()))


def lines(bursts: list[Burst], kind: bytes) -> list[list[bytes]]:
    return [burst.data[1:-5].split(b",") for burst in bursts if burst.data[3:6] == kind]


@pytest.mark.parametrize("talker", ["GN", "GP", "GB"])
def test_every_sentence_is_framed_and_short(talker: str) -> None:
    for burst in said(device(talker=talker, with_zda=True), 20):
        match = SENTENCE.fullmatch(burst.data)
        assert match is not None
        assert reduce(xor, match[1], 0) == int(match[2], 16)
        assert len(burst.data) <= 82  # the standard's limit, with line end


def test_a_second_fits_its_line_and_starts_late_as_receivers_do() -> None:
    bursts = said(device(), 3)
    assert [burst.after_s for burst in bursts] == sorted(burst.after_s for burst in bursts)
    starts = [burst.after_s for burst in bursts if b"RMC" in burst.data]
    assert starts == pytest.approx([0.17, 1.17, 2.17], abs=0.02)


def test_the_same_seed_says_the_same_and_another_does_not() -> None:
    assert said(device(seed=1), 5) == said(device(seed=1), 5)
    assert said(device(seed=1), 5) != said(device(seed=2), 5)


def test_no_minute_is_printed_as_sixty() -> None:
    sim = device(latitude_deg=30.9999999999, longitude_deg=-0.9999999999, wander_m=0.0)
    fields = lines(said(sim, 1), b"RMC")[0]
    assert fields[3:7] == [b"3100.00000", b"N", b"00100.00000", b"W"]


def test_before_the_first_fix_it_knows_no_time_and_afterwards_keeps_it() -> None:
    sim = device(first_fix_after_s=2)
    states = []
    for burst in sim.bursts():
        if b"RMC" in burst.data:
            fields = burst.data.split(b",")
            states.append((fields[1], fields[2]))
            if len(states) == 3:
                sim.cover_antenna()
            if len(states) == 4:
                break
    assert states == [(b"", b"V"), (b"", b"V"), (b"100002.00", b"A"), (b"100003.00", b"V")]


def test_uncovering_what_was_not_covered_changes_nothing() -> None:
    sim = device()
    sim.uncover_antenna()
    assert lines(said(sim, 1), b"RMC")[0][2] == b"A"


def test_a_short_cover_costs_the_time_to_reacquire() -> None:
    sim = device()
    states = []
    for burst in sim.bursts():
        if b"RMC" in burst.data:
            states.append(burst.data.split(b",")[2])
            if len(states) == 2:
                sim.cover_antenna()
                sim.uncover_antenna()
        if len(states) == 6:
            break
    assert states == [b"A", b"A", *[b"V"] * (REACQUIRE_S - 1), b"A", b"A", b"A"]


RECORDED = [
    b"# collector's remark\n",
    b"\xb5b\x01\x07 noise\n",
    b"$GPRMC,,V,,,,,,,,,,N*53\r\n",
    b"$GPGGA,,,,,,0,,,,M,,M,,*66\r\n",
    b"$GPRMC,,V,,,,,,,,,,N*53\r\n",
    b"$GPRMC,235959.00,A,\r\n",
    b"$GPGGA,235959.00,\r\n",
    b"# another\n",
    b"$GPRMC,000000.50,A,\r\n",
    b"$GPRMC,001000.50,A,\r\n",
    b"$GPRMC,000900.50,A,\r\n",
    b"last line torn",
]
PACE_S = [0.0, 0.0, 0.0, 1.0, 2.0, 2.0, 3.5, 4.5, 5.5, 5.5]


def recording(folder: Path, content: list[bytes]) -> Path:
    path = folder / "some.log"
    path.write_bytes(b"".join(content))
    return path


def test_replay_drops_remarks_keeps_noise_and_takes_its_pace_from_within(tmp_path: Path) -> None:
    bursts = list(replay(recording(tmp_path, RECORDED)))
    assert [burst.data for burst in bursts] == [
        line for line in RECORDED if not line.startswith(b"#")
    ]
    assert [burst.after_s for burst in bursts] == pytest.approx(PACE_S)


def test_a_step_is_taken_as_it_is_up_to_a_limit(tmp_path: Path) -> None:
    stepped = [b"$GPRMC,100000,A,\n", f"$GPRMC,10000{LONGEST_STEP_S:.0f},A,\n".encode()]
    assert list(replay(recording(tmp_path, stepped)))[-1].after_s == LONGEST_STEP_S


def test_a_loop_goes_on_a_second_later(tmp_path: Path) -> None:
    path = recording(tmp_path, [b"$GPRMC,100000,A,\n", b"$GPRMC,100001,A,\n"])
    rounds = takewhile(lambda burst: burst.after_s < 6, replay(path, loop=True))
    assert [burst.after_s for burst in rounds] == [0, 1, 2, 3, 4, 5]


def test_nothing_recorded_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing recorded"):
        next(replay(recording(tmp_path, RECORDED[:1]), loop=True))


@pytest.mark.parametrize(("speed", "lasts_s"), [(1.0, 10.0), (4.0, 2.5), (0.0, 0.0)])
def test_playing_faster(run: Run, speed: float, lasts_s: float) -> None:
    async def main() -> float:
        cable = MemoryCable()
        await play([Burst(0, b"a"), Burst(10, b"b")], cable.device, speed=speed)
        assert await cable.host.read() == b"ab"
        return asyncio.get_running_loop().time()

    assert run(main()) == pytest.approx(lasts_s)
