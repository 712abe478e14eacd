"""Satellite time for chronyd: the datagram, and a real chronyd that takes it."""

import logging
import socket
import struct
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drivers.gnss.chrony import FRESH_S, MAGIC, SAMPLE, ChronySocket, pack_sample
from tests.chrony_process import ChronyProcess

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
NOON_NS = int(NOON.timestamp()) * 10**9
ENOUGH_S = 30.0
WRONG_BY_S = 12.5
CONFIGURED_OFFSET_S = 0.15  # firmware/chrony/muster.conf
BETWEEN_S = 0.2


def test_the_datagram_is_that_of_chrony() -> None:
    sample = pack_sample(NOON + timedelta(seconds=1.5), NOON_NS + 250_000_999)
    assert len(sample) == 40
    seconds, microseconds, offset_s, pulse, leap, _, magic = struct.unpack("<qqdiiii", sample)
    assert (seconds, microseconds) == (NOON_NS // 10**9, 250_000)
    assert offset_s == 1.25
    assert (pulse, leap, magic) == (0, 0, 0x534F434B)


class Rig:
    """A stand-in for chronyd's end of the socket, and clocks to turn."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "sock"
        self.mono_s = 1000.0
        self.end: socket.socket | None = None
        self.clock = ChronySocket(
            self.path, monotonic_s=lambda: self.mono_s, wall_ns=lambda: NOON_NS
        )

    def listen(self) -> None:
        self.path.unlink(missing_ok=True)
        self.end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.end.bind(str(self.path))

    def offset_s(self) -> float:
        assert self.end is not None
        offset: float = SAMPLE.unpack(self.end.recv(100))[2]
        return offset

    def close(self) -> None:
        self.clock.close()
        if self.end is not None:
            self.end.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.close()


def test_the_time_between_receiving_and_giving_is_taken_off(rig: Rig) -> None:
    rig.listen()
    rig.mono_s += 0.5
    assert rig.clock.give(NOON, 1000.0)
    assert rig.offset_s() == pytest.approx(0.5)  # it was noon when our clock lacked half a second


@pytest.mark.parametrize("age_s", [FRESH_S, 60.0, -0.1])
def test_a_time_that_lay_about_is_not_given(rig: Rig, age_s: float) -> None:
    rig.listen()
    rig.mono_s += age_s
    assert not rig.clock.give(NOON, 1000.0)


def test_chrony_may_come_and_go(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert not rig.clock.give(NOON, 1000.0)
    assert not rig.clock.give(NOON, 1000.0)
    rig.listen()
    assert rig.clock.give(NOON, 1000.0)
    assert rig.end is not None
    rig.end.close()
    assert not rig.clock.give(NOON, 1000.0)
    rig.listen()
    assert rig.clock.give(NOON, 1000.0)
    assert [record.message.split(":")[0] for record in caplog.records] == [
        "chrony does not take satellite time",
        "chrony takes satellite time",
    ] * 2


def test_a_chrony_that_sleeps_never_blocks_us(rig: Rig) -> None:
    rig.listen()
    given = [rig.clock.give(NOON, 1000.0) for _ in range(10_000)]
    assert given[0]
    assert not given[-1]


@pytest.mark.daemon
def test_a_real_chronyd_selects_us_and_sees_how_wrong_the_clock_is(tmp_path: Path) -> None:
    with ChronyProcess(tmp_path) as chrony:
        clock = ChronySocket(chrony.socket, monotonic_s=time.monotonic)
        assert chrony.ask("sources")[0][:3] == ["#", "?", "GNSS"]
        deadline = time.monotonic() + ENOUGH_S
        while chrony.ask("tracking")[0][1] != "GNSS":
            assert time.monotonic() < deadline, chrony.log
            true = datetime.now(UTC) + timedelta(seconds=WRONG_BY_S)
            assert clock.give(true, time.monotonic())
            time.sleep(BETWEEN_S)
        clock.close()
        mode, state, name, stratum, *_, offset_s, _ = chrony.ask("sources")[0]
        last_offset_s = chrony.ask("tracking")[0][5]
    assert (mode, state, name, stratum) == ("#", "*", "GNSS", "0")
    wrong_by_s = WRONG_BY_S + CONFIGURED_OFFSET_S
    assert float(offset_s) == pytest.approx(-wrong_by_s, abs=0.01)  # chronyc: ours minus true
    assert float(last_offset_s) == pytest.approx(-wrong_by_s, abs=0.01)
    assert "System clock wrong by 12.6" in chrony.log


@pytest.mark.daemon
def test_chronyd_takes_nothing_that_is_no_sample(tmp_path: Path) -> None:
    with ChronyProcess(tmp_path) as chrony:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            for _ in range(20):
                sample = bytearray(pack_sample(datetime.now(UTC), time.time_ns()))
                sample[-4:] = (MAGIC ^ 1).to_bytes(4, "little")
                other.sendto(sample, str(chrony.socket))
                time.sleep(BETWEEN_S)
        assert chrony.ask("sources")[0][5] == "0"  # reach: nothing came
