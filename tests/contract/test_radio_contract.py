"""What every radio owes its callers; see `drivers.radios.base.Radio`.

A radio is a row in `FAMILIES` of `tests.radio_rigs` (E22Radio, E220Radio, E32Radio), of
`tests.rak_rigs` (Rak3172Radio) or of `tests.mesh_rigs` (MeshtasticRadio).
"""

import asyncio
import logging
from collections.abc import Callable
from random import Random

import pytest

from drivers.errors import DeviceRefused, DeviceSilent, PortGone, TransientDriverError
from drivers.radios.base import Radio
from drivers.radios.e22 import CHECK_EVERY_S
from sim.clock import Run
from sim.faults import FAULTS
from tests import mesh_rigs, radio_rigs, rak_rigs
from tests.radio_rigs import RSSI_DBM, AnyFamily, AnyRig, Ether, in_use

BAD_LINES = ("line_noise", "torn", "bit_flip")
# Whatever bytes they begin with: those that mean something to a modem, too.
AWKWARD = [
    b"\xc0\xc1\xc2\xc3\x02\x02",
    b"\xcf\xcf\xc0\x05\x01\x09",
    b"\xc1\x00\x09",
    b"\x00",
    b"\xff\xff\xff",
    bytes(range(40)),
]


FAMILIES: dict[str, AnyFamily] = {
    **radio_rigs.FAMILIES,
    **rak_rigs.FAMILIES,
    **mesh_rigs.FAMILIES,
}


def is_owners(name: str) -> bool:
    return FAMILIES[name].is_set_by_owner


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> AnyFamily:
    return FAMILIES[request.param]


async def set_up(*rigs: AnyRig) -> None:
    await asyncio.gather(*(rig.ready for rig in rigs))


def constantly(airtime_s: float) -> Callable[[int], float]:
    return lambda _: airtime_s


def pair(family: AnyFamily) -> tuple[Ether, AnyRig, AnyRig]:
    ether = Ether()
    return ether, family.rig(ether, "left"), family.rig(ether, "right")


def test_a_frame_arrives_once_and_unchanged_whatever_it_holds(run: Run, family: AnyFamily) -> None:
    async def main() -> None:
        _, left, right = pair(family)
        longest = Random(4).randbytes(left.radio.max_frame_bytes)
        frames = [*AWKWARD, longest, *(bytes([value]) * value for value in (1, 0x2F, 0x39))]
        async with in_use(left, right):
            await set_up(left, right)
            for frame in frames:
                await left.radio.send(frame)
            await asyncio.sleep(1)
            assert right.frames == frames
            assert left.frames == []
            expected = RSSI_DBM if family.has_rssi else None
            assert {each.rssi_dbm for each in right.heard} == {expected}
            times = [each.received_mono_s for each in right.heard]
            assert times == sorted(times)

    run(main())


def test_every_length_arrives(run: Run, family: AnyFamily) -> None:
    async def main() -> None:
        _, left, right = pair(family)
        frames = [bytes([7]) * size for size in range(1, left.radio.max_frame_bytes + 1)]
        async with in_use(left, right):
            for frame in frames:
                await left.radio.send(frame)
            await asyncio.sleep(1)
            assert right.frames == frames

    run(main())


def test_send_returns_when_the_frame_has_left_the_air(run: Run, family: AnyFamily) -> None:
    async def main() -> None:
        ether, left, right = pair(family)
        now_s = asyncio.get_running_loop().time
        async with in_use(left, right):
            for size in (1, 20, left.radio.max_frame_bytes):
                ether.sent.clear()
                ether.airtime_s = constantly(left.radio.airtime_s(size))
                await left.radio.send(bytes(size))
                assert [name for name, *_ in ether.sent] == ["left"]
                assert ether.sent[0][3] <= now_s() + 1e-6

    run(main())


