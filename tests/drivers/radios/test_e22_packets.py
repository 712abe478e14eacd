from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from drivers.radios.e22_packets import PACKET_GAP_S, Packet, PacketSplitter, pack, rssi_dbm

LONGEST = 239
FRAMES = st.lists(st.binary(min_size=1, max_size=LONGEST), max_size=6)


def splitter(*, has_rssi: bool = True) -> PacketSplitter:
    return PacketSplitter(longest_bytes=LONGEST, has_rssi=has_rssi)


def test_no_packet_begins_like_a_command() -> None:
    marks = [pack(bytes(size))[0] for size in range(1, LONGEST + 1)]
    assert not {0xC0, 0xCF} & set(marks)
    assert len(set(marks)) == LONGEST
    assert all(one < other for one, other in pairwise(marks))
    assert (marks[0xC0 - 1], marks[0xCE - 1]) == (0xC1, 0xD0)


@given(FRAMES, st.booleans(), st.data())
def test_packets_come_out_in_any_cut(
    frames: list[bytes], has_rssi: bool, data: st.DataObject
) -> None:
    stream = b"".join(pack(frame) + b"\xa6" * has_rssi for frame in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    packets = splitter(has_rssi=has_rssi)
    out = []
    for start, end in pairwise([0, *cuts, len(stream)]):
        out += packets.feed(stream[start:end], now_s=0.0) if start < end else []
    assert out == [Packet(frame, 0xA6 if has_rssi else None) for frame in frames]
    assert packets.damaged == 0
    assert packets.ends_at_s is None


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=5), st.binary(min_size=1))
def test_after_any_garbage_and_a_pause_the_next_packet_is_whole(
    garbage: list[bytes], frame: bytes
) -> None:
    frame = frame[:LONGEST]
    packets = splitter()
    for burst in garbage:
        packets.feed(burst, now_s=0.0)
    later_s = 2 * PACKET_GAP_S
    assert packets.feed(pack(frame) + b"\x01", later_s) == [Packet(frame, 1)]


def test_a_torn_packet_is_dropped_once_it_is_silent() -> None:
    packets = splitter()
    assert packets.feed(pack(b"torn apart")[:-2], now_s=1.0) == []
    assert packets.ends_at_s == 1.0 + PACKET_GAP_S
    packets.give_up(1.0 + PACKET_GAP_S / 2)
    assert packets.damaged == 0
    packets.give_up(1.0 + PACKET_GAP_S)
    assert packets.damaged == 1
    assert packets.ends_at_s is None


def test_strangers_packet_is_dropped_to_its_end() -> None:
    packets = splitter()
    assert packets.feed(b"\xffhello", now_s=1.0) == []
    assert packets.feed(pack(b"part of it"), now_s=1.01) == []
    packets.give_up(2.0)
    assert packets.damaged == 1


def test_signal_strength() -> None:
    assert rssi_dbm(0xA6) == -90
