"""The simulated PN532 against the frames of hw/pn532.md, byte for byte."""

import asyncio

import pytest

from sim.clock import Run
from sim.devices.pn532 import SimPn532
from sim.devices.tag import NtagTag, Tag, Type4Tag, text_record
from sim.memory import MemoryCable

WAKE = "55 55" + " 00" * 14
SAM = "00 00 FF 05 FB D4 14 01 14 01 02 00"
FIRMWARE = "00 00 FF 02 FE D4 02 2A 00"
LIST = "00 00 FF 04 FC D4 4A 01 00 E1 00"
FEW_RETRIES = "00 00 FF 06 FA D4 32 05 FF 01 02 F3 00"
FIELD_OFF = "00 00 FF 04 FC D4 32 01 00 F9 00"
RELEASE = "00 00 FF 03 FD D4 52 00 DA 00"
READ_3 = "00 00 FF 05 FB D4 40 01 30 03 B8 00"

ACK = "00 00 FF 00 FF 00"
NACK = "00 00 FF FF 00 00"
SAM_DONE = "00 00 FF 02 FE D5 15 16 00"
CONFIGURED = "00 00 FF 02 FE D5 33 F8 00"
VERSION_1_6 = "00 00 FF 06 FA D5 03 32 01 06 07 E8 00"
NO_TAG = "00 00 FF 03 FD D5 4B 00 E0 00"
NTAG = "00 00 FF 0F F1 D5 4B 01 01 00 44 00 07 04 11 22 33 44 55 66 2A 00"
CHIP_CARD = "00 00 FF 15 EB D5 4B 01 01 03 44 20 07 04 11 22 33 44 55 66 06 75 77 81 02 80 12 00"
RELEASED = "00 00 FF 03 FD D5 53 00 D8 00"
TIMED_OUT = "00 00 FF 03 FD D5 41 01 E9 00"
NO_TARGET = "00 00 FF 03 FD D5 41 27 C3 00"
SYNTAX_ERROR = "00 00 FF 01 FF 7F 81 00"

UID = bytes.fromhex("04112233445566")


class Bench:
    def __init__(self, tag: Tag | None = None) -> None:
        self._cable = MemoryCable()
        self.sim = SimPn532(self._cable.device)
        if tag is not None:
            self.sim.present(tag)
        self._chip = asyncio.create_task(self.sim.run())

    async def send(self, frame: str) -> None:
        await self._cable.host.write(bytes.fromhex(frame))

    async def heard(self, wait_s: float = 1.0) -> str:
        await asyncio.sleep(wait_s)
        try:
            async with asyncio.timeout(0):
                return (await self._cable.host.read()).hex(" ").upper()
        except TimeoutError:
            return ""

    async def expect(self, frame: str, *answers: str) -> None:
        await self.send(frame)
        assert await self.heard() == " ".join(answers)

    async def set_up(self) -> None:
        await self.expect(f"{WAKE} {SAM}", ACK, SAM_DONE)
        await self.expect(FEW_RETRIES, ACK, CONFIGURED)

    def close(self) -> None:
        self._chip.cancel()


def test_the_frames_of_the_sheet(run: Run) -> None:
    async def main() -> None:
        bench = Bench()
        await bench.set_up()
        await bench.expect(FIRMWARE, ACK, VERSION_1_6)
        await bench.expect(LIST, ACK, NO_TAG)
        bench.sim.present(NtagTag(UID, None))
        await bench.expect(LIST, ACK, NTAG)
        await bench.expect(RELEASE, ACK, RELEASED)
        bench.sim.present(Type4Tag(UID, None))
        await bench.expect(LIST, ACK, CHIP_CARD)
        bench.close()

    run(main())


def test_it_sleeps_until_it_is_woken(run: Run) -> None:
    async def main() -> None:
        bench = Bench()
        await bench.expect(FIRMWARE)
        await bench.expect(f"{WAKE} {FIRMWARE}", ACK, VERSION_1_6)
        bench.close()

    run(main())


