"""Lines of a RAK3172, whole, torn, noisy and of anything at all."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DriverConfigError
from drivers.radios.rak3172_lines import (
    LINE_MAX_BYTES,
    RECEIVE,
    Event,
    Line,
    LineSplitter,
    Packet,
    Status,
    Value,
    ask,
    put,
    send,
    understand,
)
from drivers.radios.rak3172_settings import RakSettings

SITE = RakSettings(frequency_hz=471_100_000)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"OK", Status.OK),
        (b"AT_BUSY_ERROR", Status.BUSY_ERROR),
        (b"AT_COMMAND_NOT_FOUND", Status.COMMAND_NOT_FOUND),
        (b"AT+P2P=868000000:7:0:0:8:14", Value("AT+P2P", "868000000:7:0:0:8:14")),
        (b"AT+VER=RUI_5.0.0_RAK3172-E", Value("AT+VER", "RUI_5.0.0_RAK3172-E")),
        (b"P2P_RX_ON", Value(RECEIVE, "ON")),
        (b"P2P_RX_OFF", Value(RECEIVE, "OFF")),
        (b"+EVT:TXP2P DONE", Event.SENT),
        (b"+EVT:RXP2P RECEIVE TIMEOUT", Event.NOTHING),
        (b"+EVT:RXP2P RECEIVE ERROR", Event.NOTHING),
        (b"Current Work Mode: LoRa P2P.", Event.RESTARTED),
        (b"+EVT:RXP2P:-93:7:11223344", Packet(b"\x11\x22\x33\x44", -93, 7)),
        (b"+EVT:RXP2P:-120:-12:aB", Packet(b"\xab", -120, -12)),
        (b"+EVT:RXP2P:0:0:" + b"00" * 255, Packet(bytes(255), 0, 0)),
    ],
)
def test_what_a_line_says_is_at_its_end(line: bytes, said: Line) -> None:
    assert understand(line) == said
    for before in (b"\xff\x00\x80", b"+EVT:RXP2P:-93:7:11", b"AT+P2P=8680", b"P2P_RX_O", b"A"):
        assert understand(before + line) == said


@pytest.mark.parametrize(
    "line",
    [
        b"P2P_RX_ON already",
        b"P2P_RX_ON already, please disable P2P RX before setting.",
        b"AT+P2P=?",
        b"AT",
        b"+EVT:RXP2P:-93:7:",
        b"+EVT:RXP2P:-93:7:112",
        b"+EVT:RXP2P:-93:7:11x2",
        b"+EVT:RXP2P:-9333:7:11",
        b"+EVT:RXP2P:-93:7:" + b"00" * 256,
        b"+EVT:RXP2P RECEIVE",
        b"+EVT:TXP2P DON",
        b"Current Work Mode: ",
        b"OK ",
    ],
)
def test_what_says_nothing(line: bytes) -> None:
    assert understand(line) is None


def test_a_frame_stays_out_of_the_repr() -> None:
    assert "secret" not in repr(understand(b"+EVT:RXP2P:-93:7:" + b"secret".hex().encode()))


def test_a_line_that_is_too_long_is_dropped_and_not_kept() -> None:
    lines = LineSplitter()
    assert lines.feed(b"x" * LINE_MAX_BYTES * 100) == []
    assert lines.feed(b"OK\r\n") == []
    assert lines.feed(b"OK\r\n") == [Status.OK]


TALK = (
    b"\r\nCurrent Work Mode: LoRa P2P.\r\nAT+P2P=471100000:9:0:0:8:17\r\nOK\r\n"
    b"+EVT:RXP2P:-93:7:11223344\r\nP2P_RX_ON already\r\nAT_BUSY_ERROR\r\n+EVT:TXP2P DONE\r\n"
)
SAID: list[Line] = [
    Event.RESTARTED,
    Value("AT+P2P", "471100000:9:0:0:8:17"),
    Status.OK,
    Packet(b"\x11\x22\x33\x44", -93, 7),
    Status.BUSY_ERROR,
    Event.SENT,
]


@given(st.lists(st.integers(0, len(TALK)), max_size=20))
def test_pieces_do_not_matter(cuts: list[int]) -> None:
    at = [0, *sorted(cuts), len(TALK)]
    lines = LineSplitter()
    said = [item for start, end in pairwise(at) for item in lines.feed(TALK[start:end])]
    assert said == SAID


@given(st.lists(st.binary(max_size=400) | st.sampled_from([TALK, b"+EVT:RXP2P:", b"\r\n", b"OK"])))
def test_anything_at_all_is_survived_and_what_follows_understood(pieces: list[bytes]) -> None:
    lines = LineSplitter()
    for piece in pieces:
        for item in lines.feed(piece):
            assert isinstance(item, Line)
    lines.feed(b"\r\n")
    assert lines.feed(TALK) == SAID


@given(st.binary(min_size=1, max_size=239))
def test_a_frame_comes_back_as_it_went(frame: bytes) -> None:
    command = send(frame)
    assert command.startswith(b"AT+PSEND=")
    assert command.endswith(b"\r\n")
    digits = command[len(b"AT+PSEND=") : -2]
    assert understand(b"+EVT:RXP2P:-1:1:" + digits) == Packet(frame, -1, 1)


def test_commands() -> None:
    assert ask("AT+P2P") == b"AT+P2P=?\r\n"
    assert put("AT+P2P", SITE.p2p) == b"AT+P2P=471100000:9:0:0:8:17\r\n"
    assert send(b"\x11\x22\xab") == b"AT+PSEND=1122AB\r\n"


@pytest.mark.parametrize("said", ["471100000:9:0:0:8:17", "471100000:9:125:0:8:17"])
def test_both_ways_to_tell_the_bandwidth(said: str) -> None:
    assert SITE.is_p2p(said)


@pytest.mark.parametrize(
    "said", ["", "471100000:9:1:0:8:17", "471100000:9:0:0:8:17:1", "471100000:9:0:0:8", "x"]
)
def test_other_settings(said: str) -> None:
    assert not SITE.is_p2p(said)


@pytest.mark.parametrize(
    ("frequency_hz", "spreading_factor", "bandwidth_hz", "power_dbm"),
    [
        (149_999_999, 9, 125_000, 17),
        (471_100_000, 13, 125_000, 17),
        (471_100_000, 9, 62_500, 17),
        (471_100_000, 9, 125_000, 23),
    ],
)
def test_settings_no_modem_can_have(
    frequency_hz: int, spreading_factor: int, bandwidth_hz: int, power_dbm: int
) -> None:
    with pytest.raises(DriverConfigError):
        RakSettings(frequency_hz, spreading_factor, bandwidth_hz, power_dbm)
