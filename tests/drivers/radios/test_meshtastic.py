"""What the contract does not say of the Meshtastic driver: settings, refusals, restarts."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from drivers.errors import (
    DeviceRefused,
    DeviceSilent,
    DriverConfigError,
    DriverError,
    OtherDevice,
    TransientDriverError,
)
from drivers.radios.meshtastic import MeshtasticRadio
from drivers.radios.meshtastic_settings import PRESETS, REGIONS, MeshSettings
from drivers.radios.site import PresetName
from sim.air.lora import LoraSettings, airtime_s
from sim.clock import Run
from sim.devices import meshtastic_memory
from sim.devices.meshtastic import HOST_GONE_S
from sim.devices.meshtastic_memory import NodeSettings
from sim.memory import MemoryCable
from tests.mesh_rigs import EU_NODE, EU_SITE, FAMILIES, NODE, SITE, MeshFamily, MeshRig
from tests.radio_rigs import Ether, in_use

MESH = FAMILIES["meshtastic"]
BEFORE_SIGNATURES = FAMILIES["meshtastic before 2.8"]


def pair(family: MeshFamily = MESH) -> tuple[Ether, MeshRig, MeshRig]:
    ether = Ether()
    return ether, family.rig(ether, "left"), family.rig(ether, "right")


async def set_up(*rigs: MeshRig) -> None:
    await asyncio.gather(*(rig.ready for rig in rigs))


async def end_of(family: MeshFamily) -> DriverError:
    rig = family.rig(Ether(), "it")
    modem = asyncio.create_task(rig.modem.run())
    with pytest.raises(DriverError) as ended:
        await rig.use()
    modem.cancel()
    return ended.value


def test_the_tables_are_those_of_the_simulator() -> None:
    """Both were written from the digest, each on its own."""
    theirs = meshtastic_memory.PRESETS
    for name, preset in PRESETS.items():
        it = theirs[name]
        assert (preset.number, preset.spreading_factor) == (it.number, it.spreading_factor)
        assert (preset.bandwidth_hz, preset.coding_rate) == (it.bandwidth_hz, it.coding_rate)
    for region in REGIONS.values():
        rules = meshtastic_memory.REGIONS[region.name]
        assert rules is not None
        assert region.number == rules.number
        assert (region.low_hz / 1e6, region.high_hz / 1e6) == (rules.low_mhz, rules.high_mhz)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"region": "US"}, "its region is US; it must be CN"),
        ({"region": "UNSET"}, "its region is not set"),
        ({"preset": "LONG_FAST"}, "not MEDIUM_FAST"),
        ({"coding_rate": 8}, "4/8"),
        ({"slot": 0}, "channel's name"),
        ({"slot": 4}, "it is at 470.875 MHz; it must be at 470.625"),
        ({"override_mhz": 480.0}, "480.000 MHz"),
        ({"power_dbm": 0}, "its power is 19 dBm; it must be 14"),
        ({"may_send": False}, "transmitter is off"),
        ({"ignores_duty_cycle": True}, "duty cycle"),
    ],
    ids=str,
)
def test_a_node_set_otherwise_is_refused_with_the_difference(
    run: Run, change: dict[str, object], words: str
) -> None:
    node = replace(NODE, **change)  # type: ignore[arg-type]  # a table of changes

    async def main() -> None:
        ended = await end_of(replace(MESH, node=node))
        assert type(ended) is DeviceRefused
        assert words in str(ended)

    run(main())


@pytest.mark.parametrize(
    ("site", "node"),
    [
        (SITE, replace(NODE, slot=0, override_mhz=470.625)),
        (SITE, replace(NODE, coding_rate=5)),
        (replace(EU_SITE, preset="LONG_FAST"), replace(EU_NODE, preset="LONG_FAST")),
        # the only slot there is
        (EU_SITE, replace(EU_NODE, override_mhz=0.0)),
    ],
    ids=str,
)
def test_a_node_that_is_right_by_other_means_serves(
    run: Run, site: MeshSettings, node: NodeSettings
) -> None:
    async def main() -> None:
        rig = MeshFamily(site, node).rig(Ether(), "it")
        async with in_use(rig):
            said = await rig.ready
        assert said == f"Meshtastic 2.8.0.7754068, {site.frequency_hz / 1e6:.3f} MHz"

    run(main())


def test_no_node_has_no_power() -> None:
    with pytest.raises(DriverConfigError, match="0 dBm"):
        replace(SITE, power_dbm=0)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("size", [1, 100, 165, 231])
def test_airtime_is_that_of_a_signed_packet(run: Run, preset: PresetName, size: int) -> None:
    """And within a byte: a short frame's length takes one less than is counted."""
    site, node = replace(SITE, preset=preset), replace(NODE, preset=preset, slot=0)
    lora = replace(node, override_mhz=470.625).lora
    assert lora is not None

    async def main() -> None:
        ether = Ether()
        rig = MeshFamily(site, replace(node, override_mhz=470.625)).rig(ether, "it")
        async with in_use(rig):
            await rig.ready
            await rig.radio.send(bytes(size))
            await asyncio.sleep(2)
        ((_, packet, *_),) = ether.sent
        least_s = airtime_s(lora, len(packet))
        most_s = airtime_s(lora, min(len(packet) + 1, 255))
        assert least_s - 1e-9 <= rig.radio.airtime_s(size) <= most_s + 1e-9

    run(main())


def test_airtime_never_falls_below_that_of_an_unsigned_packet() -> None:
    lora = EU_NODE.lora
    assert isinstance(lora, LoraSettings)
    for size in range(1, 232):
        assert EU_SITE.airtime_s(size) >= airtime_s(lora, min(255, 24 + size))