def test_without_a_limit_a_search_waits_for_ever(run: Run) -> None:
    async def main() -> None:
        bench = Bench()
        await bench.expect(f"{WAKE} {SAM}", ACK, SAM_DONE)
        await bench.expect(LIST, ACK)
        assert await bench.heard(3600) == ""
        bench.sim.present(NtagTag(UID, None))
        assert await bench.heard() == NTAG
        bench.close()

    run(main())


def test_an_ack_from_the_host_ends_the_search(run: Run) -> None:
    async def main() -> None:
        bench = Bench()
        await bench.expect(f"{WAKE} {SAM}", ACK, SAM_DONE)
        await bench.expect(LIST, ACK)
        await bench.expect(ACK)
        bench.sim.present(NtagTag(UID, None))
        assert await bench.heard() == ""
        await bench.expect(LIST, ACK, NTAG)
        bench.close()

    run(main())


def test_a_nack_from_the_host_brings_the_answer_again(run: Run) -> None:
    async def main() -> None:
        bench = Bench()
        await bench.expect(f"{WAKE} {FIRMWARE}", ACK, VERSION_1_6)
        await bench.expect(NACK, VERSION_1_6)
        bench.close()

    run(main())


def test_a_selected_tag_misses_the_next_search_unless_its_power_was_off(run: Run) -> None:
    async def main() -> None:
        bench = Bench(NtagTag(UID, None))
        await bench.set_up()
        await bench.expect(LIST, ACK, NTAG)
        await bench.expect(LIST, ACK, NO_TAG)
        await bench.expect(LIST, ACK, NTAG)
        await bench.expect(FIELD_OFF, ACK, CONFIGURED)
        await bench.expect(LIST, ACK, NTAG)
        bench.close()

    run(main())


def test_pages_of_a_tag(run: Run) -> None:
    async def main() -> None:
        bench = Bench(NtagTag(UID, text_record("Hello")))
        await bench.set_up()
        await bench.expect(READ_3, ACK, NO_TARGET)
        await bench.expect(LIST, ACK, NTAG)
        await bench.expect(
            READ_3,
            ACK,
            "00 00 FF 13 ED D5 41 00",
            "E1 10 12 00 03 0C D1 01 08 54 02 65 6E 48 65 6C",
            "BC 00",
        )
        bench.sim.remove()
        await bench.expect(READ_3, ACK, NO_TARGET)
        bench.close()

    run(main())


def test_a_page_that_is_not_there_is_a_timeout(run: Run) -> None:
    async def main() -> None:
        bench = Bench(NtagTag(UID, None))
        await bench.set_up()
        await bench.expect(LIST, ACK, NTAG)
        await bench.expect("00 00 FF 05 FB D4 40 01 30 F0 CB 00", ACK, TIMED_OUT)
        bench.close()

    run(main())


@pytest.mark.parametrize(
    ("frame", "answers"),
    [
        ("00 00 FF 02 FE D4 99 93 00", (ACK, SYNTAX_ERROR)),  # no such command
        ("00 00 FF 02 FE D5 02 29 00", (ACK, SYNTAX_ERROR)),  # not from a host
        ("00 00 FF 02 FE D4 02 2B 00", ()),  # wrong DCS
        ("00 00 FF 02 FD D4 02 2A 00", ()),  # wrong LCS
        ("00 00 FF FF FF 00 02 FE D4 02 2A 00", (ACK, VERSION_1_6)),  # the long form
        (f"AA 00 FF {FIRMWARE}", (ACK, VERSION_1_6)),  # behind noise
        (f"00 00 FF 09 F7 D4 {FIRMWARE}", (ACK, VERSION_1_6)),  # behind half a frame
    ],
)
def test_odd_frames(run: Run, frame: str, answers: tuple[str, ...]) -> None:
    async def main() -> None:
        bench = Bench()
        await bench.expect(f"{WAKE} {SAM}", ACK, SAM_DONE)
        await bench.expect(frame, *answers)
        await bench.expect(FIRMWARE, ACK, VERSION_1_6)  # it is itself again
        bench.close()

    run(main())
