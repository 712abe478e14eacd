"""The simulated card reader against the tables of hw/sdt-reader.md, byte for byte."""

import asyncio

import pytest

from sim.clock import Run
from sim.devices.card import Card
from sim.devices.idreader import PHOTO, ReadMoment, SimIdReader
from sim.memory import MemoryCable

PREAMBLE = "AA AA AA 96 69 "
STATUS = PREAMBLE + "00 03 11 FF ED"
RESET = PREAMBLE + "00 03 10 FF EC"
SAM_ID = PREAMBLE + "00 03 12 FF EE"
FIND = PREAMBLE + "00 03 20 01 22"
SELECT = PREAMBLE + "00 03 20 02 21"
READ = PREAMBLE + "00 03 30 01 32"
READ_WITH_FINGERPRINTS = PREAMBLE + "00 03 30 10 23"
READ_ADDRESS = PREAMBLE + "00 03 30 03 30"
READ_MANAGEMENT_NUMBER = PREAMBLE + "00 03 30 05 36"

OK = PREAMBLE + "00 04 00 00 90 94"
FOUND = PREAMBLE + "00 08 00 00 9F 00 00 00 00 97"
NO_CARD = PREAMBLE + "00 04 00 00 80 84"
SELECTED = PREAMBLE + "00 0C 00 00 90 00 00 00 00 00 00 00 00 9C"
SELECT_FAILED = PREAMBLE + "00 04 00 00 81 85"
READ_FAILED = PREAMBLE + "00 04 00 00 41 45"

CARD = Card(number="11010519491231002X", name="张三丰")
OTHER = Card(number="440308199901101512", name="李四")


class Bench:
    def __init__(self) -> None:
        self._cable = MemoryCable()
        self.sim = SimIdReader(self._cable.device)
        self._module = asyncio.create_task(self.sim.run())

    async def ask(self, frame: str) -> bytes:
        await self._cable.host.write(bytes.fromhex(frame))
        return await self._cable.host.read()

    async def expect(self, frame: str, reply: str) -> None:
        assert (await self.ask(frame)).hex(" ").upper() == reply

    async def read(self, frame: str = READ) -> bytes:
        await self.expect(FIND, FOUND)
        await self.expect(SELECT, SELECTED)
        return await self.ask(frame)

    def close(self) -> None:
        self._module.cancel()


@pytest.mark.parametrize(
    ("frame", "reply"),
    [
        (STATUS, OK),
        (RESET, OK),
        (FIND, NO_CARD),
        (SELECT, SELECT_FAILED),
        (READ, READ_FAILED),
        (READ_WITH_FINGERPRINTS, READ_FAILED),
        (PREAMBLE + "00 03 60 00 63", OK),
        (PREAMBLE + "00 03 60 01 62", OK),
        (PREAMBLE + "00 03 60 02 61", OK),
        (PREAMBLE + "00 03 60 03 60", OK),
        (PREAMBLE + "00 03 60 04 67", OK),
        (PREAMBLE + "00 04 61 FF 50 CA", OK),
        (PREAMBLE + "00 04 61 FF 58 C2", OK),
        (PREAMBLE + "00 03 20 01 23", PREAMBLE + "00 04 00 00 10 14"),  # checksum wrong
        (PREAMBLE + "00 02 20 22", PREAMBLE + "00 04 00 00 11 15"),  # length wrong
        (PREAMBLE + "00 03 61 FF 9D", PREAMBLE + "00 04 00 00 11 15"),  # its byte is missing
        (PREAMBLE + "00 03 20 07 24", PREAMBLE + "00 04 00 00 21 25"),  # no such command
        (PREAMBLE + "00 03 60 05 66", PREAMBLE + "00 04 00 00 21 25"),  # no such rate
        ("00 AA 11 22 " + STATUS, OK),
        ("AA " + STATUS, OK),
    ],
)
def test_one_command_and_its_reply(run: Run, frame: str, reply: str) -> None:
    async def main() -> None:
        bench = Bench()
        await bench.expect(frame, reply)
        bench.close()

    run(main())


def test_a_card_is_found_selected_and_read(run: Run) -> None:
    async def main() -> bytes:
        bench = Bench()
        bench.sim.present(CARD)
        reply = await bench.read()
        bench.close()
        return reply

    reply = run(main())
    assert len(reply) == 1295
    assert reply[:14].hex(" ").upper() == PREAMBLE + "05 08 00 00 90 01 00 04 00"
    assert reply[14:44].decode("utf-16-le").rstrip() == CARD.name
    assert reply[14 + 256 : -1] == PHOTO


@pytest.mark.parametrize(
    ("fingerprints", "size_bytes", "head"),
    [
        (0, 1297, "05 0A 00 00 90 01 00 04 00 00 00"),
        (1, 1809, "07 0A 00 00 90 01 00 04 00 02 00"),
        (2, 2321, "09 0A 00 00 90 01 00 04 00 04 00"),
    ],
)
def test_the_long_read_carries_fingerprints(
    run: Run, fingerprints: int, size_bytes: int, head: str
) -> None:
    async def main() -> bytes:
        bench = Bench()
        bench.sim.present(Card(number=CARD.number, name=CARD.name, fingerprints=fingerprints))
        reply = await bench.read(READ_WITH_FINGERPRINTS)
        bench.close()
        return reply

    reply = run(main())
    assert len(reply) == size_bytes
    assert reply[:16].hex(" ").upper() == PREAMBLE + head


