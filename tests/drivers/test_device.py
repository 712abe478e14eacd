"""One device of any role: used across its troubles, or looked at once, in bounded time."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drivers.device import (
    NO_TRIAL,
    ROLES,
    URL_FORMS,
    DeviceEvent,
    Look,
    Role,
    find_device,
    look_at_device,
    use_device,
)
from drivers.errors import DriverConfigError
from drivers.gnss.base import NoFix
from drivers.port import open_port
from drivers.radios.site import EBYTE_KINDS
from drivers.radios.trial import Trial
from drivers.readers.base import CardRead
from drivers.supervisor import DeviceState
from sim.devices.burst import play
from sim.devices.card import Card
from sim.devices.gnss import SimGnss
from sim.devices.idreader import SimIdReader
from sim.expose import ExposedPty
from sim.modem_rig import UART_BAUD, ModemRig

ENOUGH_S = 20
LIMIT_S = 8.0
PINS = "lgpio?m0=22&m1=27"
Speak = Callable[[ExposedPty], Coroutine[Any, Any, None]]


async def id_reader(cable: ExposedPty) -> None:
    await SimIdReader(cable).run()


async def broken_reader(cable: ExposedPty) -> None:
    reader = SimIdReader(cable)
    reader.break_module(bytes.fromhex("000066"), cured_by_reset=False)
    await reader.run()


async def receiver(cable: ExposedPty) -> None:
    start = datetime(2026, 5, 1, 10, tzinfo=UTC)
    device = SimGnss(latitude_deg=30.0, longitude_deg=104.0, start=start)
    await play(device.bursts(), cable, speed=10)


async def modem_alone(cable: ExposedPty) -> None:
    cable.baud = UART_BAUD
    rig = ModemRig("e22", cable)
    rig.allow_switch_by_software()
    await rig.modem.run()


async def nothing(_cable: ExposedPty) -> None:
    await asyncio.Event().wait()


def looked_at(tmp_path: Path, kind: str, speak: Speak, limit_s: float = LIMIT_S) -> Look:
    async def main() -> Look:
        async with asyncio.timeout(ENOUGH_S), ExposedPty(tmp_path / "device") as cable:
            speaking = asyncio.create_task(speak(cable))
            try:
                return await look_at_device(find_device(kind, cable.url), limit_s)
            finally:
                speaking.cancel()

    return asyncio.run(main())


def test_a_reader_is_ready_with_its_identity(tmp_path: Path) -> None:
    seen = looked_at(tmp_path, "sdt", id_reader)
    assert seen.state is DeviceState.READY
    assert seen.detail.startswith("SAM 05.03-20160817")


def test_a_radio_is_ready_with_its_identity(tmp_path: Path) -> None:
    seen = looked_at(tmp_path, "e22", modem_alone)
    assert (seen.state, seen.detail) == (
        DeviceState.READY,
        "E22 002210160b0000, 471.125 MHz",
    )
    assert looked_at(tmp_path, "e22", id_reader, limit_s=30).state is DeviceState.SILENT


def test_a_radio_is_set_to_what_is_lawful() -> None:
    chosen = {
        (kind, frequency_mhz): find_device(kind, "tcp://x:1", Trial(frequency_mhz, PINS)).radio
        for kind, frequency_mhz in (("e22", None), ("e32", None), ("e220", 868.125))
    }
    assert [radio and (radio.region, radio.frequency_mhz) for radio in chosen.values()] == [
        ("CN470", 471.125),
        ("EU433", 434.0),
        ("EU868", 868.125),
    ]
    with pytest.raises(DriverConfigError, match="lies in no band"):
        find_device("e22", "tcp://x:1", Trial(frequency_mhz=450.125))
    with pytest.raises(DriverConfigError, match="must listen"):
        find_device("e32", "tcp://x:1", Trial(frequency_mhz=471.0, pins=PINS))
    with pytest.raises(DriverConfigError, match="such as lgpio"):
        find_device("e22", "tcp://x:1", Trial(pins="lgpio?m0=22"))
    with pytest.raises(DriverConfigError, match="is no radio"):
        find_device("sdt", "tcp://x:1", Trial(test_frames=1))


def test_a_radio_that_takes_no_frames_is_silent(tmp_path: Path) -> None:
    """It fails while it sends, not while it listens."""
    states: list[tuple[DeviceState, str]] = []

    async def main() -> None:
        async with asyncio.timeout(ENOUGH_S), ExposedPty(tmp_path / "device", UART_BAUD) as cable:
            rig = ModemRig("e22", cable)
            async with rig.wire() as pins:
                assert pins.port
                dying = asyncio.create_task(rig.modem.run())
                url = rig.pins_url
                assert url is not None
                await asyncio.to_thread(use_in_another_loop, cable.url, url, rig, states)
                dying.cancel()

    asyncio.run(main())
    assert [state for state, _ in states] == [DeviceState.READY, DeviceState.SILENT]
    assert "does not take frames" in states[1][1]


def use_in_another_loop(
    url: str, pins: str, rig: ModemRig, states: list[tuple[DeviceState, str]]
) -> None:
    """Pins across a socket block the loop they are used in."""

    async def use() -> None:
        silent = asyncio.Event()

        def on_state(state: DeviceState, reason: str) -> None:
            states.append((state, reason))
            if state is DeviceState.READY:
                rig.modem.die()
            else:
                silent.set()

        device = find_device("e22", url, Trial(pins=pins, test_frames=1))
        using = asyncio.create_task(use_device(device, lambda _: None, on_state))
        await silent.wait()
        using.cancel()
        await asyncio.gather(using, return_exceptions=True)

    asyncio.run(use())


def test_a_receiver_is_ready_with_its_first_word(tmp_path: Path) -> None:
    seen = looked_at(tmp_path, "nmea", receiver)
    assert seen.state is DeviceState.READY
    assert isinstance(seen.event, NoFix)  # the next one would confirm it


def test_what_ails_a_device_is_its_state(tmp_path: Path) -> None:
    assert looked_at(tmp_path, "sdt", broken_reader).state is DeviceState.UNAUTHORISED
    assert looked_at(tmp_path, "sdt", receiver).state is DeviceState.OTHER
    assert looked_at(tmp_path, "nmea", nothing).state is DeviceState.SILENT


def test_a_look_ends_in_time(tmp_path: Path) -> None:
    started_s = time.monotonic()
    seen = looked_at(tmp_path, "nmea", nothing, limit_s=0.2)
    assert seen == Look(DeviceState.SILENT, "no sign of life for 0.2 s")
    assert time.monotonic() - started_s < 2


def test_a_look_leaves_the_port_as_it_was(tmp_path: Path) -> None:
    async def main() -> None:
        async with ExposedPty(tmp_path / "device") as cable:
            module = asyncio.create_task(SimIdReader(cable).run())
            device = find_device("sdt", cable.url)
            for _ in range(2):
                assert (await look_at_device(device, LIMIT_S)).state is DeviceState.READY
            port = await open_port(cable.url)
            assert (await look_at_device(device, LIMIT_S)).state is DeviceState.BUSY
            await port.close()
            module.cancel()

    asyncio.run(main())


def test_a_missing_device_is_known_at_once(tmp_path: Path) -> None:
    device = find_device("sdt", f"serial://{tmp_path}/nobody")
    seen = asyncio.run(look_at_device(device, LIMIT_S))
    assert seen.state is DeviceState.MISSING


def test_a_wrong_setting_is_no_state() -> None:
    with pytest.raises(DriverConfigError, match=r"there are: .*sdt"):
        find_device("telepathy", "serial:///dev/x")
    with pytest.raises(DriverConfigError, match="expected serial:"):
        asyncio.run(look_at_device(find_device("nmea", "pigeon:"), LIMIT_S))


def test_a_device_is_used_until_cancelled(tmp_path: Path) -> None:
    events: list[DeviceEvent] = []
    states: list[DeviceState] = []

    async def main() -> None:
        enough = asyncio.Event()

        def take(event: DeviceEvent) -> None:
            events.append(event)
            enough.set()

        async with asyncio.timeout(ENOUGH_S), ExposedPty(tmp_path / "device") as cable:
            reader = SimIdReader(cable)
            module = asyncio.create_task(reader.run())
            reader.present(Card(number="11010519491231002", name="甲"))
            device = find_device("sdt", cable.url)
            using = asyncio.create_task(
                use_device(device, take, lambda state, _: states.append(state))
            )
            await enough.wait()
            using.cancel()
            module.cancel()

    asyncio.run(main())
    assert [type(event) for event in events] == [CardRead]
    assert states == [DeviceState.READY]


WIRED = Trial(pins="mock?m0=22&m1=27")  # some switch their mode by pins only


def test_every_kind_is_found_and_its_urls_are_described() -> None:
    for role, drivers in ROLES.items():
        for kind, driver in drivers.items():
            trial = WIRED if role is Role.RADIO and kind in EBYTE_KINDS else NO_TRIAL
            device = find_device(kind, "x", trial)
            assert (device.role, device.driver, device.url) == (role, driver, "x")
            assert driver.open in URL_FORMS
    assert set(ROLES) == set(Role)
