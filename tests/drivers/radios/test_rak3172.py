"""What the contract does not say of the RAK3172 driver: other devices, restarts, taken channels."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random

import pytest

from drivers.errors import (
    DeviceRefused,
    DeviceSilent,
    DriverError,
    OtherDevice,
    PortGone,
    TransientDriverError,
)
from drivers.radios.rak3172 import CHECK_EVERY_S, Rak3172Radio
from sim.air.lora import LoraSettings, airtime_s
from sim.clock import Run
from sim.faults import FAULTS
from sim.memory import MemoryCable
from tests.radio_rigs import Ether, in_use
from tests.rak_rigs import FAMILIES, HIGH_SITE, SITE, EtherAntenna, RakRig

RAK = FAMILIES["rak3172"]


async def end_of(radio: Rak3172Radio) -> DriverError:
    with pytest.raises(DriverError) as ended:
        async for _ in radio.heard():
            pass
    return ended.value


@asynccontextmanager
async def running(rig: RakRig) -> AsyncIterator[None]:
    modem = asyncio.create_task(rig.modem.run())
    yield
    modem.cancel()


def tap(rig: RakRig) -> list[str]:
    """What the host says from now on."""
    said: list[str] = []
    write = rig.cable.host.write

    async def note(data: bytes) -> None:
        said.append(data.decode().rstrip())
        await write(data)

    rig.cable.host.write = note  # type: ignore[method-assign]  # a tap on the cable
    return said


def antenna(ether: Ether, name: str) -> EtherAntenna:
    found = ether.modems[name]
    assert isinstance(found, EtherAntenna)
    return found


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (lambda _: b"", DeviceSilent, "no RAK3172"),
        (lambda said: said, OtherDevice, "another device"),  # a loop
        (lambda _: b"$GNGGA,,,,,,0,,,,,,,,*78\r\n", OtherDevice, "another device"),
        (lambda _: b"OK\r\n", DeviceRefused, "AT+VER"),
        (lambda _: b"V1.0.4\r\n\r\nOK\r\n", DeviceRefused, "AT+VER"),
        (lambda _: b"AT+VER=1.0.4\r\nOK\r\n", DeviceRefused, "older than RUI 4.0.6: '1.0.4'"),
        (lambda _: b"AT+VER=RUI_4.0.5_RAK3172-E\r\nOK\r\n", DeviceRefused, "older than RUI"),
        (lambda _: b"AT+VER=RUI_10.0.0\r\nAT+NWM=1\r\nOK\r\n", DeviceRefused, "does not change"),
        (lambda _: b"AT+VER=RUI_4.0.6\r\nAT+NWM=0\r\nOK\r\n", DeviceRefused, "AT+PRECV"),
        (
            lambda _: b"AT+VER=RUI_4.0.6\r\nAT+NWM=0\r\nP2P_RX_ON\r\nOK\r\n",
            DeviceRefused,
            "AT+PRECV=0",
        ),
        (
            lambda said: b"OK\r\n" if said == b"AT\r\n" else b"",
            DeviceSilent,
            "has stopped answering",
        ),
    ],
)
def test_what_is_no_rak3172(
    run: Run, answer: Callable[[bytes], bytes], error: type[DriverError], words: str
) -> None:
    async def main() -> None:
        cable = MemoryCable()

        async def reply() -> None:
            while True:
                await cable.device.write(answer(await cable.device.read()))

        other = asyncio.create_task(reply())
        ended = await end_of(Rak3172Radio(cable.host, settings=SITE))
        assert type(ended) is error
        assert words in str(ended)
        other.cancel()

    run(main())


def test_the_other_board_is_named(run: Run) -> None:
    async def main() -> None:
        rig = replace(RAK, settings=HIGH_SITE).rig(Ether(), "it")
        async with running(rig):
            ended = await end_of(rig.radio)
        assert isinstance(ended, DeviceRefused)
        assert "868.100 MHz: is it the other board" in str(ended)

    run(main())


def test_settings_that_agree_are_not_written_again(run: Run) -> None:
    """Its memory wears out."""

    async def main() -> None:
        rig = RAK.rig(Ether(), "it")
        said = tap(rig)
        async with in_use(rig):
            await rig.ready
            written = [each for each in said if not each.endswith("=?") and "PRECV" not in each]
            assert written == [
                *("AT", "AT+NWM=0", "AT+CAD=1", "AT+P2P=471100000:9:0:0:8:17"),
            ]
            said.clear()
            await asyncio.sleep(CHECK_EVERY_S + 10)
            assert "AT+P2P=?" in said
            written = [each for each in said if not each.endswith("=?")]
            assert written == ["AT", "AT+PRECV=0", "AT+PRECV=0", "AT+PRECV=65533"]
        assert await rig.ready == "RUI_5.0.0_RAK3172-E, 471.100 MHz"
        assert rig.radio.identity == "RUI_5.0.0_RAK3172-E"
        assert rig.radio.repairs == 0

    run(main())


@pytest.mark.parametrize("bandwidth_hz", [125_000, 250_000, 500_000])
@pytest.mark.parametrize("spreading_factor", [5, 7, 9, 12])
def test_airtime_is_that_of_the_air(run: Run, spreading_factor: int, bandwidth_hz: int) -> None:
    async def main() -> None:
        settings = replace(SITE, spreading_factor=spreading_factor, bandwidth_hz=bandwidth_hz)
        rig = replace(RAK, settings=settings).rig(Ether(), "it")
        air = LoraSettings(
            frequency_hz=SITE.frequency_hz,
            spreading_factor=spreading_factor,
            bandwidth_hz=bandwidth_hz,
        )
        for size in (1, 20, 222, 239):
            assert rig.radio.airtime_s(size) == pytest.approx(airtime_s(air, size))
        assert rig.radio.max_frame_bytes == 239

    run(main())


def test_a_modem_whose_power_went_is_set_up_again(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        ether = Ether()
        left, right = RAK.rig(ether, "left"), RAK.rig(ether, "right")
        async with in_use(left, right):
            await asyncio.gather(left.ready, right.ready)
            await right.modem.lose_power()
            await asyncio.sleep(1)
            await left.radio.send(b"heard")
            await right.radio.send(b"and answered")
            await asyncio.sleep(1)
            assert (left.frames, right.frames) == ([b"and answered"], [b"heard"])
            assert right.radio.repairs == 0

    run(main())
    assert [record.message for record in caplog.records] == [
        "RUI_5.0.0_RAK3172-E: it has restarted or lost its way"
    ]


def test_a_restart_while_a_frame_is_sent_is_told_and_survived(run: Run) -> None:
    async def main() -> None:
        ether = Ether()
        left, right = RAK.rig(ether, "left"), RAK.rig(ether, "right")
        async with in_use(left, right):
            await asyncio.gather(left.ready, right.ready)
            sending = asyncio.create_task(left.radio.send(bytes(200)))
            await asyncio.sleep(0.2)
            await left.modem.lose_power()
            with pytest.raises(TransientDriverError, match="was sent"):
                await sending
            await left.radio.send(b"next")
            await asyncio.sleep(1)
            assert right.frames[-1] == b"next"

    run(main())


def test_a_restart_while_it_is_set_up_is_survived(run: Run) -> None:
    async def main() -> None:
        rig = RAK.rig(Ether(), "it")
        async with in_use(rig):
            await asyncio.sleep(1.02)  # it has changed its mode and says so
            assert not rig.ready.done()
            await rig.modem.lose_power()
            await rig.ready
            await rig.radio.send(b"it works")

    run(main())


def test_a_damaged_first_byte_is_asked_again(run: Run) -> None:
    async def main() -> None:
        ether = Ether()
        rig = RAK.rig(ether, "it")
        rig.modem.damaged_commands = 1
        async with in_use(rig):
            await rig.ready
            rig.modem.damaged_commands = 1
            await rig.radio.send(b"hello")
            assert [frame for _, frame, *_ in ether.sent] == [b"hello"]

    run(main())


def test_a_channel_that_gets_free_is_waited_for(run: Run) -> None:
    async def main() -> None:
        ether = Ether()
        left, right = RAK.rig(ether, "left"), RAK.rig(ether, "right")
        now_s = asyncio.get_running_loop().time
        async with in_use(left, right):
            await asyncio.gather(left.ready, right.ready)
            ether.noise_from_s = now_s()
            sending = asyncio.create_task(left.radio.send(b"patient"))
            await asyncio.sleep(0.5)
            assert ether.sent == []
            ether.noise_from_s = float("inf")
            await sending
            await asyncio.sleep(0.5)
            assert right.frames == [b"patient"]

    run(main())


def test_nothing_is_sent_on_a_channel_that_stays_taken_and_the_modem_hears(run: Run) -> None:
    async def main() -> None:
        ether = Ether()
        left, right = RAK.rig(ether, "left"), RAK.rig(ether, "right")
        now_s = asyncio.get_running_loop().time
        async with in_use(left, right):
            await asyncio.gather(left.ready, right.ready)
            ether.noise_from_s = started_s = now_s()
            with pytest.raises(TransientDriverError, match="never free"):
                await left.radio.send(b"never")
            assert 1 < now_s() - started_s < 10
            assert ether.sent == []
            ether.noise_from_s = float("inf")
            await right.radio.send(b"listen")
            await asyncio.sleep(1)
            assert left.frames == [b"listen"]

    run(main())


def test_a_send_cancelled_while_the_modem_listens_does_not_leave_it_deaf(run: Run) -> None:
    """The refusal comes when nobody waits for it any more."""

    async def main() -> None:
        ether = Ether()
        left, right = RAK.rig(ether, "left"), RAK.rig(ether, "right")
        async with in_use(left, right):
            await asyncio.gather(left.ready, right.ready)
            ether.noise_from_s = 0.0
            sending = asyncio.create_task(left.radio.send(bytes(100)))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            sending.cancel()
            await asyncio.sleep(1)
            ether.noise_from_s = float("inf")
            await right.radio.send(b"listen")
            await asyncio.sleep(1)
            assert left.frames == [b"listen"]

    run(main())


def test_a_send_cancelled_while_reception_begins_anew_does_not_leave_it_deaf(run: Run) -> None:
    async def main() -> None:
        ether = Ether()
        left, right = RAK.rig(ether, "left"), RAK.rig(ether, "right")
        async with in_use(left, right):
            await asyncio.gather(left.ready, right.ready)
            said = tap(left)
            ether.noise_from_s = 0.0
            sending = asyncio.create_task(left.radio.send(b"never"))
            while said[-1:] != ["AT+PRECV=0"]:  # noqa: ASYNC110  # at that very moment
                await asyncio.sleep(0.0001)
            sending.cancel()
            await asyncio.sleep(1)
            ether.noise_from_s = float("inf")
            await right.radio.send(b"listen")
            await asyncio.sleep(1)
            assert left.frames == [b"listen"]

    run(main())


@pytest.mark.parametrize("seed", range(12))
def test_sends_cancelled_at_any_moment_leave_a_radio_that_works(run: Run, seed: int) -> None:
    """With a channel that is taken now and then, and power that goes."""

    async def main() -> None:
        random = Random(seed)
        ether = Ether()
        left, right = RAK.rig(ether, "left"), RAK.rig(ether, "right")
        async with in_use(left, right):
            await asyncio.gather(left.ready, right.ready)
            for _ in range(20):
                ether.noise_from_s = random.choice([0.0, float("inf")])
                sending = asyncio.create_task(left.radio.send(bytes(random.randint(1, 100))))
                await asyncio.sleep(random.choice([0.0001, 0.001, 0.01, 0.1, 1]) * random.random())
                sending.cancel()
                if random.random() < 0.2:
                    await left.modem.lose_power()
            ether.noise_from_s = float("inf")
            await asyncio.sleep(5)
            before = len(right.heard)
            await left.radio.send(b"to the right")
            await right.radio.send(b"to the left")
            await asyncio.sleep(1)
            assert right.frames[before:] == [b"to the right"]
            assert left.frames == [b"to the left"]

    run(main())


def test_a_modem_that_does_not_say_that_it_sent_is_set_up_again(run: Run) -> None:
    async def main() -> None:
        ether = Ether()
        left, right = RAK.rig(ether, "left"), RAK.rig(ether, "right")
        async with in_use(left, right):
            await asyncio.gather(left.ready, right.ready)
            sending = asyncio.create_task(left.radio.send(b"perhaps"))
            await asyncio.sleep(0.01)  # its OK is in, not more
            left.line.fault = lambda _data, _random: iter(())
            await asyncio.sleep(1)
            left.line.fault = FAULTS["clean"]
            with pytest.raises(TransientDriverError, match="does not say"):
                await sending
            await left.radio.send(b"surely")
            await right.radio.send(b"back")
            await asyncio.sleep(1)
            assert right.frames == [b"perhaps", b"surely"]
            assert left.frames == [b"back"]

    run(main())


def test_a_modem_that_stops_answering_ends_the_radio(run: Run) -> None:
    async def main() -> None:
        rig = RAK.rig(Ether(), "it")
        modem = asyncio.create_task(rig.modem.run())
        using = asyncio.create_task(rig.use())
        await rig.ready
        rig.modem.die()
        with pytest.raises(TransientDriverError):
            await rig.radio.send(b"never")
        with pytest.raises(DeviceSilent):
            await using
        with pytest.raises(PortGone, match="not in use"):
            await rig.radio.send(b"too late")
        modem.cancel()

    run(main())


def test_strength_is_told_and_damaged_frames_are_dropped(run: Run) -> None:
    async def main() -> None:
        ether = Ether()
        left, right = RAK.rig(ether, "left"), RAK.rig(ether, "right")
        async with in_use(left, right):
            await asyncio.gather(left.ready, right.ready)
            antenna(ether, "right").damages = 1
            await left.radio.send(b"damaged")
            await left.radio.send(b"whole")
            await asyncio.sleep(1)
            (heard,) = right.heard
            assert (heard.frame, heard.rssi_dbm, heard.snr_db) == (b"whole", -90, 7.0)

    run(main())


@pytest.mark.parametrize(
    ("command", "settings_said"),
    [
        ("AT+SYNCWORD=3444", "AT+SYNCWORD=1424"),
        ("AT+CAD=0", "AT+CAD=1"),
        ("AT+ENCRY=1", "AT+ENCRY=0"),
        ("AT+P2P=471100000:9:0:0:8:22:1", "AT+P2P=471100000:9:0:0:8:17"),
        ("AT+NWM=2", "AT+NWM=0"),
    ],
)
def test_each_setting_is_put_right(run: Run, command: str, settings_said: str) -> None:
    async def main() -> None:
        rig = RAK.rig(Ether(), "it")
        async with in_use(rig):
            await rig.ready
            for other in ("AT+PRECV=0", command):  # another program on the port
                await rig.cable.host.write(f"{other}\r\n".encode())
            said = tap(rig)
            await asyncio.sleep(CHECK_EVERY_S + 10)
            assert settings_said in said
            is_told = "NWM" not in command  # a restart is seen at once
            assert rig.radio.repairs == 1 or not is_told

    run(main())
