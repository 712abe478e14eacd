"""Simulated EByte modems on the simulated air: what one host gives, another gets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sim.air.air import Air
from sim.air.antenna import Signal
from sim.air.client import join_air
from sim.air.hearing import Hearing, Outcome
from sim.air.judge import Judge
from sim.air.lora import LoraSettings, noise_floor_dbm
from sim.air.medium import Medium
from sim.air.regions import CN470
from sim.air.server import AirServer
from sim.air.terrain import Link, Terrain
from sim.clock import Run
from sim.control import obey
from sim.devices.e22_memory import Facts
from sim.e22_antenna import E22Antenna, lora_settings
from sim.memory import MemoryCable
from sim.modem_rig import ModemRig

NEAR_DB, FAR_DB = 90.0, 110.0  # at 17 dBm: -73 and -93 dBm
SET_UP = "C0 00 09 00 00 00 {air:02X} 01 3D {reg3:02X} 00 00"  # 471.125 MHz, 17 dBm
SET_TO = "AUX high, 471.125 MHz, SF9/125 kHz, 17 dBm"
RSSI_BYTE, LISTENS_FIRST = 0x80, 0x10


@dataclass
class Host:
    """A modem that runs, with the host's end of its cable."""

    rig: ModemRig
    cable: MemoryCable

    async def set_up(self, *, air: int = 0x62, reg3: int = RSSI_BYTE | LISTENS_FIRST) -> None:
        for line in ("pins 10", "pins 00"):
            assert await obey(self.rig.verbs(), line) == "ok"
            await asyncio.sleep(0.1)
            if line == "pins 10":
                await self.cable.host.write(bytes.fromhex(SET_UP.format(air=air, reg3=reg3)))
                await asyncio.sleep(0.1)
                assert (await self.cable.host.read())[0] == 0xC1

    async def hear(self) -> bytes:
        async with asyncio.timeout(60):
            return await self.cable.host.read()

    async def hears_nothing(self) -> bool:
        try:
            async with asyncio.timeout(5):
                await self.cable.host.read()
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def modem(kind: str = "e22") -> AsyncIterator[Host]:
    cable = MemoryCable()
    rig = ModemRig(kind, cable.device)
    running = asyncio.create_task(rig.modem.run())
    try:
        yield Host(rig, cable)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def attach(air: Air, name: str, host: Host) -> None:
    host.rig.antenna.antenna = air.attach(name, host.rig.antenna.take)


def air_of(heard: list[Hearing], level_db: float = FAR_DB, loss_chance: float = 0.0) -> Air:
    terrain = Terrain(level_db=level_db, loss_chance=loss_chance)
    return Air(Medium(terrain, judge=Judge(CN470)), witness=heard.append)


@asynccontextmanager
async def pair(air: Air) -> AsyncIterator[tuple[Host, Host]]:
    async with modem() as left, modem() as right:
        for name, host in (("left", left), ("right", right)):
            attach(air, name, host)
            await host.set_up()
        yield left, right


def test_a_packet_crosses_the_air_with_its_rssi_and_breaks_no_law(run: Run) -> None:
    async def main() -> None:
        heard: list[Hearing] = []
        async with pair(air_of(heard)) as (left, right):
            await left.cable.host.write(b"over the hill")
            assert await right.hear() == b"over the hill" + bytes([256 - 93])
        (hearing,) = heard
        sent = hearing.transmission
        assert (sent.sender, sent.breaches, hearing.listener) == ("left", (), "right")
        assert sent.settings == LoraSettings(
            frequency_hz=471_125_000, spreading_factor=9, power_dbm=17
        )

    run(main())


@pytest.mark.parametrize("code", range(8))
def test_every_air_rate_is_heard_by_its_like_and_by_no_other(run: Run, code: int) -> None:
    async def main() -> None:
        async with pair(air_of([])) as (left, right):
            await left.set_up(air=0x60 | code)
            await left.cable.host.write(b"x")
            assert await right.hears_nothing() is (code != 2)
            await right.set_up(air=0x60 | code)
            await left.cable.host.write(b"y")
            assert (await right.hear())[:1] == b"y"

    run(main())


def test_of_a_damaged_frame_nothing_is_given_out(run: Run) -> None:
    async def main() -> None:
        heard: list[Hearing] = []
        async with pair(air_of(heard, loss_chance=1.0)) as (left, right):
            await left.cable.host.write(b"x")
            assert await right.hears_nothing()
        assert [each.outcome for each in heard] == [Outcome.FADED]

    run(main())