def test_sam_id_and_management_number(run: Run) -> None:
    async def main() -> tuple[bytes, bytes]:
        bench = Bench()
        bench.sim.present(CARD)
        replies = await bench.ask(SAM_ID), await bench.read(READ_MANAGEMENT_NUMBER)
        bench.close()
        return replies

    sam_id, management = run(main())
    assert len(sam_id) == 27
    assert sam_id[:10].hex(" ").upper() == PREAMBLE + "00 14 00 00 90"
    assert management[:10].hex(" ").upper() == PREAMBLE + "00 20 00 00 90"


def test_no_appended_address(run: Run) -> None:
    async def main() -> bytes:
        bench = Bench()
        bench.sim.present(CARD)
        reply = await bench.read(READ_ADDRESS)
        bench.close()
        return reply

    assert run(main()).hex(" ").upper() == PREAMBLE + "00 04 00 00 91 95"


def test_the_order_find_select_read_is_required_each_time(run: Run) -> None:
    async def main() -> None:
        bench = Bench()
        bench.sim.present(CARD)
        await bench.expect(READ, READ_FAILED)
        await bench.expect(SELECT, SELECT_FAILED)
        await bench.expect(FIND, FOUND)
        await bench.expect(READ, READ_FAILED)
        await bench.read()
        await bench.expect(READ, READ_FAILED)
        bench.close()

    run(main())


def test_the_find_after_a_read_misses_the_card_once(run: Run) -> None:
    async def main() -> None:
        bench = Bench()
        bench.sim.present(CARD)
        await bench.read()
        await bench.expect(FIND, NO_CARD)
        await bench.read()
        bench.sim.present(OTHER)  # but another card is found at once
        await bench.read()
        bench.close()

    run(main())


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_card_lifted_or_swapped_half_way_is_not_read(run: Run, steps: int) -> None:
    async def main(*, swap: bool) -> None:
        bench = Bench()
        bench.sim.present(CARD)
        for frame in (FIND, SELECT)[:steps]:
            await bench.ask(frame)
        if swap:
            bench.sim.present(OTHER)
        else:
            bench.sim.remove()
        await bench.expect(READ, READ_FAILED)
        bench.close()

    run(main(swap=False))
    run(main(swap=True))


def test_a_new_rate_holds_from_the_byte_after_the_answer(run: Run) -> None:
    async def main() -> None:
        cable = MemoryCable()
        told: list[tuple[int, bytes]] = []
        sim = SimIdReader(
            cable.device, on_baud=lambda baud: told.append((baud, bytes(cable.host.received)))
        )
        module = asyncio.create_task(sim.run())
        await cable.host.write(bytes.fromhex(PREAMBLE + "00 03 60 04 67"))
        assert (await cable.host.read()).hex(" ").upper() == OK
        assert told == [(9600, bytes.fromhex(OK))]
        assert sim.baud == 9600
        module.cancel()

    run(main())


def test_half_a_command_is_forgotten(run: Run) -> None:
    async def main() -> None:
        bench = Bench()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(bench.ask(PREAMBLE + "00 03 20"), timeout=2)
        await bench.expect(STATUS, OK)
        bench.close()

    run(main())


def test_two_commands_in_one_write_get_two_replies(run: Run) -> None:
    async def main() -> bytes:
        bench = Bench()
        replies = await bench.ask(STATUS + FIND)
        await asyncio.sleep(1)
        bench.close()
        return replies

    assert run(main()).hex(" ").upper() == OK + " " + NO_CARD


def test_a_broken_module_says_so_to_everything(run: Run) -> None:
    async def main() -> None:
        bench = Bench()
        broken = PREAMBLE + "00 04 00 00 60 64"
        bench.sim.break_module(bytes.fromhex("00 00 60"), cured_by_reset=True)
        await bench.expect(STATUS, broken)
        await bench.expect(FIND, broken)
        await bench.expect(RESET, OK)
        await bench.expect(STATUS, OK)
        bench.sim.break_module(bytes.fromhex("00 00 60"), cured_by_reset=False)
        await bench.expect(RESET, broken)
        bench.close()

    run(main())


def test_a_story_is_woken_before_the_first_byte_and_after_the_last(run: Run) -> None:
    async def main() -> list[str]:
        bench = Bench()
        order: list[str] = []

        async def tell(moment: ReadMoment) -> None:
            await bench.sim.read_moment(moment, CARD)
            order.append(moment.name)

        bench.sim.present(CARD)
        bench.sim.fail_reads(bytes.fromhex("00 00 41"))
        async with asyncio.TaskGroup() as tasks:
            for moment in ReadMoment:
                tasks.create_task(tell(moment))
            await bench.read()
            assert bench.sim.reads_sent == 0
            await bench.read()
            order.append("host has it")
        bench.close()
        return order

    order = run(main())
    assert order[:2] == ["FAILED", "STARTED"]
    assert set(order[2:]) == {"SENT", "host has it"}
