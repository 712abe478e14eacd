"""What is particular to the SDT reader; what every reader owes is in tests/contract."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from random import Random

import pytest

from drivers.errors import (
    DeviceRefused,
    DeviceSilent,
    DeviceUnauthorised,
    OtherDevice,
    PortGone,
)
from drivers.readers.base import CardRead, CardTrouble, ReaderEvent, TroubleReason
from drivers.readers.sdt import REDO_LIMIT, SdtReader
from drivers.readers.sdt_exchange import SdtExchange
from drivers.readers.sdt_frames import PREAMBLE, Command, Reply
from sim.clock import Run
from sim.devices.card import Card, encode_text_block
from sim.devices.idreader import SAM_ID, ReadMoment, SimIdReader
from sim.memory import MemoryCable

CARD = Card(number="11010519491231002X", name="张三丰")
FRAME_TAIL = bytes(600)
SET_RF = bytes.fromhex("AA AA AA 96 69 00 04 61 FF 50 CA")


class Bench:
    """A reader and its simulator, joined; `watch` collects events for some virtual time."""

    def __init__(self) -> None:
        self.cable = MemoryCable()
        self.sim = SimIdReader(self.cable.device)
        self.ready: list[str] = []
        self.reader = SdtReader(self.cable.host, on_ready=self.ready.append)

    async def watch(self, for_s: float) -> list[ReaderEvent]:
        module = asyncio.create_task(self.sim.run())
        asyncio.get_running_loop().call_later(for_s, self.cable.unplug)
        events: list[ReaderEvent] = []
        try:
            async for event in self.reader.events():
                events += [event]
        except PortGone:
            return events
        finally:
            module.cancel()
        raise AssertionError("events() ended without an error")


@pytest.mark.parametrize(
    ("sw", "reason"),
    [
        ("00 00 31", TroubleReason.CARD_REFUSED_READER),
        ("69 85 31", TroubleReason.CARD_REFUSED_READER),
        ("00 00 32", TroubleReason.POSSIBLY_FORGED),
        ("00 00 33", TroubleReason.INFO_ERROR),
        ("00 00 40", TroubleReason.WRONG_CARD_TYPE),
        ("00 00 41", TroubleReason.HOLD_STILL),
        ("6A 82 47", TroubleReason.HOLD_STILL),
        ("00 00 91", TroubleReason.NOT_READABLE),
        ("00 00 10", TroubleReason.HOLD_STILL),  # our command arrived damaged, every time
    ],
)
def test_a_card_the_module_objects_to_is_one_trouble(
    run: Run, sw: str, reason: TroubleReason
) -> None:
    async def main() -> list[ReaderEvent]:
        bench = Bench()
        bench.sim.present(CARD)
        bench.sim.fail_reads(bytes.fromhex(sw), times=1000)
        return await bench.watch(4.5)

    (event,) = run(main())
    assert isinstance(event, CardTrouble)
    assert event.reason is reason
    assert event.sw in {bytes.fromhex(sw), b""}


@pytest.mark.parametrize("sw", ["00 00 41", "00 00 47"])
def test_failed_reads_are_redone_before_anybody_is_asked(run: Run, sw: str) -> None:
    async def main() -> list[ReaderEvent]:
        bench = Bench()
        bench.sim.present(CARD)
        bench.sim.fail_reads(bytes.fromhex(sw), times=REDO_LIMIT)
        return await bench.watch(2)

    (event,) = run(main())
    assert isinstance(event, CardRead)


async def lift_when_a_read_fails(bench: Bench) -> None:
    bench.sim.fail_reads(bytes.fromhex("00 00 41"))
    await bench.sim.read_moment(ReadMoment.FAILED, CARD)
    bench.sim.remove()


def test_a_card_lifted_before_it_could_be_read_is_asked_back(run: Run) -> None:
    async def main() -> list[ReaderEvent]:
        bench = Bench()
        bench.sim.present(CARD)
        lifting = asyncio.create_task(lift_when_a_read_fails(bench))
        events = await bench.watch(3)
        await lifting
        return events

    assert run(main()) == [CardTrouble(TroubleReason.HOLD_STILL, bytes.fromhex("00 00 41"))]


def test_a_card_lifted_before_it_was_selected_is_asked_back_and_not_called_unreadable(
    run: Run,
) -> None:
    async def main() -> list[ReaderEvent]:
        cable, inner = MemoryCable(), MemoryCable()
        sim = SimIdReader(inner.device)
        sim.present(CARD)

        async def lift_after_the_find() -> None:
            while True:
                asked = await cable.device.read()
                await inner.host.write(asked)
                await cable.device.write(await inner.host.read())
                if asked[7:9] == b"\x20\x01":
                    sim.remove()

        tasks = [asyncio.create_task(sim.run()), asyncio.create_task(lift_after_the_find())]
        asyncio.get_running_loop().call_later(3, cable.unplug)
        events: list[ReaderEvent] = []
        with suppress(PortGone):
            async for event in SdtReader(cable.host).events():
                events += [event]
        for task in tasks:
            task.cancel()
        return events

    assert run(main()) == [CardTrouble(TroubleReason.HOLD_STILL, bytes.fromhex("00 00 81"))]


def test_a_card_lifted_while_it_is_read_once_more_is_no_trouble(run: Run) -> None:
    async def main() -> list[ReaderEvent]:
        bench = Bench()
        bench.sim.present(CARD)

        async def lift_during_the_second_read() -> None:
            await bench.sim.was_read(CARD)
            await lift_when_a_read_fails(bench)

        lifting = asyncio.create_task(lift_during_the_second_read())
        events = await bench.watch(6)
        await lifting
        return events

    (event,) = run(main())
    assert isinstance(event, CardRead)


def test_identity_is_known_once_ready(run: Run) -> None:
    async def main() -> Bench:
        bench = Bench()
        assert bench.reader.identity is None
        await bench.watch(1)
        return bench

    bench = run(main())
    assert bench.reader.identity == "05.03-20160817-0001234567-0987654321"
    assert bench.ready == [f"SAM {bench.reader.identity}"]
    assert len(SAM_ID) == 16


@pytest.mark.parametrize(
    ("sw", "kind", "meaning"),
    [
        ("00 00 60", DeviceRefused, "self-test"),
        ("00 00 66", DeviceUnauthorised, "not authorised"),
    ],
)
def test_a_broken_module_is_reset_once_and_then_refused(
    run: Run, sw: str, kind: type[DeviceRefused], meaning: str
) -> None:
    async def main() -> None:
        bench = Bench()
        bench.sim.break_module(bytes.fromhex(sw), cured_by_reset=False)
        with pytest.raises(DeviceRefused, match=meaning) as raised:
            await bench.watch(60)
        assert raised.type is kind

    run(main())


def test_a_module_that_a_reset_cures_reads_on(run: Run) -> None:
    async def main() -> list[ReaderEvent]:
        bench = Bench()
        bench.sim.break_module(bytes.fromhex("00 00 60"), cured_by_reset=True)
        bench.sim.present(CARD)
        return await bench.watch(10)

    assert len(run(main())) == 1


Answer = Callable[[MemoryCable], Coroutine[None, None, None]]


async def reader_meets(answer: Answer) -> None:
    cable = MemoryCable()
    answering = asyncio.create_task(answer(cable))
    try:
        async for _ in SdtReader(cable.host).events():
            pass
    finally:
        answering.cancel()


async def nothing(_cable: MemoryCable) -> None:
    pass


async def a_talker(cable: MemoryCable) -> None:
    while True:
        await asyncio.sleep(0.1)
        await cable.device.write(b"$GNRMC,,V,,,,,,,,,,N*4D\r\n")


async def an_echo(cable: MemoryCable) -> None:
    while True:
        await cable.device.write(await cable.device.read())


async def endless_frame_starts(cable: MemoryCable) -> None:
    while True:
        await asyncio.sleep(0.15)
        await cable.device.write(PREAMBLE + bytes.fromhex("05 08 00"))


async def the_vendors_timeout_frame(cable: MemoryCable) -> None:
    while True:
        await cable.device.read()
        await cable.device.write(PREAMBLE + bytes.fromhex("00 05 05 05 05"))


async def a_scanner(cable: MemoryCable) -> None:
    while True:
        await cable.device.read()
        await cable.device.write(b"6901234567892\r")


async def a_binary_talker(cable: MemoryCable) -> None:
    random = Random(1)
    while True:
        await asyncio.sleep(0.05)
        await cable.device.write(random.randbytes(100))


@pytest.mark.parametrize(
    ("answer", "kind", "said", "within_s"),
    [
        (nothing, DeviceSilent, "no ID card reader answers", 10),
        (a_talker, OtherDevice, "another device.*satellite receiver", 10),
        (a_binary_talker, OtherDevice, "another device.*never falls quiet", 10),
        (a_scanner, OtherDevice, "another device.*lines of text", 30),
        (an_echo, OtherDevice, "our own commands coming back", 30),
        (endless_frame_starts, DeviceSilent, "damaged.*check cable", 30),
        (the_vendors_timeout_frame, DeviceSilent, r"only this.*gave up waiting \(05 05 05\)", 30),
    ],
)
def test_what_is_no_reader_is_named_before_long(
    run: Run, answer: Answer, kind: type[DeviceSilent], said: str, within_s: float
) -> None:
    async def main() -> float:
        with pytest.raises(DeviceSilent, match=said) as raised:
            await reader_meets(answer)
        assert raised.type is kind
        assert "6901234567892" not in str(raised.value)
        return asyncio.get_running_loop().time()

    assert run(main()) < within_s


def test_a_reader_that_falls_silent_later_is_noticed(run: Run) -> None:
    async def main() -> float:
        bench = Bench()
        module = asyncio.create_task(bench.sim.run())
        asyncio.get_running_loop().call_later(100, module.cancel)
        with pytest.raises(DeviceSilent):
            async for _ in bench.reader.events():
                pass
        return asyncio.get_running_loop().time()

    assert 104 <= run(main()) < 110


def test_a_late_answer_does_not_put_question_and_answer_out_of_step(run: Run) -> None:
    async def main() -> list[ReaderEvent]:
        cable, inner = MemoryCable(), MemoryCable()
        sim = SimIdReader(inner.device)
        sim.present(CARD)

        async def relay() -> None:
            delays_s = iter([0.0, 0.0, 1.1])  # the first find is answered too late
            while True:
                await inner.host.write(await cable.device.read())
                answer = await inner.host.read()
                await asyncio.sleep(next(delays_s, 0.0))
                await cable.device.write(answer)

        tasks = [asyncio.create_task(sim.run()), asyncio.create_task(relay())]
        asyncio.get_running_loop().call_later(4, cable.unplug)
        events: list[ReaderEvent] = []
        with suppress(PortGone):
            async for event in SdtReader(cable.host).events():
                events += [event]
        for task in tasks:
            task.cancel()
        return events

    (event,) = run(main())
    assert isinstance(event, CardRead)


def test_the_radio_frame_size_is_set_once_and_may_be_unknown(run: Run) -> None:
    async def main() -> tuple[list[ReaderEvent], int]:
        cable, inner = MemoryCable(), MemoryCable()
        sim = SimIdReader(inner.device)
        sim.present(CARD)
        asked: list[bytes] = []

        async def relay() -> None:
            while True:
                asked.append(await cable.device.read())
                await inner.host.write(asked[-1])
                answer = await inner.host.read()
                refusal = frame(bytes.fromhex("00 00 21"))
                await cable.device.write(refusal if asked[-1] == SET_RF else answer)

        tasks = [asyncio.create_task(sim.run()), asyncio.create_task(relay())]
        asyncio.get_running_loop().call_later(10, cable.unplug)
        events = []
        with suppress(PortGone):
            async for event in SdtReader(cable.host).events():
                events += [event]
        for task in tasks:
            task.cancel()
        assert asked[0][7:9] == b"\x11\xff"
        assert asked[1] == SET_RF
        return events, asked.count(SET_RF)

    (event,), times = run(main())
    assert isinstance(event, CardRead)
    assert times == 1


@pytest.mark.parametrize("data_bytes", [16, 28, 280])
def test_an_answer_to_something_else_is_not_taken_for_a_selected_card(
    run: Run, data_bytes: int
) -> None:
    """Module number, management number, appended addresses: all of them say 90 as well."""

    async def main() -> tuple[Reply | None, Reply | None]:
        cable = MemoryCable()
        exchange = SdtExchange(cable.host)
        await cable.device.write(frame(OK + bytes(data_bytes)))
        first = await exchange.ask(Command.SELECT)
        await cable.device.write(frame(OK + bytes(8)))
        return first, await exchange.ask(Command.SELECT)

    stray, own = run(main())
    assert stray is None
    assert own is not None


def test_a_card_that_was_not_read_is_logged_in_words(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        bench = Bench()
        bench.sim.present(CARD)
        bench.sim.fail_reads(bytes.fromhex("69 85 31"), times=10)
        await bench.watch(4)

    caplog.set_level(logging.INFO)
    run(main())
    assert "the card does not accept the reader (69 85 31)" in caplog.text


class Scripted:
    """A module that answers as the simulator does, but for reads."""

    def __init__(self, read_reply: bytes) -> None:
        self.cable = MemoryCable()
        self._inner = MemoryCable()
        self._sim = SimIdReader(self._inner.device)
        self._read_reply = read_reply

    async def run(self) -> None:
        self._sim.present(CARD)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._sim.run())
            while True:
                asked = await self.cable.device.read()
                await self._inner.host.write(asked)
                answer = await self._inner.host.read()
                is_read = asked[7:9] == b"\x30\x01"
                await self.cable.device.write(self._read_reply if is_read else answer)

    async def events(self, for_s: float) -> list[ReaderEvent]:
        module = asyncio.create_task(self.run())
        asyncio.get_running_loop().call_later(for_s, self.cable.unplug)
        events = []
        try:
            async for event in SdtReader(self.cable.host).events():
                events += [event]
        except PortGone:
            pass
        finally:
            module.cancel()
        return events


def frame(payload: bytes) -> bytes:
    checked = (len(payload) + 1).to_bytes(2, "big") + payload
    check = 0
    for value in checked:
        check ^= value
    return PREAMBLE + checked + bytes([check])


OK = bytes.fromhex("00 00 90")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (frame(OK + bytes.fromhex("01 00 04 00")), TroubleReason.HOLD_STILL),
        (frame(OK), TroubleReason.HOLD_STILL),
        (frame(OK + bytes.fromhex("00 FE 00 00") + bytes(254)), TroubleReason.UNKNOWN_LAYOUT),
        (frame(OK + bytes.fromhex("01 00 00 00") + bytes(256)), TroubleReason.UNKNOWN_LAYOUT),
        (frame(OK + FRAME_TAIL)[:300], TroubleReason.HOLD_STILL),
    ],
)
def test_a_read_reply_that_does_not_add_up_is_one_trouble(
    run: Run, reply: bytes, reason: TroubleReason
) -> None:
    events = run(Scripted(reply).events(for_s=9))
    assert [event.reason for event in events if isinstance(event, CardTrouble)] == [reason]
    assert len(events) == 1


@pytest.mark.parametrize("prints_bytes", [1024, 512, 0])
def test_a_reply_with_fingerprints_is_read_like_any_other_and_they_are_dropped(
    run: Run, prints_bytes: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    head = bytes.fromhex("01 00 04 00") + prints_bytes.to_bytes(2, "big")
    parts = encode_text_block(CARD) + bytes(1024) + b"\xa5" * prints_bytes
    (event,) = run(Scripted(frame(OK + head + parts)).events(3))
    assert isinstance(event, CardRead)
    assert event.number == CARD.number
    assert "a5a5" not in caplog.text + repr(event)
