"""Radio modems: packets behind one another, what a modem answers while it is set up, and lines."""

from collections.abc import Mapping, Sequence
from random import Random

from drivers.radios.e22_frames import E22, E220, Dialect, Mode, has_switched
from drivers.radios.e22_packets import LENGTH_BYTES, Packet, PacketSplitter, pack, rssi_dbm
from drivers.radios.e32_frames import E32
from drivers.radios.rak3172_lines import LINE_MAX_BYTES, MAX_FRAME_BYTES, LineSplitter
from drivers.radios.rak3172_lines import Packet as LinePacket
from tests.fuzz.row import Feed, Row

STEP_S = 0.001
QUIET_S = 1.0  # above the pause that ends a packet
ANSWER_BYTES = 64  # a few times the longest answer, with what is before and behind it
_DIALECTS: Sequence[Dialect] = (E22, E220, E32)
_LONGEST_BYTES = E22.packet_bytes - LENGTH_BYTES


def _packets() -> Feed:
    splitter = PacketSplitter(longest_bytes=_LONGEST_BYTES, has_rssi=True)
    now_s = [0.0]
    answer = bytearray()

    def feed(data: bytes) -> Sequence[object]:
        now_s[0] += STEP_S
        answer.extend(data)
        if len(answer) >= ANSWER_BYTES:
            _read_answer(bytes(answer))
            answer.clear()
        packets = splitter.feed(data, now_s[0])
        for packet in packets:
            assert packet.rssi is not None
            assert rssi_dbm(packet.rssi) < 0
        return packets

    def quiet() -> Sequence[object]:
        now_s[0] += QUIET_S
        splitter.give_up(now_s[0])
        return ()

    return Feed(feed, quiet, lambda: len(splitter._pending))


def _read_answer(received: bytes) -> None:
    """As the driver does it while it sets a modem up."""
    for mode in Mode:
        has_switched(received, mode)
    for dialect in _DIALECTS:
        dialect.identity(received)
        registers = dialect.found(received)
        if registers is not None:
            dialect.agrees(registers, bytes(len(registers)))


def _packet(random: Random) -> tuple[bytes, object]:
    frame = random.randbytes(random.randint(1, _LONGEST_BYTES))
    rssi = random.randrange(256)
    return pack(frame) + bytes([rssi]), Packet(frame, rssi)


def _lines() -> Feed:
    lines = LineSplitter()
    return Feed(lines.feed, tuple, lambda: len(lines._pending))


def _event(random: Random) -> tuple[bytes, object]:
    """The line end in front ends whatever noise has begun."""
    frame = random.randbytes(random.randint(1, MAX_FRAME_BYTES))
    rssi_dbm, snr_db = random.randint(-130, -20), random.randint(-20, 12)
    line = f"\r\n+EVT:RXP2P:{rssi_dbm}:{snr_db}:{frame.hex().upper()}\r\n"
    return line.encode(), LinePacket(frame, rssi_dbm, snr_db)


_LONGEST_MARK = pack(bytes(_LONGEST_BYTES))[:LENGTH_BYTES]
RADIOS: Mapping[str, Row] = {
    "e22": Row(_packets, _packet, E22.packet_bytes + 1, _LONGEST_MARK + b"\xc1\x00\x09"),
    "rak3172": Row(_lines, _event, LINE_MAX_BYTES + 1, b"+EVT:RXP2P:-93:"),
}
