"""What every document reader owes its callers; see `drivers.readers.base.CardReader`.

A reader is a row in `READERS`: its driver, and the simulated device at the other end.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import pytest
from _pytest.mark import ParameterSet

from drivers.errors import PortGone
from drivers.port import BytePort
from drivers.readers.base import CardRead, CardReader, CardTrouble, ReaderEvent, TroubleReason
from drivers.readers.sdt import SdtReader
from drivers.readers.sdt_usb import open_usb
from sim.clock import Run
from sim.devices.card import Card, CardKind
from sim.devices.idreader import SimIdReader
from sim.devices.line import DeviceLine
from sim.devices.sdt_usb import SimUsbBackend, SimUsbReader
from sim.faults import FAULTS, FaultyLine
from sim.memory import MemoryCable
from tests.inline_threads import in_inline_thread

CARDS = [
    Card(number="11010519491231002X", name="张三丰"),
    Card(number="810000199408230021", name="陈大文", kind=CardKind.HMT_PERMIT),
    Card(number="ABC110080010101", name="", latin_name="DOE, JANE", kind=CardKind.FOREIGN_2017),
    Card(number="911124198108030024", name="白求恩", kind=CardKind.FOREIGN_2023),
    Card(number="11010519491231002X", name="张三丰"),  # comes back later
]
HOLD_S = 12.0  # virtual: long enough for a line that damages every other read
AWAY_S = 5.0
QUICK_POLL_S = 0.1
SEEDED = [(fault, seed) for fault in ("line_noise", "torn", "bit_flip") for seed in range(15)]


class Cable(Protocol):
    """What joins a driver and its device."""

    @property
    def host(self) -> BytePort: ...
    @property
    def device(self) -> DeviceLine: ...
    def unplug(self) -> None: ...


class UsbCable:
    """A simulated bus below real pyusb, with one reader plugged in."""

    def __init__(self, device: SimUsbReader, host: BytePort) -> None:
        self.device, self.host = device, host

    def unplug(self) -> None:
        self.device.unplug()


async def memory_cable() -> Cable:
    return MemoryCable()


async def usb_cable(*, is_split: bool) -> Cable:
    device = SimUsbReader(is_split=is_split)
    backend = SimUsbBackend(device, patience=0)
    host = await open_usb("usb://0400:c35a", backend=backend, in_thread=in_inline_thread)
    return UsbCable(device, host)


class SimReader(Protocol):
    """The hand with the card, and the device it is held to."""

    def present(self, card: Card) -> None: ...
    def remove(self) -> None: ...
    async def run(self) -> None: ...


@dataclass(frozen=True)
class Kind:
    driver: Callable[[BytePort], CardReader]
    device: Callable[[DeviceLine], SimReader]
    cable: Callable[[], Coroutine[Any, Any, Cable]] = memory_cable
    has_bytes_one_by_one: bool = True
    """Whether its cable can tear an answer into single bytes, as a serial line does."""


READERS = {
    "sdt": Kind(SdtReader, SimIdReader),
    "sdt polling quickly": Kind(lambda port: SdtReader(port, poll_s=QUICK_POLL_S), SimIdReader),
    "sdt usb split pipes": Kind(
        SdtReader, SimIdReader, partial(usb_cable, is_split=True), has_bytes_one_by_one=False
    ),
    "sdt usb one pipe": Kind(
        SdtReader, SimIdReader, partial(usb_cable, is_split=False), has_bytes_one_by_one=False
    ),
}


@pytest.fixture(params=READERS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return READERS[request.param]


def with_faults(faults: Iterable[tuple[str, int]]) -> list[ParameterSet]:
    """Each reader on each fault its cable can have."""
    return [
        pytest.param(kind, fault, seed, id=f"{name}-{fault}-{seed}")
        for name, kind in READERS.items()
        for fault, seed in faults
        if kind.has_bytes_one_by_one or fault != "one_byte_at_a_time"
    ]


Hand = Callable[[SimReader], Coroutine[Any, Any, None]]


async def listen(reader: CardReader, events: list[ReaderEvent]) -> None:
    with suppress(PortGone):
        async for event in reader.events():
            events += [event]  # kept even when the port goes, which ends every scenario


async def events_while(
    kind: Kind, hand: Hand, *, fault: str = "clean", seed: int = 0
) -> list[ReaderEvent]:
    """Everything reported while `hand` moves cards; then the plug is pulled."""
    cable = await kind.cable()
    device = kind.device(FaultyLine(cable.device, FAULTS[fault], seed))
    events: list[ReaderEvent] = []

    module = asyncio.create_task(device.run())
    listening = asyncio.create_task(listen(kind.driver(cable.host), events))
    await hand(device)
    cable.unplug()
    await listening
    module.cancel()
    return events


async def one_after_another(device: SimReader) -> None:
    for card in CARDS:
        device.present(card)
        await asyncio.sleep(HOLD_S)
        device.remove()
        await asyncio.sleep(AWAY_S)


def numbers(events: list[ReaderEvent]) -> list[str]:
    return [event.number for event in events if isinstance(event, CardRead)]


ALL_NUMBERS = [card.number for card in CARDS]


@pytest.mark.parametrize(
    ("kind", "fault", "seed"), with_faults([("clean", 0), ("one_byte_at_a_time", 0), *SEEDED])
)
def test_each_card_is_read_once_and_in_order(run: Run, kind: Kind, fault: str, seed: int) -> None:
    events = run(events_while(kind, one_after_another, fault=fault, seed=seed))
    assert numbers(events) == ALL_NUMBERS
    # A bad line may ask to hold the card still, before and after reading it; nothing else.
    troubles = [event.reason for event in events if isinstance(event, CardTrouble)]
    assert set(troubles) <= {TroubleReason.HOLD_STILL}
    assert len(troubles) <= 2 * len(CARDS)


@pytest.mark.parametrize(
    ("kind", "fault", "seed"),
    with_faults([("clean", 0), ("one_byte_at_a_time", 0), ("line_noise", 0)]),
)
def test_a_line_that_loses_nothing_troubles_nobody(
    run: Run, kind: Kind, fault: str, seed: int
) -> None:
    events = run(events_while(kind, one_after_another, fault=fault, seed=seed))
    assert not [event for event in events if isinstance(event, CardTrouble)]


def test_a_different_card_is_read_at_once(run: Run, kind: Kind) -> None:
    """A queue that lays each card on top of the one before."""

    async def swap(device: SimReader) -> None:
        for card in CARDS:
            device.present(card)
            await asyncio.sleep(0.6)  # one poll of the slowest

    assert numbers(run(events_while(kind, swap))) == ALL_NUMBERS


def test_a_card_lying_there_for_an_hour_is_read_once(run: Run) -> None:
    async def leave(device: SimReader) -> None:
        device.present(CARDS[0])
        await asyncio.sleep(3600)

    assert numbers(run(events_while(READERS["sdt"], leave))) == ALL_NUMBERS[:1]


@pytest.mark.parametrize("away_s", [0.1, 0.4])
def test_a_short_absence_is_the_same_presentation(run: Run, kind: Kind, away_s: float) -> None:
    async def fumble(device: SimReader) -> None:
        for _ in range(5):
            device.present(CARDS[0])
            await asyncio.sleep(2)
            device.remove()
            await asyncio.sleep(away_s)

    assert numbers(run(events_while(kind, fumble))) == ALL_NUMBERS[:1]


def test_an_unplugged_reader_is_reported_as_gone(run: Run, kind: Kind) -> None:
    async def main() -> None:
        cable = await kind.cable()
        module = asyncio.create_task(kind.device(cable.device).run())
        asyncio.get_running_loop().call_later(3, cable.unplug)
        with pytest.raises(PortGone):
            async for _ in kind.driver(cable.host).events():
                pass
        module.cancel()

    run(main())


@pytest.mark.parametrize(("kind", "fault", "seed"), with_faults((fault, 1) for fault in FAULTS))
def test_what_a_card_holds_stays_out_of_the_log(
    run: Run, kind: Kind, fault: str, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    events = run(events_while(kind, one_after_another, fault=fault, seed=seed))
    seen = caplog.text + repr(events)
    for card in CARDS:
        for secret in filter(None, (card.number, card.name, card.latin_name, card.born)):
            assert secret not in seen
            assert secret.encode("utf-16-le").hex() not in seen
