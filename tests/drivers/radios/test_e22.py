"""What the contract does not say of the EByte driver: other devices, pins, AUX, the air's law."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from drivers.errors import (
    DeviceRefused,
    DeviceSilent,
    DriverConfigError,
    DriverError,
    OtherDevice,
    PortGone,
)
from drivers.panel.pins import open_pins
from drivers.port import SerialPort
from drivers.radios.airtime import MeasuredAirtime
from drivers.radios.e22 import CHECK_EVERY_S, E22Radio, E32Radio, E220Radio, EByteRadio
from drivers.radios.e22_pins import Aux, GpioModePins
from drivers.radios.e22_port import open_e22
from sim.clock import Run
from sim.devices.e22 import MODEL_E220
from sim.memory import MemoryCable
from tests.radio_rigs import E32_SITE, FAMILIES, SITE, EByteRig, Ether, in_use, make_rig

E22 = FAMILIES["e22"]


async def end_of(radio: EByteRadio) -> DriverError:
    with pytest.raises(DriverError) as ended:
        async for _ in radio.heard():
            pass
    return ended.value


@dataclass
class LoosePins:
    """Pins that reach nothing."""

    levels: int = 0
    aux: Aux | None = None

    def set(self, levels: int) -> None:
        self.levels = levels


async def reply(cable: MemoryCable, answer: Callable[[bytes], bytes]) -> None:
    while True:
        await cable.device.write(answer(await cable.device.read()))


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (lambda _: b"", DeviceSilent, "M0 and M1"),
        (lambda said: said, OtherDevice, "another device"),  # a loop
        (lambda _: b"\r\nOK\r\n", OtherDevice, "another device"),
        (lambda _: b"\xc1\x00\x09\x00", DeviceSilent, "damaged"),
        (lambda _: b"\xff\xff\xff", DeviceRefused, "does not know the commands"),
        (lambda _: b"\xc1\x00\x09" + bytes(9), DeviceRefused, "does not keep its settings"),
    ],
)
def test_what_is_no_e22(
    run: Run, answer: Callable[[bytes], bytes], error: type[DriverError], words: str
) -> None:
    async def main() -> None:
        cable = MemoryCable()
        other = asyncio.create_task(reply(cable, answer))
        ended = await end_of(E22Radio(cable.host, settings=SITE, pins=LoosePins()))
        assert type(ended) is error
        assert words in str(ended)
        other.cancel()

    run(main())


def test_a_receiver_that_talks_all_the_time_is_another_device(run: Run) -> None:
    async def main() -> None:
        cable = MemoryCable()

        async def talk() -> None:
            while True:
                await cable.device.write(b"$GNGGA,,,,,,0,,,,,,,,*78\r\n")
                await asyncio.sleep(0.02)

        talking = asyncio.create_task(talk())
        ended = await end_of(E22Radio(cable.host, settings=SITE, pins=LoosePins()))
        assert isinstance(ended, OtherDevice)
        assert "never falls quiet" in str(ended)
        talking.cancel()

    run(main())


def test_a_modem_without_its_switch_by_software_says_so(run: Run) -> None:
    async def main() -> None:
        rig = make_rig(FAMILIES["e22 by software"], Ether(), "it")
        rig.modem.forget()
        modem = asyncio.create_task(rig.modem.run())
        ended = await end_of(rig.radio)
        assert isinstance(ended, DeviceSilent)
        assert "switch by software is off" in str(ended)
        modem.cancel()

    run(main())


def test_an_e220_where_an_e22_should_be_is_refused(run: Run) -> None:
    async def main() -> None:
        rig = make_rig(replace(E22, model=MODEL_E220), Ether(), "it")
        modem = asyncio.create_task(rig.modem.run())
        ended = await end_of(rig.radio)
        assert isinstance(ended, DeviceSilent)  # in the mode an E22 is set up in, it hears the air
        modem.cancel()

    run(main())


def test_settings_that_agree_are_not_written_again(run: Run) -> None:
    """Its memory wears out; only the key, which cannot be read, is given anew, and not for good."""

    async def main() -> None:
        rig = make_rig(E22, Ether(), "it")
        said: list[bytes] = []
        write = rig.cable.host.write

        async def note(data: bytes) -> None:
            said.append(data)
            await write(data)

        rig.cable.host.write = note  # type: ignore[method-assign]  # a tap on the cable
        async with in_use(rig):
            await rig.ready
            assert [each[0] for each in said] == [0xC1, 0xC0, 0xC1, 0xC2, 0xC1]
            said.clear()
            await asyncio.sleep(CHECK_EVERY_S + 10)
            assert [each[0] for each in said] == [0xC1, 0xC2]
        assert await rig.ready == "E22 002210160b0000, 471.125 MHz"
        assert rig.radio.identity == "E22 002210160b0000"

    run(main())


def test_a_strangers_settings_by_radio_are_noticed(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> EByteRig:
        ether = Ether()
        victim, stranger = make_rig(E22, ether, "victim"), make_rig(E22, ether, "stranger")
        async with in_use(victim, stranger):
            await asyncio.gather(victim.ready, stranger.ready)
            await stranger.cable.host.write(bytes.fromhex("CF CF C0 05 01 09"))
            await asyncio.sleep(5)
            assert victim.modem.memory.facts.frequency_hz == 419_125_000
            await asyncio.sleep(CHECK_EVERY_S)
            assert victim.modem.memory.facts.frequency_hz == SITE.frequency_hz
        return victim

    assert run(main()).radio.repairs == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert caplog.records[0].levelno == logging.WARNING


def test_aux_without_end_is_silence(run: Run) -> None:
    async def main() -> None:
        rig = make_rig(E22, Ether(), "it")
        async with in_use(rig):
            await rig.ready
            rig.modem.stick_aux(True)
            with pytest.raises(DeviceSilent, match="busy without end"):
                await rig.radio.send(b"never")

    run(main())


def test_settings_are_looked_at_once_the_modem_is_idle(run: Run) -> None:
    async def main() -> None:
        rig = make_rig(E22, Ether(), "it")
        async with in_use(rig):
            await rig.ready
            await asyncio.sleep(CHECK_EVERY_S - 1)
            rig.modem.stick_aux(True)
            await asyncio.sleep(3)
            rig.modem.stick_aux(False)
            await rig.radio.send(b"goes on")
        assert rig.error is None

    run(main())


def test_a_frame_that_does_not_move_aux_was_not_taken(run: Run) -> None:
    async def main() -> None:
        rig = make_rig(E22, Ether(), "it")
        async with in_use(rig):
            await rig.ready
            rig.modem.die()
            with pytest.raises(DeviceSilent, match="does not take frames"):
                await rig.radio.send(b"never")

    run(main())


@pytest.mark.parametrize("name", ["e22", "e22, AUX covers the air", "e22 without AUX"])
def test_a_modem_that_waits_for_a_free_channel_is_waited_for(run: Run, name: str) -> None:
    async def main() -> None:
        ether = Ether()
        rig = make_rig(FAMILIES[name], ether, "it")
        now_s = asyncio.get_running_loop().time
        async with in_use(rig):
            await rig.ready
            ether.airtime_s = lambda _: rig.radio.airtime_s(20)
            ether.noise_from_s = now_s()
            asked_s = now_s()
            await rig.radio.send(bytes(20))
            (_, _, start_s, end_s) = ether.sent[0]
            assert start_s - asked_s > 2
            assert end_s <= now_s() + 1e-6

    run(main())


def test_nobody_listens_any_more(run: Run) -> None:
    async def main() -> None:
        rig = make_rig(E22, Ether(), "it")
        async with in_use(rig):
            await rig.ready
        with pytest.raises(PortGone, match="not in use"):
            await rig.radio.send(b"too late")

    run(main())


def test_airtime_is_measured_where_it_was_and_else_of_the_slowest_guess(run: Run) -> None:
    async def main() -> None:
        cable = MemoryCable()
        computed = E22Radio(cable.host, settings=SITE, pins=LoosePins())
        assert computed.airtime_s(93) == pytest.approx(0.554, abs=0.03)  # 100 bytes at SF9/125 kHz
        table = MeasuredAirtime(((10, 0.2), (200, 1.0)))
        measured = E22Radio(cable.host, settings=replace(SITE, measured=table), pins=LoosePins())
        assert measured.airtime_s(10) == pytest.approx(0.2)
        assert measured.airtime_s(105) == pytest.approx(0.6)

    run(main())


@pytest.mark.parametrize("make", [E220Radio, E32Radio])
def test_only_an_e22_does_without_pins(run: Run, make: type[E220Radio | E32Radio]) -> None:
    async def main() -> None:
        settings = E32_SITE if make is E32Radio else SITE
        with pytest.raises(DriverConfigError, match="M0 and M1"):
            make(MemoryCable().host, settings=settings)

    run(main())


def test_pins_on_the_header(run: Run) -> None:
    async def main() -> None:
        header = await open_pins("mock")
        pins = GpioModePins(header, m0=22, m1=27, aux=17)
        levels = {name: header.factory.pin(name) for name in ("GPIO22", "GPIO27", "GPIO17")}
        for value in range(4):
            pins.set(value)
            assert (levels["GPIO22"].state, levels["GPIO27"].state) == (value & 1, value >> 1)
        assert pins.aux == Aux(is_busy=False, falls=0)
        levels["GPIO17"].drive_low()
        assert pins.aux == Aux(is_busy=True, falls=1)
        levels["GPIO17"].drive_high()
        assert pins.aux == Aux(is_busy=False, falls=1)
        pins.close()
        assert GpioModePins(header, m0=22, m1=27).aux is None
        await header.close()

    run(main())


def test_the_serial_line_runs_at_the_modems_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def note(_: SerialPort, path: str, baud: int) -> None:
        opened.append((path, baud))

    monkeypatch.setattr(SerialPort, "__init__", note)
    for url in ("serial:///dev/ttyS0", "serial:///dev/ttyS0?baud=9600"):
        asyncio.run(open_e22(url))
    assert opened == [("/dev/ttyS0", 9600)] * 2
    with pytest.raises(DriverConfigError, match="9600"):
        asyncio.run(open_e22("serial:///dev/ttyS0?baud=115200"))