def test_frames_given_at_once_are_sent_one_after_another(run: Run, family: AnyFamily) -> None:
    async def main() -> None:
        ether, left, right = pair(family)
        frames = [bytes([value]) * 20 for value in range(8)]
        async with in_use(left, right):
            await asyncio.gather(*(left.radio.send(frame) for frame in frames))
            await asyncio.sleep(1)
            assert right.frames == frames
        ends = [end_s for *_, end_s in ether.sent]
        starts = [start_s for *_, start_s, _ in ether.sent]
        assert all(start >= end for start, end in zip(starts[1:], ends[:-1], strict=True))

    run(main())


def test_a_burst_keeps_the_pace_that_was_told(run: Run, family: AnyFamily) -> None:
    """Whoever schedules others reckons with it: `lag_s` and `gap_s`."""

    async def main() -> None:
        ether, left, right = pair(family)
        now_s = asyncio.get_running_loop().time
        radio: Radio = left.radio
        size = radio.max_frame_bytes
        airtime_s = radio.airtime_s(size)
        ether.airtime_s = constantly(airtime_s)
        async with in_use(left, right):
            await set_up(left, right)
            began_s = now_s()
            for _ in range(4):
                await radio.send(bytes(size))
            await asyncio.sleep(radio.lag_s)
            assert len(right.heard) == 4
            assert right.heard[0].received_mono_s <= began_s + airtime_s + radio.lag_s
        starts, ends = [sent[2] for sent in ether.sent], [sent[3] for sent in ether.sent]
        gaps_s = [start - end for start, end in zip(starts[1:], ends[:-1], strict=True)]
        assert max(gaps_s) <= radio.gap_s
        assert radio.gap_s <= max(gaps_s) + 2.5, "it is told for planning, not for comfort"

    run(main())


def test_a_frame_that_fits_no_packet_is_refused(run: Run, family: AnyFamily) -> None:
    async def main() -> None:
        ether, left, right = pair(family)
        radio: Radio = left.radio
        async with in_use(left, right):
            for size in (0, radio.max_frame_bytes + 1):
                with pytest.raises(ValueError, match="bytes"):
                    await radio.send(bytes(size))
                with pytest.raises(ValueError, match="bytes"):
                    radio.airtime_s(size)
        assert ether.sent == []

    run(main())


def test_a_longer_frame_takes_longer(run: Run, family: AnyFamily) -> None:
    async def main() -> None:
        radio = family.rig(Ether(), "it").radio
        times = [radio.airtime_s(size) for size in range(1, radio.max_frame_bytes + 1)]
        assert times == sorted(times)
        assert 0 < times[0] < times[-1]

    run(main())


@pytest.mark.parametrize("fault", BAD_LINES)
@pytest.mark.parametrize("seed", range(3))
def test_a_bad_line_loses_frames_and_nothing_else(
    run: Run, family: AnyFamily, fault: str, seed: int
) -> None:
    """The modem is set up over it, and what comes after it was mended is heard."""

    async def main() -> None:
        ether = Ether()
        left, right = family.rig(ether, "left"), family.rig(ether, "right", seed)
        async with in_use(left, right):
            await set_up(left, right)
            right.line.fault = FAULTS[fault]
            for value in range(12):
                await left.radio.send(bytes([value]) * 30)
            await asyncio.sleep(1)
            right.line.fault = FAULTS["clean"]
            before = len(right.heard)
            await left.radio.send(b"after it")
            await asyncio.sleep(1)
            assert right.frames[before:] == [b"after it"]
            assert len(right.heard) <= 13 or fault == "line_noise"

    run(main())


@pytest.mark.parametrize("fault", ["one_byte_at_a_time", *BAD_LINES])
@pytest.mark.parametrize("seed", range(4))
def test_a_modem_is_set_up_over_a_bad_line(
    run: Run, family: AnyFamily, fault: str, seed: int
) -> None:
    async def main() -> None:
        ether = Ether()
        left, right = family.rig(ether, "left"), family.rig(ether, "right", seed)
        right.line.fault = FAULTS[fault]
        async with in_use(left, right):
            await set_up(left, right)
            right.line.fault = FAULTS["clean"]
            await right.radio.send(b"here")
            await asyncio.sleep(1)
            assert left.frames == [b"here"]

    run(main())


