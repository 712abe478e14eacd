"""The simulated Meshtastic node against its digest, by hand-made bytes."""

import asyncio

from sim.clock import Run
from sim.devices.meshtastic import BOOT_S, HOST_GONE_S
from tests.mesh_rigs import FAMILIES, MeshRig
from tests.radio_rigs import Ether

ASK = bytes.fromhex("94c3 0004 18 ac9e04")
COMPLETE = bytes.fromhex("94c3 0004 38 ac9e04")
BEAT = bytes.fromhex("94c3 0002 3a00")
IDLE = bytes.fromhex("94c3 0006 5a04 1010 1810")
TO_ALL = "94c3 0016 0a14 15ffffffff 2208 088002 1203aabbcc 35{}000000"


class Host:
    """The other end of the cable."""

    def __init__(self, rig: MeshRig) -> None:
        self._port = rig.cable.host

    async def say(self, data: bytes) -> bytes:
        """What the node says within a second."""
        await self._port.write(data)
        return await self.hear(1.0)

    async def hear(self, for_s: float) -> bytes:
        heard = b""
        try:
            async with asyncio.timeout(for_s):
                while True:
                    heard += await self._port.read()
        except TimeoutError:
            return heard


async def started(ether: Ether, name: str) -> tuple[MeshRig, Host, "asyncio.Task[None]"]:
    rig = FAMILIES["meshtastic"].rig(ether, name)
    modem = asyncio.create_task(rig.modem.run())
    await asyncio.sleep(0)
    return rig, Host(rig), modem


def test_packets_come_after_the_configuration_and_while_the_host_lives(run: Run) -> None:
    async def main() -> None:
        ether = Ether()
        _, left, one = await started(ether, "left")
        rig, right, two = await started(ether, "right")
        assert await right.say(BEAT) == IDLE
        assert not rig.modem.gives_packets
        queued = await left.say(bytes.fromhex(TO_ALL.format("01")))
        assert queued == bytes.fromhex("94c3 0008 5a06 100f 1810 2001")
        told = await right.say(ASK)
        assert told.startswith(b"\x94\xc3")
        before, _, after = told.partition(COMPLETE)
        assert b"2.8.0.7754068" in before
        assert b"\xaa\xbb\xcc" in after
        assert b"\xaa\xbb\xcc" not in before
        await asyncio.sleep(HOST_GONE_S)
        await left.say(bytes.fromhex(TO_ALL.format("02")))
        assert await right.hear(1.0) == b""
        for task in (one, two):
            task.cancel()

    run(main())


def test_an_id_given_twice_is_dropped_without_a_word(run: Run) -> None:
    async def main() -> None:
        ether = Ether()
        _, host, modem = await started(ether, "it")
        packet = bytes.fromhex(TO_ALL.format("01"))
        assert await host.say(packet)
        assert await host.say(packet) == b""
        assert len(ether.sent) == 1
        modem.cancel()

    run(main())


def test_damage_before_and_between_messages_is_skipped(run: Run) -> None:
    async def main() -> None:
        _, host, modem = await started(Ether(), "it")
        noise = b"AT\r\n\x94\x94\x00" + bytes.fromhex("94c3 ffff") + bytes.fromhex("94c3 0002 0a7f")
        assert await host.say(noise + BEAT) == IDLE
        modem.cancel()

    run(main())


def test_a_restart_is_text_and_forgets_the_host(run: Run) -> None:
    async def main() -> None:
        rig, host, modem = await started(Ether(), "it")
        await host.say(ASK)
        assert rig.modem.gives_packets
        restart = asyncio.create_task(rig.modem.lose_power())
        text = await host.hear(BOOT_S + 1)
        assert text.startswith(b"rst:0x1")
        await restart
        assert not rig.modem.gives_packets
        assert await host.say(BEAT) == IDLE
        modem.cancel()

    run(main())
