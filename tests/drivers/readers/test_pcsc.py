"""What a PC/SC reader's driver makes of cards, pcscd left out; see test_pcsc_daemon.py for it."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from drivers.errors import DriverConfigError, PortGone, PortNotSetUp
from drivers.readers.base import CardReader, CardTrouble, ReaderEvent, TagRead, TroubleReason
from drivers.readers.pcsc import PcscReader, conversation
from drivers.readers.pcsc_port import choose_reader, wanted_reader
from drivers.registry import READERS, load
from sim.clock import Run
from sim.devices.contactless import ContactlessSlot
from sim.devices.tag import (
    NTAG215,
    ClassicTag,
    NtagTag,
    PhoneTag,
    Tag,
    Type4Tag,
    text_record,
)
from sim.memory import MemoryCable
from tests.cable_slot import CableReader, CableSlot

UID = bytes.fromhex("04112233445566")
BADGE = text_record("MT1:" + "X" * 150)
HOLD_STILL = CardTrouble(TroubleReason.HOLD_STILL)
WRONG_CARD = CardTrouble(TroubleReason.WRONG_CARD_TYPE)
CONTACT_ATR = bytes.fromhex("3B 65 00 00 9C 02 02 07 02")  # a bank card's contacts

Hand = Callable[[CableReader], Coroutine[Any, Any, None]]


async def listen(reader: CardReader, events: list[ReaderEvent]) -> None:
    with suppress(PortGone):
        async for event in reader.events():
            events += [event]  # kept even when the port goes, which ends every scenario


def events_while(run: Run, hand: Hand) -> list[ReaderEvent]:
    async def main() -> list[ReaderEvent]:
        cable = MemoryCable()
        device = CableReader(cable.device)
        events: list[ReaderEvent] = []

        module = asyncio.create_task(device.run())
        listening = asyncio.create_task(listen(PcscReader(CableSlot(cable.host)), events))
        await hand(device)
        cable.unplug()
        await listening
        module.cancel()
        return events

    return run(main())


def held(*tags: Tag, hold_s: float = 5.0) -> Hand:
    async def hand(device: CableReader) -> None:
        for tag in tags:
            device.present(tag)
            await asyncio.sleep(hold_s)
            device.remove()
            await asyncio.sleep(5)

    return hand


@pytest.mark.parametrize(
    ("tag", "event"),
    [
        (NtagTag(UID, BADGE, NTAG215), TagRead(UID, "MT1:" + "X" * 150)),
        (NtagTag(UID, None), TagRead(UID, None)),
        (Type4Tag(UID, BADGE), TagRead(UID, "MT1:" + "X" * 150)),
        (Type4Tag(UID, None), TagRead(UID, None)),
        (ClassicTag(UID[:4]), TagRead(UID[:4], None)),
        (PhoneTag(BADGE), TagRead(b"", "MT1:" + "X" * 150)),
        (PhoneTag(None), WRONG_CARD),
    ],
)
def test_each_kind_of_tag(run: Run, tag: Tag, event: ReaderEvent) -> None:
    assert events_while(run, held(tag)) == [event]


class FleetingTag(NtagTag):
    """Taken away after so many answers, until it is presented again."""

    def __init__(self, answers: int) -> None:
        super().__init__(UID, text_record("MT1:X" * 10))
        self.answers_left = answers

    def exchange(self, command: bytes) -> bytes | None:
        self.answers_left -= 1
        return super().exchange(command) if self.answers_left >= 0 else None


def test_a_tag_pulled_away_while_it_is_read_is_asked_for_again(run: Run) -> None:
    tag = FleetingTag(answers=2)

    async def hand(device: CableReader) -> None:
        device.present(tag)
        await asyncio.sleep(2)
        device.remove()
        await asyncio.sleep(2)
        tag.answers_left = 100
        device.present(tag)
        await asyncio.sleep(2)

    assert events_while(run, hand) == [HOLD_STILL, TagRead(UID, "MT1:X" * 10)]


def test_a_tag_that_settles_is_read_without_a_word(run: Run) -> None:
    tag = FleetingTag(answers=2)

    async def hand(device: CableReader) -> None:
        device.present(tag)
        await asyncio.sleep(0.25)
        tag.answers_left = 100
        await asyncio.sleep(2)

    assert events_while(run, hand) == [TagRead(UID, "MT1:X" * 10)]


def test_a_tag_that_lies_badly_is_reported_once_and_read_when_it_lies_well(run: Run) -> None:
    tag = FleetingTag(answers=0)

    async def hand(device: CableReader) -> None:
        device.present(tag)
        await asyncio.sleep(20)
        tag.answers_left = 100
        await asyncio.sleep(2)

    assert events_while(run, hand) == [HOLD_STILL, TagRead(UID, "MT1:X" * 10)]


@pytest.mark.parametrize("refusal", ["6E00", "6D00", "6A81"])
def test_a_contact_card_is_the_wrong_one(refusal: str) -> None:
    asking = conversation(CONTACT_ATR)
    assert asking.send(None) == bytes.fromhex("FFCA000000")
    with pytest.raises(StopIteration) as end:
        asking.send(bytes.fromhex(refusal))
    assert end.value.value == WRONG_CARD


def test_pages_are_read_in_the_words_of_the_sheet() -> None:
    """hw/pcsc.md 2."""
    slot = ContactlessSlot(NtagTag(UID, text_record("x")))
    asking = conversation(slot.atr)
    said: list[str] = []
    answer: bytes | None = None
    with suppress(StopIteration):
        while len(said) < 10:
            said.append(asking.send(answer).hex(" ").upper())
            answer = slot.apdu(bytes.fromhex(said[-1]))
    assert said == ["FF CA 00 00 00", "FF B0 00 03 10", "FF B0 00 04 10"]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("pcsc:", ""),
        ("pcsc://", ""),
        ("pcsc:///", ""),
        ("pcsc:///ACS%20ACR122U%2000%2000", "ACS ACR122U 00 00"),
        ("pcsc:///A%2FB%3Fc%23d", "A/B?c#d"),
        ("pcsc:///%E8%AF%BB%E5%8D%A1%E5%99%A8", "读卡器"),
    ],
)
def test_urls(url: str, name: str) -> None:
    assert wanted_reader(url) == name


@pytest.mark.parametrize("url", ["serial:///dev/ttyUSB0", "pcsc://host/x", "pcsc:///x?y=1", "pcsc"])
def test_urls_of_no_reader(url: str) -> None:
    with pytest.raises(DriverConfigError):
        wanted_reader(url)


TWO = ["ACS ACR122U 00 00", "ACS ACR122U 00 00 01"]


def test_the_reader_is_chosen_by_name_or_by_what_only_it_has_in_its_name() -> None:
    assert choose_reader(TWO[0], TWO) == TWO[0]
    assert choose_reader("00 01", TWO) == TWO[1]
    assert choose_reader("", TWO[:1]) == TWO[0]


def test_two_readers_that_fit_are_named() -> None:
    for wanted in ("", "ACR122U"):
        with pytest.raises(PortNotSetUp, match=f"{TWO[0]}; {TWO[1]}"):
            choose_reader(wanted, TWO)


def test_a_reader_that_is_not_there_may_come() -> None:
    with pytest.raises(PortGone, match="there are: ACS ACR122U 00 00"):
        choose_reader("HID", TWO[:1])
    with pytest.raises(PortGone):
        choose_reader("", [])


def test_without_pyscard_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "smartcard", None)
    monkeypatch.delitem(sys.modules, "drivers.readers.pcsc_port")
    with pytest.raises(DriverConfigError, match=r"'smartcard': apt-get install python3-pyscard"):
        load(READERS["pcsc"].open)