@pytest.mark.parametrize(
    "family", [each for each in FAMILIES if not is_owners(each)], indirect=True
)
def test_somebody_elses_settings_are_put_right_within_the_hour(run: Run, family: AnyFamily) -> None:
    async def main() -> None:
        _, left, right = pair(family)
        async with in_use(left, right):
            await set_up(left, right)
            await right.spoil()
            await left.radio.send(b"unheard")
            await asyncio.sleep(3700)
            await left.radio.send(b"heard")
            await asyncio.sleep(1)
            assert right.frames == [b"heard"]
            assert (left.radio.repairs, right.radio.repairs) == (0, 1)

    run(main())


@pytest.mark.parametrize("family", [each for each in FAMILIES if is_owners(each)], indirect=True)
def test_a_modem_its_owner_has_set_otherwise_is_refused_within_the_hour(
    run: Run, family: AnyFamily
) -> None:
    async def main() -> None:
        _, left, right = pair(family)
        async with in_use(left, right):
            await set_up(left, right)
            await right.spoil()
            await asyncio.sleep(3700)
            with pytest.raises(PortGone):
                await right.radio.send(b"under whose law?")

    with pytest.raises(DeviceRefused, match="set otherwise"):
        run(main())


def test_an_unplugged_modem_is_reported_to_whoever_listens_and_sends(
    run: Run, family: AnyFamily
) -> None:
    async def main() -> None:
        _, left, right = pair(family)
        async with in_use(left, right):
            await set_up(left, right)
            left.cable.unplug()
            await asyncio.sleep(0.1)
            assert isinstance(left.error, PortGone)
            with pytest.raises(TransientDriverError):
                await left.radio.send(b"too late")

    run(main())


def test_a_dead_modem_is_silent_and_nobody_waits_for_ever(run: Run, family: AnyFamily) -> None:
    async def main() -> None:
        rig = family.rig(Ether(), "dead")
        rig.modem.die()
        modem = asyncio.create_task(rig.modem.run())
        sending = asyncio.create_task(rig.radio.send(b"hello"))
        with pytest.raises(DeviceSilent):
            await rig.use()
        with pytest.raises(TransientDriverError):
            await sending
        modem.cancel()

    run(main())


def test_a_cancelled_send_does_not_spoil_the_next(run: Run, family: AnyFamily) -> None:
    async def main() -> None:
        ether, left, right = pair(family)
        ether.airtime_s = constantly(left.radio.airtime_s(50))
        async with in_use(left, right):
            await set_up(left, right)
            first = asyncio.create_task(left.radio.send(bytes(50)))
            await asyncio.sleep(0.05)
            first.cancel()
            await left.radio.send(b"second" * 8)
            assert len(ether.sent) == 2
            await asyncio.sleep(1)
            assert right.frames == [bytes(50), b"second" * 8]

    run(main())


def test_frames_go_out_whole_while_the_settings_are_looked_at(run: Run, family: AnyFamily) -> None:
    async def main() -> None:
        ether, left, _ = pair(family)
        frames = [bytes([value]) * 20 for value in range(100)]
        async with in_use(left):
            await set_up(left)
            await asyncio.sleep(CHECK_EVERY_S - 10)
            for frame in frames:
                await left.radio.send(frame)
            await asyncio.sleep(1)
            packets = [sent[1] for sent in ether.sent]
            assert all(map(bytes.__contains__, packets, frames))
            assert len(packets) == len(frames)

    run(main())


def test_frames_stay_out_of_the_log(
    run: Run, family: AnyFamily, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def main() -> None:
        _, left, right = pair(family)
        async with in_use(left, right):
            await left.radio.send(b"\x31\x32\x33secret")
            await asyncio.sleep(1)
            assert right.frames

    run(main())
    assert "secret" not in caplog.text
    assert b"secret".hex() not in caplog.text