def test_nobody_is_asked_to_relay_or_to_answer(run: Run) -> None:
    async def main() -> None:
        ether, left, right = pair()
        async with in_use(left, right):
            await left.radio.send(b"hello")
            await asyncio.sleep(2)
        ((_, packet, *_),) = ether.sent
        assert packet[:4] == b"\xff\xff\xff\xff"
        assert packet[12] == 0, "hop limit, want_ack, hop start"

    run(main())


def test_another_channels_packets_are_none_of_ours(run: Run) -> None:
    async def main() -> None:
        ether = Ether()
        left = replace(MESH, node=replace(NODE, channel="others")).rig(ether, "left")
        right = MESH.rig(ether, "right")
        async with in_use(left, right):
            await set_up(left, right)
            await left.radio.send(b"not for you")
            await asyncio.sleep(2)
            assert len(ether.sent) == 1
            assert right.frames == []

    run(main())


def test_a_node_left_alone_for_hours_still_gives_what_it_hears(run: Run) -> None:
    """Without a heartbeat it would take us for gone."""

    async def main() -> None:
        _, left, right = pair()
        async with in_use(left, right):
            await set_up(left, right)
            for beat in range(3):
                await asyncio.sleep(HOST_GONE_S + 7)
                assert right.modem.gives_packets
                await left.radio.send(bytes([beat]))
            await asyncio.sleep(1)
            assert right.frames == [b"\0", b"\1", b"\2"]

    run(main())


def test_a_restarted_node_is_noticed_by_its_text_and_asked_again(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        _, left, right = pair()
        async with in_use(left, right):
            await set_up(left, right)
            await right.modem.lose_power()
            await asyncio.sleep(10)
            assert right.modem.gives_packets
            await left.radio.send(b"heard")
            await right.radio.send(b"and answered")
            await asyncio.sleep(1)
            assert (left.frames, right.frames) == ([b"and answered"], [b"heard"])

    run(main())
    assert {record.message for record in caplog.records} == {
        "Meshtastic 2.8.0.7754068: it has restarted, or writes text"
    }


def test_a_restart_while_a_frame_waits_is_told_and_survived(run: Run) -> None:
    async def main() -> None:
        ether, left, right = pair()
        async with in_use(left, right):
            await set_up(left, right)
            ether.noise_from_s = 0.0
            sending = asyncio.create_task(left.radio.send(b"lost"))
            await asyncio.sleep(0.5)
            await left.modem.lose_power()
            ether.noise_from_s = float("inf")
            await asyncio.sleep(100)
            assert sending.done()  # an empty queue says nothing of what became of it
            await left.radio.send(b"next")
            await asyncio.sleep(1)
            assert right.frames == [b"next"]

    run(main())


def test_the_queue_of_a_node_on_a_taken_channel_is_waited_for(run: Run) -> None:
    async def main() -> None:
        ether, left, right = pair()
        now_s = asyncio.get_running_loop().time
        async with in_use(left, right):
            await set_up(left, right)
            ether.noise_from_s = began_s = now_s()
            sending = asyncio.create_task(left.radio.send(b"patient"))
            await asyncio.sleep(20)
            assert not sending.done()
            ether.noise_from_s = float("inf")
            await sending
            await asyncio.sleep(1)
            assert right.frames == [b"patient"]
            ether.noise_from_s = now_s()
            with pytest.raises(TransientDriverError, match="get rid of"):
                await left.radio.send(b"never")
            assert now_s() - began_s < 120

    run(main())


def test_a_queue_that_is_full_and_a_duty_cycle_that_is_spent_are_told(run: Run) -> None:
    async def main() -> None:
        ether, left, _ = pair(BEFORE_SIGNATURES)
        ether.airtime_s = lambda _: 0.01
        async with in_use(left):
            await left.ready
            ether.noise_from_s = 0.0
            for _ in range(16):
                sending = asyncio.create_task(left.radio.send(b"waits"))
                await asyncio.sleep(0.05)
                sending.cancel()
            with pytest.raises(TransientDriverError, match="queue is full"):
                await left.radio.send(b"one too many")
            ether.noise_from_s = float("inf")
            await asyncio.sleep(10)
            spends = bytes(left.radio.max_frame_bytes)
            longest_s = left.radio.airtime_s(len(spends))

            async def pour(seconds: float) -> None:
                for _ in range(int(seconds / longest_s)):
                    await left.radio.send(spends)

            await pour(355)  # a tenth of the hour, nearly
            with pytest.raises(TransientDriverError, match="duty cycle"):
                await pour(10)

    run(main())


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda _: b"", DeviceSilent),
        (lambda said: said, OtherDevice),  # a loop
        (lambda _: b"$GNGGA,,,,,,0,,,,,,,,*78\r\n", OtherDevice),
        (lambda _: bytes.fromhex("94c3 0004 38ac9e04"), OtherDevice),  # tells no settings
    ],
)
def test_what_is_no_node(
    run: Run, answer: Callable[[bytes], bytes], error: type[DriverError]
) -> None:
    async def main() -> None:
        cable = MemoryCable()

        async def reply() -> None:
            while True:
                if said := answer(await cable.device.read()):
                    await cable.device.write(said)

        other = asyncio.create_task(reply())
        with pytest.raises(DriverError) as ended:
            async for _ in MeshtasticRadio(cable.host, settings=SITE).heard():
                pass
        assert type(ended.value) is error
        other.cancel()

    run(main())


def test_a_node_that_falls_silent_is_noticed(run: Run) -> None:
    async def main() -> None:
        _, left, _ = pair()
        async with in_use(left):
            await left.ready
            left.modem.die()
            await asyncio.sleep(400)

    with pytest.raises(DeviceSilent, match="stopped answering"):
        run(main())
