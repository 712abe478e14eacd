"""The simulated tag on vpcd, used by a program that is not ours: pyscard, with its own classes."""

import asyncio
import sys

import pytest

from sim.devices.tag import ClassicTag, NtagTag, Tag, Type4Tag, text_record
from sim.devices.vpcd import NoVpcd, SimVpcdCard
from sim.ports import free_port
from tests.pcscd_process import Pcscd

pytestmark = pytest.mark.daemon

UID = bytes.fromhex("04112233445566")
FIRST, SECOND = "Muster Test 00 00", "Muster Test 00 01"
SOON_S = 20.0

# Waits for a card on the reader argv[1], prints its ATR and what it answers to the APDUs behind.
SOMEBODY_S_PROGRAM = """
import sys
from smartcard.CardRequest import CardRequest
from smartcard.System import readers
from smartcard.util import toBytes, toHexString

reader = [each for each in readers() if each.name == sys.argv[1]]
request = CardRequest(readers=reader, timeout=10)
service = request.waitforcard()
connection = service.connection
connection.connect()
print(toHexString(connection.getATR()))
for apdu in sys.argv[2:]:
    data, sw1, sw2 = connection.transmit(toBytes(apdu))
    print(toHexString([*data, sw1, sw2]))
connection.disconnect()
"""


async def told(reader: str, *apdus: str) -> list[str]:
    """What somebody's program prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SOMEBODY_S_PROGRAM, reader, *apdus, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode().splitlines()


async def told_of(tag: Tag, port: int, reader: str, *apdus: str) -> list[str]:
    card = SimVpcdCard(port)
    card.present(tag)
    running = asyncio.create_task(card.run())
    async with asyncio.timeout(SOON_S):
        lines = await told(reader, *apdus)
    assert card.answered >= len(apdus)
    running.cancel()
    return lines


def test_an_ntag(pcscd: Pcscd) -> None:
    with pcscd:
        tag = NtagTag(UID, text_record("Hello"))
        apdus = ["FF CA 00 00 00", "FF B0 00 03 10", "FF B0 00 2D 10", "00 A4 04 00 00"]
        assert asyncio.run(told_of(tag, pcscd.port, FIRST, *apdus)) == [
            "3B 8F 80 01 80 4F 0C A0 00 00 03 06 03 00 03 00 00 00 00 68",
            "04 11 22 33 44 55 66 90 00",
            "E1 10 12 00 03 0C D1 01 08 54 02 65 6E 48 65 6C 90 00",
            "63 00",
            "6E 00",
        ]


def test_a_chip_card_on_the_second_reader(pcscd: Pcscd) -> None:
    with pcscd:
        tag = Type4Tag(UID, text_record("Hello"))
        apdus = [
            "FF CA 00 00 00",
            "00 A4 04 00 07 D2 76 00 00 85 01 01 00",
            "00 A4 00 0C 02 E1 03",
            "00 B0 00 00 0F",
            "00 A4 00 0C 02 E1 04",
            "00 B0 00 00 02",
            "00 B0 00 02 0C",
        ]
        assert asyncio.run(told_of(tag, pcscd.port + 1, SECOND, *apdus)) == [
            "3B 81 80 01 80 80",
            "04 11 22 33 44 55 66 90 00",
            "90 00",
            "90 00",
            "00 0F 20 00 3B 00 34 04 06 E1 04 01 00 00 00 90 00",
            "90 00",
            "00 0C 90 00",
            "D1 01 08 54 02 65 6E 48 65 6C 6C 6F 90 00",
        ]


def test_a_classic_tells_its_identifier_only(pcscd: Pcscd) -> None:
    with pcscd:
        apdus = ["FF CA 00 00 00", "FF B0 00 04 10"]
        assert asyncio.run(told_of(ClassicTag(UID[:4]), pcscd.port, FIRST, *apdus)) == [
            "3B 8F 80 01 80 4F 0C A0 00 00 03 06 03 00 01 00 00 00 00 6A",
            "04 11 22 33 90 00",
            "63 00",
        ]


def test_nobody_listens() -> None:
    with pytest.raises(NoVpcd, match="no vpcd listens"):
        asyncio.run(SimVpcdCard(free_port()).check())
