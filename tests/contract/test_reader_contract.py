"""What every reader owes its callers; see `drivers.readers.base.CardReader`.

A reader is a row in `READERS`: its driver, the simulated device at the other end, what is
presented to it, and what it promises on a bad line.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, Self

import pytest

from drivers.errors import DeviceSilent, PortGone
from drivers.port import BytePort
from drivers.readers.base import CardReader, CardTrouble, ReaderEvent, TroubleReason
from drivers.readers.mrz import MrzReader, MrzWedgeReader
from drivers.readers.pcsc import PcscReader
from drivers.readers.pn532 import Pn532Reader
from drivers.readers.scanner import ScannerReader
from drivers.readers.sdt import SdtReader
from drivers.readers.sdt_usb import open_usb
from drivers.readers.wedge import WedgeReader
from sim.clock import Run
from sim.devices.card import Card, CardKind
from sim.devices.idreader import SimIdReader
from sim.devices.keyboard import KeyboardLine
from sim.devices.line import DeviceLine
from sim.devices.mrz import SimMrz
from sim.devices.pn532 import SimPn532
from sim.devices.scanner import SimScanner
from sim.devices.sdt_usb import SimUsbBackend, SimUsbReader
from sim.devices.tag import ClassicTag, NtagTag, PhoneTag, Type4Tag, text_record
from sim.devices.travel import TD1, TD2, TravelDocument
from sim.faults import FAULTS, FaultyLine
from tests.cable_slot import CableReader, CableSlot
from tests.examples.lrc_scanner import ROW as LRC_SCANNER
from tests.inline_threads import in_inline_thread
from tests.reader_kind import BAD_LINES, Cable, Kind, Promise, SimReader, Thing, told

CARDS = [
    Card(number="11010519491231002X", name="张三丰"),
    Card(number="810000199408230021", name="陈大文", kind=CardKind.HMT_PERMIT),
    Card(number="ABC110080010101", name="", latin_name="DOE, JANE", kind=CardKind.FOREIGN_2017),
    Card(number="911124198108030024", name="白求恩", kind=CardKind.FOREIGN_2023),
]
CODES = ["MT1:6BFOXN%TS3DH", "6901234567892", "姓名 unit=3", "https://example.org/?q=~[]{}"]
TYPED = [
    "MT1:6BFOXN%TS3DH",
    "6901234567892",
    "(01)06901\x1d10ABC",
    "a_B`c'd\"e;f|g\\h @#$^&*()<>?!",
]
DOCUMENTS = [
    TravelDocument(
        number="L898902C3", surname="ERIKSSON", given="ANNA MARIA", optional="ZE184226B"
    ),
    TravelDocument(number="D23145890734", surname="STEVENSON", form=TD1, code="I"),
    TravelDocument(number="D23145891", surname="LI", given="SI", form=TD2, code="I"),
    TravelDocument(number="H01234567", surname="CHAN", given="TAI MAN", form=TD1, code="CR"),
]
QUICK_POLL_S = 0.1
REREAD_S = 0.75


def cards() -> list[Thing]:
    return [
        Thing(
            card,
            card.number,
            tuple(filter(None, (card.number, card.name, card.latin_name, card.born))),
        )
        for card in (*CARDS, CARDS[0])
    ]


def codes(texts: list[str]) -> list[Thing]:
    return [Thing(text, text, (text,)) for text in (*texts, texts[0])]


def documents() -> list[Thing]:
    return [
        Thing(each, each.number, (each.number, each.surname, each.born))
        for each in (*DOCUMENTS, DOCUMENTS[0])
    ]


class UsbCable:
    """A simulated bus below real pyusb, with one reader plugged in."""

    def __init__(self, device: SimUsbReader, host: BytePort) -> None:
        self.device, self.host = device, host

    def unplug(self) -> None:
        self.device.unplug()


async def usb_cable(*, is_split: bool) -> Cable:
    device = SimUsbReader(is_split=is_split)
    backend = SimUsbBackend(device, patience=0)
    host = await open_usb("usb://0400:c35a", backend=backend, in_thread=in_inline_thread)
    return UsbCable(device, host)


def usb_reader(*, is_split: bool) -> Kind:
    return Kind(
        SdtReader,
        SimIdReader,
        cards(),
        ALL_READ,
        cable=partial(usb_cable, is_split=is_split),
        has_bytes_one_by_one=False,
        is_quick=False,
    )


def tags() -> list[Thing]:
    badge, card, phone = "MT1:6BFOXN%TS3DH", "MT1:" + "7WYSL$F/" * 12, "QH-2026/0042"
    uids = [bytes.fromhex(uid) for uid in ("04A22F1B5C6780", "04AABBCCDDEE11", "DEADBEEF")]
    things = [
        Thing(NtagTag(uids[0], text_record(badge)), badge, (badge, uids[0].hex())),
        Thing(Type4Tag(uids[1], text_record(card)), card, (card, uids[1].hex())),
        Thing(ClassicTag(uids[2]), uids[2].hex(), (uids[2].hex(),)),
        Thing(PhoneTag(text_record(phone)), phone, (phone,)),
    ]
    return [*things, things[0]]


ALL_READ = dict.fromkeys(BAD_LINES, Promise.READ)
ALL_HONEST = dict.fromkeys(BAD_LINES, Promise.HONEST)
READERS = {
    "sdt": Kind(SdtReader, SimIdReader, cards(), ALL_READ),
    "sdt polling quickly": Kind(
        lambda port: SdtReader(port, poll_s=QUICK_POLL_S),
        SimIdReader,
        cards(),
        ALL_READ,
        is_quick=False,
    ),
    "sdt usb split pipes": usb_reader(is_split=True),
    "sdt usb one pipe": usb_reader(is_split=False),
    "scanner": Kind(ScannerReader, SimScanner, codes(CODES)),
    "scanner, continuous": Kind(
        ScannerReader, lambda line: SimScanner(line, reread_s=REREAD_S), codes(CODES)
    ),
    "scanner, CR LF": Kind(
        ScannerReader, lambda line: SimScanner(line, suffix=b"\r\n"), codes(CODES)
    ),
    "scanner, Tab": Kind(ScannerReader, lambda line: SimScanner(line, suffix=b"\t"), codes(CODES)),
    "scanner, no suffix": Kind(
        ScannerReader, lambda line: SimScanner(line, suffix=b""), codes(CODES)
    ),
    "scanner, Enter first": Kind(
        ScannerReader, lambda line: SimScanner(line, prefix=b"\r", suffix=b""), codes(CODES)
    ),
    "wedge": Kind(WedgeReader, lambda line: SimScanner(KeyboardLine(line)), codes(TYPED)),
    "wedge, no suffix": Kind(
        WedgeReader, lambda line: SimScanner(KeyboardLine(line), suffix=b""), codes(TYPED)
    ),
    "mrz": Kind(MrzReader, SimMrz, documents(), ALL_HONEST),
    "mrz, CR LF": Kind(
        MrzReader, lambda line: SimMrz(line, separator=b"\r\n"), documents(), ALL_HONEST
    ),
    # Letters are one key each, and a key that is lost with its release leaves no trace.
    "mrz_wedge": Kind(MrzWedgeReader, lambda line: SimMrz(KeyboardLine(line)), documents()),
    "pn532": Kind(Pn532Reader, SimPn532, tags(), ALL_READ),
    "pn532 polling quickly": Kind(
        lambda port: Pn532Reader(port, poll_s=QUICK_POLL_S),
        SimPn532,
        tags(),
        ALL_READ,
        is_quick=False,
    ),
    # What lies between pcscd and a reader's chip is not a line: nothing is promised on a bad one.
    "pcsc": Kind(lambda port: PcscReader(CableSlot(port)), CableReader, tags(), promises={}),
    "the example of docs/adding-a-driver.md": LRC_SCANNER,
}

HOLD_S = 12.0  # virtual: long enough for a line that damages every other read
AWAY_S = 5.0
SWAP_S = 1.6  # more than one poll of the slowest, and than the slowest takes to type
SEEDS = range(15)


@pytest.fixture(params=READERS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return READERS[request.param]


def lines(*faults: str) -> list[Any]:
    """(kind, fault) wherever the cable can have it."""
    return [
        pytest.param(kind, fault, id=f"{name}-{fault}")
        for name, kind in READERS.items()
        for fault in faults
        if kind.has_bytes_one_by_one or fault != "one_byte_at_a_time"
    ]


def bad_lines(promise: Promise) -> list[Any]:
    """(kind, fault, seed) wherever this much is promised."""
    return [
        pytest.param(kind, fault, seed, id=f"{name}-{fault}-{seed}")
        for name, kind in READERS.items()
        for fault in BAD_LINES
        if kind.promises.get(fault) is promise
        for seed in SEEDS
    ]


Hand = Callable[[SimReader], Coroutine[Any, Any, None]]


async def listen(reader: CardReader, events: list[ReaderEvent]) -> None:
    with suppress(PortGone, DeviceSilent):
        async for event in reader.events():
            events += [event]  # kept even when the port goes, which ends every scenario


class Tap:
    """A line that remembers what was written to it."""

    def __init__(self, line: DeviceLine) -> None:
        self.read = line.read
        self._line = line
        self.written = bytearray()

    async def write(self, data: bytes) -> None:
        self.written += data
        await self._line.write(data)


class Bench:
    """A reader and its device on one cable, in use for as long as the context lasts."""

    def __init__(self, kind: Kind, fault: str = "clean", seed: int = 0) -> None:
        self._kind, self._fault, self._seed = kind, FAULTS[fault], seed
        self.events: list[ReaderEvent] = []

    async def __aenter__(self) -> Self:
        self._cable = await self._kind.cable()
        self.arrived = Tap(self._cable.device)
        self.line = FaultyLine(self.arrived, self._fault, self._seed)
        self.sent = Tap(self.line)
        self.device = self._kind.device(self.sent)
        reader = self._kind.driver(self._cable.host)
        self._module = asyncio.create_task(self.device.run())
        self._listening = asyncio.create_task(listen(reader, self.events))
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._cable.unplug()
        await self._listening
        self._module.cancel()

    def forget(self) -> None:
        self.events.clear()
        self.sent.written.clear()
        self.arrived.written.clear()


async def events_while(
    kind: Kind, hand: Hand, *, fault: str = "clean", seed: int = 0
) -> list[ReaderEvent]:
    """Everything reported while `hand` moves things; then the plug is pulled."""
    async with Bench(kind, fault, seed) as bench:
        await hand(bench.device)
    return bench.events


def one_after_another(kind: Kind) -> Hand:
    async def hand(device: SimReader) -> None:
        for thing in kind.deck:
            device.present(thing.given)
            await asyncio.sleep(HOLD_S)
            device.remove()
            await asyncio.sleep(AWAY_S)

    return hand


def names(events: list[ReaderEvent]) -> list[str]:
    return [name for event in events if (name := told(event)) is not None]


def all_names(kind: Kind) -> list[str]:
    return [thing.reads_as for thing in kind.deck]


def reasons(events: list[ReaderEvent]) -> list[TroubleReason]:
    return [event.reason for event in events if isinstance(event, CardTrouble)]


@pytest.mark.parametrize(("kind", "fault"), lines("clean", "one_byte_at_a_time"))
def test_each_thing_is_read_once_and_in_order(run: Run, kind: Kind, fault: str) -> None:
    events = run(events_while(kind, one_after_another(kind), fault=fault))
    assert names(events) == all_names(kind)
    assert not reasons(events)


@pytest.mark.parametrize(("kind", "fault", "seed"), bad_lines(Promise.READ))
def test_a_reader_that_can_ask_again_reads_everything(
    run: Run, kind: Kind, fault: str, seed: int
) -> None:
    events = run(events_while(kind, one_after_another(kind), fault=fault, seed=seed))
    assert names(events) == all_names(kind)
    # A bad line may ask to hold the card still, before and after reading it; nothing else.
    assert set(reasons(events)) <= {TroubleReason.HOLD_STILL}
    assert len(reasons(events)) <= 2 * len(kind.deck)
    if fault == "line_noise":  # nothing of what was sent is lost
        assert not reasons(events)


@pytest.mark.parametrize(("kind", "fault", "seed"), bad_lines(Promise.HONEST))
def test_a_reader_with_check_digits_reads_right_or_says_that_it_could_not(
    run: Run, kind: Kind, fault: str, seed: int
) -> None:
    async def main() -> None:
        async with Bench(kind, fault, seed) as bench:
            for thing in kind.deck:
                bench.forget()
                bench.device.present(thing.given)
                await asyncio.sleep(HOLD_S)
                if bench.arrived.written == bench.sent.written:
                    assert names(bench.events) == [thing.reads_as]
                else:
                    assert set(names(bench.events)) <= {thing.reads_as}
                    assert bench.events or not bench.arrived.written
                bench.device.remove()
                await asyncio.sleep(AWAY_S)

    run(main())


@pytest.mark.parametrize(("kind", "fault", "seed"), bad_lines(Promise.TOTAL))
def test_a_reader_without_redundancy_goes_on_all_the_same(
    run: Run, kind: Kind, fault: str, seed: int
) -> None:
    """It cannot know a wrong text from a right one; but the next one on a good line is read."""

    async def mend_the_line() -> list[ReaderEvent]:
        async with Bench(kind, fault, seed) as bench:
            bench.device.present(kind.deck[0].given)
            await asyncio.sleep(AWAY_S)
            bench.line.fault = FAULTS["clean"]
            bench.device.remove()
            await asyncio.sleep(AWAY_S)
            bench.forget()
            for thing in kind.deck[1:]:
                bench.device.present(thing.given)
                await asyncio.sleep(AWAY_S)
        return bench.events

    assert names(run(mend_the_line()))[-3:] == all_names(kind)[2:]


def test_a_different_thing_is_read_at_once(run: Run, kind: Kind) -> None:
    """A queue that holds each thing where the one before still is."""

    async def swap(device: SimReader) -> None:
        for thing in kind.deck:
            device.present(thing.given)
            await asyncio.sleep(SWAP_S)

    assert names(run(events_while(kind, swap))) == all_names(kind)


@pytest.mark.parametrize("name", [name for name, kind in READERS.items() if kind.is_quick])
def test_a_thing_lying_there_for_an_hour_is_read_once(run: Run, name: str) -> None:
    kind = READERS[name]

    async def leave(device: SimReader) -> None:
        device.present(kind.deck[0].given)
        await asyncio.sleep(3600)

    assert names(run(events_while(kind, leave))) == all_names(kind)[:1]


@pytest.mark.parametrize("away_s", [0.1, 0.4])
def test_a_short_absence_is_the_same_presentation(run: Run, kind: Kind, away_s: float) -> None:
    async def fumble(device: SimReader) -> None:
        for _ in range(5):
            device.present(kind.deck[0].given)
            await asyncio.sleep(1)
            device.remove()
            await asyncio.sleep(away_s)

    assert names(run(events_while(kind, fumble))) == all_names(kind)[:1]


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


@pytest.mark.parametrize(("kind", "fault"), lines(*FAULTS))
def test_what_a_thing_holds_stays_out_of_the_log(
    run: Run, kind: Kind, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    events = run(events_while(kind, one_after_another(kind), fault=fault, seed=1))
    seen = caplog.text + repr(events)
    for secret in (secret for thing in kind.deck for secret in thing.secrets):
        assert secret not in seen
        assert secret.encode().hex() not in seen
        assert secret.encode("utf-16-le").hex() not in seen
