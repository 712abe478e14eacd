"""The PN532's driver on the simulated chip, beyond what its contract says."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from drivers.errors import DeviceSilent, OtherDevice, PortGone
from drivers.readers.base import CardReader, CardTrouble, ReaderEvent, TagRead, TroubleReason
from drivers.readers.pn532 import Pn532Reader
from sim.clock import Run
from sim.devices.idreader import SimIdReader
from sim.devices.pn532 import SimPn532
from sim.devices.tag import (
    NTAG215,
    Anticollision,
    ClassicTag,
    NtagTag,
    PhoneTag,
    Tag,
    Type4Tag,
    text_record,
)
from sim.memory import MemoryCable

UID = bytes.fromhex("04112233445566")
BADGE = text_record("MT1:" + "X" * 150)
HOLD_STILL = CardTrouble(TroubleReason.HOLD_STILL)

Hand = Callable[[SimPn532], Coroutine[Any, Any, None]]


async def listen(reader: CardReader, events: list[ReaderEvent]) -> None:
    with suppress(PortGone):
        async for event in reader.events():
            events += [event]  # kept even when the port goes, which ends every scenario


def events_while(run: Run, hand: Hand) -> list[ReaderEvent]:
    async def main() -> list[ReaderEvent]:
        cable = MemoryCable()
        device = SimPn532(cable.device)
        events: list[ReaderEvent] = []

        chip = asyncio.create_task(device.run())
        listening = asyncio.create_task(listen(Pn532Reader(cable.host), events))
        await hand(device)
        cable.unplug()
        await listening
        chip.cancel()
        return events

    return run(main())


class WatchedTag(NtagTag):
    """Counts what it is asked; silent after so many answers, until it is told to go on."""

    def __init__(self, answers_left: int = 1_000_000) -> None:
        super().__init__(UID, text_record("MT1:X" * 10))
        self.answers_left = answers_left
        self.woken = self.asked = 0
        self.taken_by: Callable[[], None] = lambda: None

    def wake(self) -> Anticollision:
        self.woken += 1
        return super().wake()

    def exchange(self, command: bytes) -> bytes | None:
        self.asked += 1
        self.answers_left -= 1
        if self.answers_left < 0:
            self.taken_by()
            return None
        return super().exchange(command)


@pytest.mark.parametrize(
    ("tag", "event"),
    [
        (NtagTag(UID, BADGE, NTAG215), TagRead(UID, "MT1:" + "X" * 150)),
        (NtagTag(UID, None), TagRead(UID, None)),
        (Type4Tag(UID, BADGE), TagRead(UID, "MT1:" + "X" * 150)),
        (Type4Tag(UID, None), TagRead(UID, None)),
        (ClassicTag(UID[:4]), TagRead(UID[:4], None)),
        (PhoneTag(BADGE), TagRead(b"", "MT1:" + "X" * 150)),
        (PhoneTag(None), CardTrouble(TroubleReason.WRONG_CARD_TYPE)),
    ],
)
def test_each_kind_of_tag_is_told_once(run: Run, tag: Tag, event: ReaderEvent) -> None:
    async def hand(device: SimPn532) -> None:
        device.present(tag)
        await asyncio.sleep(10)

    assert events_while(run, hand) == [event]


def test_a_tag_that_stays_is_found_at_every_poll_and_read_once(run: Run) -> None:
    tag = WatchedTag()

    async def hand(device: SimPn532) -> None:
        device.present(tag)
        await asyncio.sleep(10)

    events_while(run, hand)
    assert tag.woken > 30
    assert tag.asked == 5  # capabilities, and four times four pages


def test_a_tag_pulled_away_while_it_is_read_is_asked_for_again(run: Run) -> None:
    tag = WatchedTag(answers_left=2)

    async def hand(device: SimPn532) -> None:
        device.present(tag)
        tag.taken_by = device.remove
        await asyncio.sleep(5)
        tag.answers_left = 100
        device.present(tag)
        await asyncio.sleep(5)

    assert events_while(run, hand) == [HOLD_STILL, TagRead(UID, "MT1:X" * 10)]


def test_a_tag_that_lies_badly_is_reported_once_and_read_when_it_lies_well(run: Run) -> None:
    tag = WatchedTag(answers_left=0)

    async def hand(device: SimPn532) -> None:
        device.present(tag)
        await asyncio.sleep(20)
        tag.answers_left = 100
        await asyncio.sleep(2)

    assert events_while(run, hand) == [HOLD_STILL, TagRead(UID, "MT1:X" * 10)]


def first_event_of(run: Run, device: Callable[[MemoryCable], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        cable = MemoryCable()
        other_end = asyncio.create_task(device(cable))
        try:
            async with asyncio.timeout(60):
                await anext(aiter(Pn532Reader(cable.host).events()))
        finally:
            other_end.cancel()

    run(main())


def test_nobody_at_the_other_end(run: Run) -> None:
    async def nobody(_cable: MemoryCable) -> None:
        await asyncio.sleep(3600)

    with pytest.raises(DeviceSilent, match="does not answer"):
        first_event_of(run, nobody)


def test_somebody_else_at_the_other_end(run: Run) -> None:
    with pytest.raises(DeviceSilent):
        first_event_of(run, lambda cable: SimIdReader(cable.device).run())


def test_a_talker_at_the_other_end(run: Run) -> None:
    async def talker(cable: MemoryCable) -> None:
        while True:
            await cable.device.write(b"$GNRMC,,V,,,,,,,,,,N*4D\r\n")
            await asyncio.sleep(0.03)

    with pytest.raises(OtherDevice, match="make no sense"):
        first_event_of(run, talker)


@pytest.mark.parametrize("firmware", ["33 02 08 07", "32", ""])
def test_its_sister_is_no_pn532(run: Run, firmware: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.devices.pn532.FIRMWARE", bytes.fromhex(firmware))
    with pytest.raises(OtherDevice, match="no PN532"):
        first_event_of(run, lambda cable: SimPn532(cable.device).run())


def test_it_tells_its_firmware(run: Run) -> None:
    async def main() -> list[str | None]:
        cable = MemoryCable()
        told: list[str | None] = []
        reader = Pn532Reader(cable.host, on_ready=told.append)
        device = SimPn532(cable.device)
        device.present(NtagTag(UID, None))
        chip = asyncio.create_task(device.run())
        await anext(aiter(reader.events()))
        chip.cancel()
        return [*told, reader.identity]

    assert run(main()) == ["PN532 1.6", "PN532 1.6"]
