"""What every kind that can be recorded owes: masked, a recording plays as the traffic did.

The same events in the same order, about specimens: two that were the same stay the same, two that
were not stay two, and nothing of the originals is in the file.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import combinations
from pathlib import Path

import pytest

from drivers.errors import DeviceSilent, PortGone
from drivers.masks.base import MASKS
from drivers.port import BytePort
from drivers.readers.base import CardRead, CardTrouble, ReaderEvent, TagRead
from drivers.readers.mrz import MrzReader, MrzWedgeReader
from drivers.readers.pn532 import Pn532Reader
from drivers.readers.scanner import ScannerReader
from drivers.readers.sdt import SdtReader
from drivers.readers.wedge import WedgeReader
from drivers.recording import Recorder, Recording, RecordingPort, read_recording
from drivers.registry import READERS
from sim.clock import Run
from sim.devices.card import Card, CardKind
from sim.devices.idreader import SimIdReader
from sim.devices.keyboard import KeyboardLine
from sim.devices.mrz import SimMrz
from sim.devices.pn532 import SimPn532
from sim.devices.scanner import SimScanner
from sim.devices.tag import NtagTag, Type4Tag, text_record
from sim.devices.travel import TD1, TD2, TravelDocument
from sim.faults import Fault, FaultyLine, clean, line_noise, one_byte_at_a_time
from sim.memory import MemoryCable
from sim.recording import RecordedDevice
from tests.reader_kind import Kind, Thing, told

HOLD_S, AWAY_S = 4.0, 3.0  # virtual
LINGER_S = 5.0
SECRET = "MT1:6BFOXN%TS3DH"
TYPED = ["MT1:6BFOXN%TS3DH", "6901234567892", "(01)06901", "a_B`c'd\"e;f"]


def things(given: Sequence[object], *secrets: Sequence[str]) -> list[Thing]:
    """The last is the first again."""
    told_of = list(zip(given, secrets, strict=True))
    return [Thing(thing, "", tuple(said)) for thing, said in (*told_of, told_of[0])]


CARDS = [
    Card(number="11010519491231002X", name="张三丰", born="19491231", address="某街七号"),
    Card(number="810000199408230021", name="陈大文", kind=CardKind.HMT_PERMIT, born="19940823"),
    Card(number="ABC110080010101", name="", latin_name="DOE, JANE", kind=CardKind.FOREIGN_2017),
    Card(number="911124198108030024", name="白求恩", kind=CardKind.FOREIGN_2023, born="19810803"),
]
DOCUMENTS = [
    TravelDocument(number="L898902C3", surname="ERIKSSON", optional="ZE184226B"),
    TravelDocument(number="D23145890734", surname="STEVENSON", form=TD1, code="I"),
    TravelDocument(number="D23145891", surname="LIANG", given="SI", form=TD2, code="I"),
]
TAGS = [
    NtagTag(bytes.fromhex("04A1B2C3D4E5F6"), text_record(SECRET)),
    NtagTag(bytes.fromhex("04A1B2C3D4E5F7"), None),
    Type4Tag(bytes.fromhex("0A1B2C3D"), text_record("姓名 170717" * 20)),
]
CODES = things(TYPED, *([code] for code in TYPED))
PASSPORTS = things(DOCUMENTS, *([each.number[:9], each.surname, each.born] for each in DOCUMENTS))
ROWS: Mapping[str, Kind] = {
    "sdt": Kind(
        SdtReader,
        SimIdReader,
        things(CARDS, *([c.number, c.born, *filter(None, [c.name, c.latin_name])] for c in CARDS)),
    ),
    "scanner": Kind(
        ScannerReader,
        SimScanner,
        things([*TYPED, "姓名 unit=3"], *([code] for code in [*TYPED, "姓名"])),
    ),
    "wedge": Kind(WedgeReader, lambda line: SimScanner(KeyboardLine(line)), CODES),
    "mrz": Kind(MrzReader, SimMrz, PASSPORTS),
    "mrz_wedge": Kind(MrzWedgeReader, lambda line: SimMrz(KeyboardLine(line)), PASSPORTS),
    "pn532": Kind(
        Pn532Reader,
        SimPn532,
        things(TAGS, ["A1B2C3", SECRET], ["A1B2C3"], ["0A1B2C3D", "姓名", "1707"]),
    ),
}
UNRECORDABLE = {"pcsc": "talks to a service, there are no bytes on a line"}


async def record(kind: Kind, path: Path, name: str, fault: Fault) -> list[ReaderEvent]:
    cable, events = MemoryCable(), list[ReaderEvent]()
    device = kind.device(FaultyLine(cable.device, fault, seed=7))
    with Recorder(path, name, asyncio.get_running_loop().time) as recorder:
        running = asyncio.create_task(device.run())
        listening = asyncio.create_task(listen(kind, RecordingPort(cable.host, recorder), events))
        await asyncio.sleep(AWAY_S)
        for thing in kind.deck:
            device.present(thing.given)
            await asyncio.sleep(HOLD_S)
            device.remove()
            await asyncio.sleep(AWAY_S)
        running.cancel()
        cable.unplug()
        await listening
    return events


async def play(kind: Kind, recording: Recording) -> list[ReaderEvent]:
    cable, events = MemoryCable(), list[ReaderEvent]()
    listening = asyncio.create_task(listen(kind, cable.host, events))
    await RecordedDevice(cable.device, recording).run()
    await asyncio.sleep(LINGER_S)
    cable.unplug()
    await listening
    return events


async def listen(kind: Kind, port: BytePort, events: list[ReaderEvent]) -> None:
    with suppress(PortGone, DeviceSilent):  # a recording that is over is silent
        async for event in kind.driver(port).events():
            events += [event]


def sameness(events: Sequence[ReaderEvent]) -> list[bool]:
    """Which of the readings are of one thing."""
    return [told(one) == told(other) for one, other in combinations(events, 2)]


@pytest.mark.parametrize("fault", [clean, one_byte_at_a_time, line_noise])
@pytest.mark.parametrize("name", ROWS)
def test_a_masked_recording_plays_as_the_traffic_did(
    run: Run, tmp_path: Path, name: str, fault: Fault
) -> None:
    kind, path = ROWS[name], tmp_path / "recording"
    live = run(record(kind, path, name, fault))
    assert fault is line_noise or len(live) == len(kind.deck)
    recording = read_recording(path)
    played = run(play(kind, recording))

    assert [type(event) for event in played] == [type(event) for event in live]
    assert sameness(played) == sameness(live)
    for before, after in zip(live, played, strict=True):
        if isinstance(before, CardTrouble):
            assert after == before
        elif isinstance(before, CardRead):
            assert isinstance(after, CardRead)
            assert (after.document, after.number_is_valid) == (before.document, True)
        elif isinstance(before, TagRead):
            assert isinstance(after, TagRead)
            assert (after.text is None) == (before.text is None)

    written = b"".join(entry.data for entry in recording.entries)
    seen = " ".join(
        [
            written.hex().upper(),
            *(written[odd:].decode("utf-16-le", errors="replace") for odd in (0, 1)),
            *(written.decode(code, errors="replace") for code in ("utf-8", "gb18030")),
            *map(str, map(told, played)),
        ]
    )
    for thing in kind.deck:
        for secret in thing.secrets:
            assert secret not in seen


def test_every_kind_is_recorded_or_says_why_not() -> None:
    assert set(ROWS) | set(UNRECORDABLE) == set(READERS)
    assert set(ROWS) == set(MASKS) & set(READERS)
