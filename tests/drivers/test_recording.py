"""Recordings: written in order and masked, read back whole or refused with a reason."""

import asyncio
import json
import stat
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DriverConfigError, PortGone
from drivers.masks.base import MASKS, Masks, masks_of
from drivers.recording import (
    QUIET_S,
    Entry,
    Recorder,
    RecordingError,
    RecordingPort,
    Source,
    looks_like_recording,
    read_recording,
)
from sim.clock import Run
from sim.memory import MemoryCable

RMC = b"$GNRMC,,V,,,,,,,,,,N,V*37\r\n"


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.recording"


def test_times_pieces_and_order_are_kept(path: Path) -> None:
    clock = Clock()
    with Recorder(path, "nmea", clock) as recorder:
        recorder.take("device", RMC[:5])
        clock.now_s += 0.25
        recorder.take("host", b"?")
        recorder.take("device", b"")
        recorder.take("device", RMC[5:])
    recording = read_recording(path)
    assert recording.kind == "nmea"
    assert [(entry.t_s, entry.source, entry.data) for entry in recording.entries] == [
        (0.0, "device", RMC[:5]),
        (0.25, "host", b"?"),
        (0.25, "device", RMC[5:]),
    ]
    assert looks_like_recording(path)


def test_a_recording_is_private_and_never_overwrites(path: Path) -> None:
    Recorder(path, "nmea", Clock()).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        Recorder(path, "nmea", Clock())


def test_what_cannot_be_masked_is_not_recorded(path: Path) -> None:
    with pytest.raises(DriverConfigError, match="cannot be recorded"):
        Recorder(path, "telepathy", Clock())
    assert not path.exists()


def test_what_is_known_is_on_the_disk_at_once(path: Path) -> None:
    recorder = Recorder(path, "nmea", Clock())
    recorder.take("device", RMC)
    assert len(path.read_text().splitlines()) == 2
    recorder.close()


@given(
    st.lists(
        st.tuples(st.sampled_from(["host", "device"]), st.binary(max_size=60), st.floats(0, 1)),
        max_size=20,
    ),
    st.sampled_from(sorted(MASKS)),
)
def test_nothing_is_lost_or_reordered_whatever_comes(
    tmp_path_factory: pytest.TempPathFactory, takes: list[tuple[Source, bytes, float]], kind: str
) -> None:
    path, clock = tmp_path_factory.mktemp("recording") / "r", Clock()
    expected = []
    with Recorder(path, kind, clock) as recorder:
        for source, data, pause_s in takes:
            clock.now_s += pause_s
            recorder.take(source, data)
            if data:
                expected.append((source, len(data)))
    entries = read_recording(path).entries
    assert [(entry.source, len(entry.data)) for entry in entries] == expected


class HoldsBack:
    """A mask that decides at the end of a line, and blanks what has none."""

    def __init__(self) -> None:
        self.held = bytearray()

    def feed(self, data: bytes) -> bytes:
        self.held += data
        end = self.held.rfind(b"\n") + 1
        decided, self.held = bytes(self.held[:end]), self.held[end:]
        return decided

    def end(self) -> bytes:
        blank, self.held = bytes(len(self.held)), bytearray()
        return blank


def test_held_back_bytes_keep_their_place(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "drivers.recording.masks_of", lambda _: Masks(host=HoldsBack(), device=HoldsBack())
    )
    clock = Clock()
    recorder = Recorder(path, "nmea", clock)
    recorder.take("device", b"half")
    recorder.take("host", b"go\n")
    assert read_recording(path).entries == []  # what came first is not decided yet
    clock.now_s += QUIET_S
    recorder.take("host", b"on\n")
    recorder.take("device", b"whole\n")
    recorder.close()
    said = [(entry.source, entry.data) for entry in read_recording(path).entries]
    assert said == [
        ("device", bytes(4)),
        ("host", b"go\n"),
        ("host", b"on\n"),
        ("device", b"whole\n"),
    ]


@pytest.mark.parametrize("kind", sorted(MASKS))
@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300)))
def test_every_mask_keeps_the_number_of_bytes(kind: str, data: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[a:b] for a, b in pairwise(places)]
    for side in ("host", "device"):
        mask = getattr(masks_of(kind), side)
        masked = b"".join(mask.feed(piece) for piece in pieces) + mask.end()
        assert len(masked) == len(data)
        assert mask.end() == b""


HEADER = '{"muster_recording": 1, "kind": "sdt"}\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "nothing recorded"),
        ("$GPRMC,,,\n", "line 1"),
        ('{"muster_recording": 2, "kind": "sdt"}\n', "line 1"),
        ('{"muster_recording": 1}\n', "line 1"),
        (HEADER + "{}\n", "line 2"),
        (HEADER + '{"t_s": -1, "from": "host", "hex": "00"}\n', "line 2"),
        (HEADER + '{"t_s": 1e999, "from": "host", "hex": "00"}\n', "line 2"),
        (HEADER + '{"t_s": 0, "from": "moon", "hex": "00"}\n', "line 2"),
        (HEADER + '{"t_s": 0, "from": "host", "hex": "0"}\n', "line 2"),
        (HEADER + '{"t_s": 0, "from": "host", "hex": ""}\n', "line 2"),
        (HEADER + '{"t_s": 0, "from": "host", "hex": "00", "more": 1}\n', "line 2"),
        (
            HEADER
            + '{"t_s": 2, "from": "host", "hex": "00"}\n{"t_s": 1, "from": "host", "hex": "00"}\n',
            "line 3: the time goes back",
        ),
    ],
)
def test_what_is_no_recording(path: Path, text: str, complaint: str) -> None:
    path.write_text(text)
    with pytest.raises(RecordingError, match=complaint):
        read_recording(path)


@given(st.binary(max_size=200), st.booleans())
def test_the_reader_is_total(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, with_header: bool
) -> None:
    path = tmp_path_factory.mktemp("recording") / "r"
    path.write_bytes(HEADER.encode() * with_header + data)
    try:
        recording = read_recording(path)
    except RecordingError:
        return
    assert all(isinstance(entry, Entry) and entry.data for entry in recording.entries)


def test_a_port_is_recorded_both_ways(run: Run, path: Path) -> None:
    async def main() -> None:
        cable = MemoryCable()
        with Recorder(path, "nmea", asyncio.get_running_loop().time) as recorder:
            port = RecordingPort(cable.host, recorder)
            await port.write(b"ask")
            assert await cable.device.read() == b"ask"
            await cable.device.write(RMC)
            assert await port.read() == RMC
            await port.close()
            await port.close()
            with pytest.raises(PortGone):
                await port.read()

    run(main())
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0] == {"muster_recording": 1, "kind": "nmea"}
    assert [(line["from"], bytes.fromhex(line["hex"])) for line in lines[1:]] == [
        ("host", b"ask"),
        ("device", RMC),
    ]
