"""u-blox packets between sentences: found whatever surrounds them, and no sentence lost to them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.gnss.base import Antenna, SelfReport
from drivers.gnss.sentences import SentenceFramer
from drivers.gnss.ubx import (
    MAX_PAYLOAD_BYTES,
    MON_HW,
    SEC_SIG,
    SYNC,
    UbxFrame,
    UbxFramer,
    read_report,
)

ACK = bytes.fromhex("b5 62 05 01 02 00 06 8a 98 c1")
"""UBX-ACK-ACK of UBX-CFG-VALSET, as receivers send it."""
GGA = b"$GPGGA,030719.000,3747.0873,S,17518.8938,E,1,08,1.1,59.9,M,23.7,M,,0000*7D"


def packed(message: tuple[int, int], payload: bytes) -> bytes:
    body = bytes(message) + len(payload).to_bytes(2, "little") + payload
    first = second = 0
    for byte in body:
        first = (first + byte) % 256
        second = (second + first) % 256
    return SYNC + body + bytes((first, second))


def fed(*pieces: bytes) -> list[UbxFrame]:
    framer = UbxFramer()
    return [frame for piece in pieces for frame in framer.feed(piece)]


def test_worked_example() -> None:
    assert fed(ACK) == [UbxFrame((0x05, 0x01), bytes.fromhex("06 8a"))]
    assert packed((0x05, 0x01), bytes.fromhex("06 8a")) == ACK


@pytest.mark.parametrize(
    "torn",
    [
        ACK[:-1] + b"\x00",
        SYNC,
        SYNC[:1],
        ACK[:4],
        SYNC + bytes((1, 7)) + (MAX_PAYLOAD_BYTES + 1).to_bytes(2, "little"),
    ],
)
def test_a_damaged_packet_costs_only_itself(torn: bytes) -> None:
    # What follows a packet that was cut short is first taken for the rest of it.
    assert fed(torn + ACK + bytes(MAX_PAYLOAD_BYTES))[:1] == fed(ACK)


def test_the_longest_packet() -> None:
    longest = packed((1, 2), bytes(MAX_PAYLOAD_BYTES))
    assert [len(frame.payload) for frame in fed(longest)] == [MAX_PAYLOAD_BYTES]
    assert fed(packed((1, 2), bytes(MAX_PAYLOAD_BYTES + 1)) + ACK) == fed(ACK)


def test_memory_is_bounded() -> None:
    framer = UbxFramer()
    for _ in range(100):
        framer.feed(SYNC + b"\x01\x07\xff\x03" + bytes(500))
    assert len(framer._pending) <= MAX_PAYLOAD_BYTES + 8


@given(st.lists(st.binary(max_size=200), max_size=10))
def test_any_bytes_never_raise_and_never_depend_on_where_they_are_cut(pieces: list[bytes]) -> None:
    assert fed(*pieces) == fed(b"".join(pieces))


messages = st.tuples(st.integers(0, 255), st.integers(0, 255))
packets = st.builds(packed, messages, st.binary(max_size=80))
noise = st.binary(max_size=40).map(lambda raw: raw.replace(b"\xb5", b"\x00").replace(b"$", b"\x00"))
parts = st.lists(st.one_of(packets, noise, st.just(GGA + b"\r\n")), max_size=12)


@given(parts)
def test_packets_and_sentences_on_one_line_are_all_found(sent: list[bytes]) -> None:
    line = b"".join(sent)
    framer = SentenceFramer()
    assert len(framer.feed(line)) == sent.count(GGA + b"\r\n")
    expected = [packet for packet in sent if packet.startswith(SYNC)]
    assert [packed(frame.message, frame.payload) for frame in fed(line)] == expected


@given(st.binary(max_size=100))
def test_a_false_head_before_sentences_holds_none_of_them_back(head: bytes) -> None:
    framer = SentenceFramer()
    line = SYNC + head.replace(b"$", b"\x00") + b"\r\n" + GGA
    assert framer.feed(line) == [GGA.decode()]


@given(messages, st.binary(max_size=80))
def test_any_payload_is_read_or_passed_over(message: tuple[int, int], payload: bytes) -> None:
    report = read_report(UbxFrame(message, payload))
    assert report is None or message in {MON_HW, SEC_SIG}


@given(st.sampled_from([MON_HW, SEC_SIG]), st.binary(max_size=80))
def test_any_payload_of_the_two_that_are_read(message: tuple[int, int], payload: bytes) -> None:
    read_report(UbxFrame(message, payload))


def sec_sig_v1(*, jam: int = 0, spoof: int = 0) -> bytes:
    return bytes((1, 0, 0, 0, jam, 0, 0, 0, spoof, 0, 0, 0))


@pytest.mark.parametrize(
    ("payload", "report"),
    [
        (sec_sig_v1(), SelfReport()),
        (sec_sig_v1(jam=0b011, spoof=0b0011), SelfReport(jammed=False, spoofed=False)),
        (sec_sig_v1(jam=0b101), SelfReport(jammed=True)),
        (sec_sig_v1(jam=0b111), SelfReport(jammed=True)),
        (sec_sig_v1(spoof=0b0101), SelfReport(spoofed=True)),
        (sec_sig_v1(spoof=0b0111), SelfReport(spoofed=True)),
        (sec_sig_v1(jam=0b100, spoof=0b0100), SelfReport()),  # detectors switched off
        (bytes((2, 0b010_1_01_1, 0, 0)), SelfReport(jammed=False, spoofed=True)),
        (bytes((2, 0b001_1_10_1, 0, 1, 0, 0, 0, 1)), SelfReport(jammed=True, spoofed=False)),
    ],
)
def test_sec_sig(payload: bytes, report: SelfReport) -> None:
    assert read_report(UbxFrame(SEC_SIG, payload)) == report


@pytest.mark.parametrize("payload", [b"", b"\x01", bytes((1, 0, 0, 0)), bytes((9, 0, 0, 0))])
def test_sec_sig_of_another_length_or_version_says_nothing(payload: bytes) -> None:
    assert read_report(UbxFrame(SEC_SIG, payload)) is None


def mon_hw(*, antenna: int = 1, state: int = 0, indicator: int = 0) -> bytes:
    payload = bytearray(60)
    payload[20], payload[22], payload[45] = antenna, state << 2, indicator
    return bytes(payload)


@pytest.mark.parametrize(
    ("payload", "report"),
    [
        (mon_hw(indicator=7), SelfReport(jam_indicator=7)),
        (mon_hw(antenna=2, state=1), SelfReport(False, False, 0, Antenna.OK)),
        (mon_hw(antenna=3, state=2), SelfReport(None, True, 0, Antenna.SHORT)),
        (mon_hw(antenna=4, state=3), SelfReport(None, True, 0, Antenna.OPEN)),
    ],
)
def test_mon_hw(payload: bytes, report: SelfReport) -> None:
    found = read_report(UbxFrame(MON_HW, payload))
    assert found is not None
    assert (found.jammed, found.jam_indicator, found.antenna) == (
        report.jammed,
        report.jam_indicator,
        report.antenna,
    )


def test_mon_hw_of_another_length_says_nothing() -> None:
    assert read_report(UbxFrame(MON_HW, bytes(68))) is None
