"""From a reader's traffic to a test: recorded, masked, and played to the driver again."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from drivers.errors import PortGone
from drivers.port import BytePort, open_port
from drivers.readers.base import CardRead, CardTrouble, ReaderEvent
from drivers.readers.sdt import SdtReader
from drivers.recording import Entry, Recorder, Recording, read_recording
from sim.cli import sim
from sim.clock import Run
from sim.devices.card import Card, CardKind
from sim.devices.idreader import SimIdReader
from sim.expose import ExposedPty
from sim.faults import Fault, FaultyLine
from sim.memory import MemoryCable
from sim.recording import RecordedDevice, RecordingLine

ENOUGH_S = 20
POLL_S = 0.005
READ_REPLY_BYTES = 1000  # only a read reply is longer
CARDS = [
    Card(number="11010519491231002", name="张三丰"),
    Card(number="44030819990110151", name="李四", kind=CardKind.HMT_PERMIT),
    Card(number="91112419810803002", name="安娜", kind=CardKind.FOREIGN_2023),
]
NUMBERS = [card.number for card in CARDS]


def one_read_damaged() -> Fault:
    """A line that turns one bit of the first long reply."""
    bits = [1]

    def fault(data: bytes, _random: Random) -> Iterator[bytes]:
        if len(data) > READ_REPLY_BYTES and bits:
            data = data[:-1] + bytes([data[-1] ^ bits.pop()])
        yield data

    return fault


async def record(path: Path, link: Path, *, faulty: bool) -> list[ReaderEvent]:
    """Read every card over a pty, as `sim idreader --record` does."""
    events: list[ReaderEvent] = []
    async with asyncio.timeout(ENOUGH_S), ExposedPty(link) as exposed:
        with Recorder(path, "sdt", asyncio.get_running_loop().time) as recorder:
            tap = RecordingLine(exposed)
            tap.recorder = recorder
            line = FaultyLine(tap, one_read_damaged(), seed=0) if faulty else tap
            reader = SimIdReader(line)
            module = asyncio.create_task(reader.run())
            port = await open_port(exposed.url)
            reader.present(CARDS[0])
            async for event in SdtReader(port, poll_s=POLL_S).events():
                events.append(event)
                read = sum(isinstance(event, CardRead) for event in events)
                if read == len(CARDS):
                    break
                reader.present(CARDS[read])
            await port.close()
            module.cancel()
    return events


async def play(recording: Recording, link: Path) -> list[ReaderEvent]:
    """What the driver makes of a recording on a pty, until its end."""
    events: list[ReaderEvent] = []
    exposed = ExposedPty(link)
    async with asyncio.timeout(ENOUGH_S), asyncio.TaskGroup() as tasks:
        async with exposed:
            device = tasks.create_task(RecordedDevice(exposed, recording).run())
            port = await open_port(exposed.url)

            async def drive() -> None:
                with contextlib.suppress(PortGone):
                    await _collect(port, events)

            driving = tasks.create_task(drive())
            await device
            await asyncio.sleep(0.1)  # what it said last is on its way
        await driving
        await port.close()
    return events


async def _collect(port: BytePort, events: list[ReaderEvent]) -> None:
    async for event in SdtReader(port, poll_s=POLL_S).events():
        events.append(event)  # noqa: PERF401  # what was heard counts, though the port goes


def numbers(events: Sequence[ReaderEvent]) -> list[str]:
    return [event.number for event in events if isinstance(event, CardRead)]


@pytest.mark.parametrize("faulty", [False, True], ids=["clean", "damaged"])
def test_recorded_masked_and_replayed_every_card_is_its_specimen(
    tmp_path: Path, faulty: bool
) -> None:
    path = tmp_path / "recording"
    live = asyncio.run(record(path, tmp_path / "reader", faulty=faulty))
    assert numbers(live) == NUMBERS

    text = path.read_text()
    for card in CARDS:
        assert card.name.encode("utf-16-le").hex() not in text
        assert card.number[6:14].encode("utf-16-le").hex() not in text

    replayed = asyncio.run(play(read_recording(path), tmp_path / "replayed"))
    assert [type(event) for event in replayed] == [type(event) for event in live]
    for before, after in zip(live, replayed, strict=True):
        if isinstance(before, CardTrouble):
            assert after == before
        elif isinstance(before, CardRead):
            assert isinstance(after, CardRead)
            assert (after.document, after.number_is_valid) == (before.document, True)
    assert len(set(numbers(replayed))) == len(CARDS)
    assert not set(numbers(replayed)) & set(NUMBERS)


def test_the_commands_record_and_replay(tmp_path: Path) -> None:
    deck, path, link = tmp_path / "deck.csv", tmp_path / "recording", tmp_path / "reader"
    deck.write_text(f"number,name\n{NUMBERS[0]},张三丰\n", encoding="utf-8")

    def first_card(*options: str | Path) -> CardRead:
        command = [sys.executable, "-u", "-m", "sim.cli", "idreader", "--link", link, *options]
        with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout is not None
                assert str(link).encode() in process.stdout.readline()
                return asyncio.run(_first_card(f"serial://{link}"))
            finally:
                process.terminate()
                process.wait()

    assert first_card("--deck", deck, "--record", path).number == NUMBERS[0]
    specimen = first_card("--replay", path)
    assert specimen.name == "样本"
    assert specimen.number_is_valid


async def _first_card(url: str) -> CardRead:
    port = await open_port(url)
    try:
        async with asyncio.timeout(ENOUGH_S):
            async for event in SdtReader(port, poll_s=POLL_S).events():
                if isinstance(event, CardRead):
                    return event
    finally:
        await port.close()
    raise AssertionError("events() ended")


def test_what_is_not_replayed(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    options = ["idreader", "--link", str(tmp_path / "reader"), "--replay", str(path)]
    path.write_text('{"muster_recording": 1, "kind": "nmea"}\n')
    result = CliRunner().invoke(sim, options)
    assert result.exit_code == 1
    assert "is a recording of 'nmea', not of 'sdt'" in result.output
    path.write_text("[]")
    result = CliRunner().invoke(sim, options)
    assert result.exit_code == 1
    assert "line 1" in result.output
    assert CliRunner().invoke(sim, options[:3]).exit_code == 2


def test_a_receiver_replays_recordings_and_plain_sentences(tmp_path: Path) -> None:
    path, plain, link = tmp_path / "recording", tmp_path / "plain.nmea", tmp_path / "gnss"

    def gnss(*options: str | Path) -> tuple[int, str]:
        arguments = ["gnss", "--link", str(link), *map(str, options)]
        result = CliRunner().invoke(sim, arguments)
        return result.exit_code, result.output.splitlines()[-1]

    made_up = ("--start", "2026-05-01T10:00:00", "--seconds", "2", "--speed", "100")
    assert gnss(*made_up, "--record", path) == (0, "end")
    recording = read_recording(path)
    sentences = b"".join(entry.data for entry in recording.entries)
    assert recording.kind == "nmea"
    assert b"$GNRMC,100000.00,A,3039" in sentences
    assert gnss("--replay", path) == (0, "end")
    assert gnss("--replay", path, "--speed", "2")[0] == 2
    plain.write_bytes(sentences)
    assert gnss("--replay", plain, "--speed", "100", "--seconds", "3") == (0, "end")


def entries(*said: tuple[float, str, bytes]) -> Recording:
    return Recording(
        "nmea",
        [Entry(t_s, "host" if who == "host" else "device", data.hex()) for t_s, who, data in said],
    )


def test_a_talker_talks_by_time_and_an_answer_waits_for_its_question(run: Run) -> None:
    recording = entries(
        (1.0, "device", b"hello"),
        (1.5, "device", b"again"),
        (2.0, "host", b"who"),
        (2.0, "host", b"?"),
        (2.25, "device", b"me"),
    )

    async def main() -> list[tuple[float, bytes]]:
        cable = MemoryCable()

        async def heard() -> tuple[float, bytes]:
            data = await cable.host.read()
            return round(asyncio.get_running_loop().time(), 3), data

        device = asyncio.create_task(RecordedDevice(cable.device, recording).run())
        unasked = [await heard(), await heard()]
        await asyncio.sleep(60)
        await cable.host.write(b"wh")
        await asyncio.sleep(1)
        await cable.host.write(b"o?")
        asked = await heard()
        await device
        return [*unasked, asked]

    assert run(main()) == [(1.0, b"hello"), (1.5, b"again"), (62.75, b"me")]


def test_a_host_may_leave_out_a_question_and_ask_a_strange_one(run: Run) -> None:
    recording = entries(
        (0.0, "host", b"id"),
        (0.1, "device", b"7"),
        (0.2, "host", b"find"),
        (0.3, "device", b"none"),
    )
    strange = []

    async def main() -> bytes:
        cable = MemoryCable()
        device = RecordedDevice(
            cable.device, recording, speed=0, on_stranger=lambda: strange.append(1)
        )
        playing = asyncio.create_task(device.run())
        await cable.host.write(b"status")
        await asyncio.sleep(1)
        await cable.host.write(b"find")
        answer = await cable.host.read()
        await playing
        return answer

    assert run(main()) == b"none"
    assert strange == [1]


def test_a_host_that_asks_on_unanswered_is_answered_when_it_was(run: Run) -> None:
    """Two questions without an answer are one turn: the device was still starting."""
    recording = entries(
        (0.0, "host", b"id"),
        (1.0, "host", b"id"),
        (1.1, "device", b"7"),
        (1.2, "host", b"id"),
        (1.3, "device", b"8"),
    )

    async def main() -> list[bytes]:
        cable, answers = MemoryCable(), []
        playing = asyncio.create_task(RecordedDevice(cable.device, recording).run())
        await cable.host.write(b"id")
        await asyncio.sleep(5)
        assert not cable.host.received
        for _ in range(2):
            await cable.host.write(b"id")
            answers.append(await cable.host.read())
        await playing
        return answers

    assert run(main()) == [b"7", b"8"]