@pytest.mark.parametrize(
    ("level_db", "outcomes"),
    [
        (NEAR_DB, [Outcome.RECEIVED, Outcome.RECEIVED]),
        (FAR_DB, [Outcome.HALF_DUPLEX, Outcome.HALF_DUPLEX]),
    ],
)
def test_a_modem_waits_for_what_is_loud_enough(
    run: Run, level_db: float, outcomes: list[Outcome]
) -> None:
    async def main() -> None:
        heard: list[Hearing] = []
        async with pair(air_of(heard, level_db)) as (left, right):
            await left.cable.host.write(bytes(100))
            await asyncio.sleep(0.2)
            await right.cable.host.write(b"me too")
            await asyncio.sleep(5)
        assert [each.outcome for each in heard] == outcomes
        assert not any(each.transmission.breaches for each in heard)

    run(main())


def test_a_modem_that_sends_is_asked_how_noisy_it_is(run: Run) -> None:
    async def main() -> None:
        side = E22Antenna()
        side.antenna = air_of([]).attach("it", side.take)
        facts = ModemRig("e22", MemoryCable().device).modem.memory.facts
        sending = asyncio.create_task(side.send(bytes(50), facts))
        await asyncio.sleep(0.01)
        assert await side.level_dbm(facts) == noise_floor_dbm(facts.bandwidth_hz)
        assert await side.is_taken(facts)
        await sending
        assert not await side.is_taken(facts)

    run(main())


def test_without_an_air_a_modem_hears_nothing_and_believes_that_it_sends(run: Run) -> None:
    async def main() -> None:
        async with modem() as host:
            await host.set_up()
            await host.cable.host.write(bytes(100))
            await asyncio.sleep(0.15)  # the line's time
            assert await obey(host.rig.verbs(), "aux") == "ok: high"
            host.rig.modem.set_pins(0b10)
            await asyncio.sleep(0.4)  # of 0.57 on the air
            assert await obey(host.rig.verbs(), "state") == f"ok: normal, {SET_TO}"
            await asyncio.sleep(0.2)
            assert await obey(host.rig.verbs(), "state") == f"ok: configuration, {SET_TO}"
            facts = host.rig.modem.memory.facts
            assert await host.rig.antenna.level_dbm(facts) == noise_floor_dbm(125_000)
            assert not await host.rig.antenna.is_taken(facts)

    run(main())


def test_two_processes_worth_of_air_and_its_end(tmp_path: Path) -> None:
    async def main() -> None:
        address = tmp_path / "air"
        async with asyncio.timeout(20), modem() as left, modem() as right:
            async with AirServer(air_of([]), address):
                antennas = [
                    await join_air(address, name, host.rig.antenna.take)
                    for name, host in (("left", left), ("right", right))
                ]
                for host, antenna in zip((left, right), antennas, strict=True):
                    host.rig.antenna.antenna = antenna
                    await host.set_up(air=0x67)
                await left.cable.host.write(b"far away")
                assert await right.hear() == b"far away" + bytes([256 - 93])
            await antennas[0].lost.wait()
            await left.cable.host.write(b"nobody")
            await asyncio.sleep(0.3)
            assert left.rig.antenna.antenna is None
            for antenna in antennas:
                await antenna.close()

    asyncio.run(main())


def test_what_the_sheet_assumes_of_the_other_settings() -> None:
    facts: Facts = ModemRig("e32", MemoryCable().device).modem.memory.facts
    assert lora_settings(replace(facts, spreading_factor=5, bandwidth_hz=500_000)) == LoraSettings(
        frequency_hz=433_000_000, spreading_factor=5, bandwidth_hz=500_000, power_dbm=20
    )


def test_signals_reach_the_modem_whole_or_not_at_all() -> None:
    side, heard = E22Antenna(), list[tuple[bytes, float]]()
    side.hear = lambda frame, rssi_dbm: heard.append((frame, rssi_dbm))
    side.take(Signal(None, -90.0, 20.0))
    side.take(Signal(b"whole", -91.5, 19.0))
    assert heard == [(b"whole", -91.5)]


def test_a_hidden_pair_is_not_waited_for(run: Run) -> None:
    async def main() -> None:
        heard: list[Hearing] = []
        ways = {("left", "right"): Link(path_loss_db=200.0)}
        air = Air(Medium(Terrain(ways, level_db=NEAR_DB)), witness=heard.append)
        async with pair(air) as (left, right), modem() as middle:
            attach(air, "middle", middle)
            await middle.set_up()
            for host in (left, right):
                await host.cable.host.write(bytes(100))
            assert await middle.hears_nothing()
        lost = {each.outcome for each in heard if each.listener == "middle"}
        assert lost == {Outcome.COLLISION}

    run(main())
