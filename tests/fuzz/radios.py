"""Radio modems: packets behind one another, and what a modem answers while it is set up."""

from collections.abc import Mapping, Sequence
from random import Random

from drivers.radios.e22_frames import E22, E220, Dialect, Mode, has_switched
from drivers.radios.e22_packets import LENGTH_BYTES, Packet, PacketSplitter, pack, rssi_dbm
from drivers.radios.e32_frames import E32
from drivers.radios.meshtastic_messages import MAX_FRAME_BYTES, ONLY_CONFIG, ConfigComplete
from drivers.radios.meshtastic_messages import Packet as MeshPacket
from drivers.radios.meshtastic_stream import (
    HEADER_BYTES,
    MAX_MESSAGE_BYTES,
    START,
    MessageSplitter,
)
from drivers.radios.meshtastic_stream import pack as pack_message
from tests.fuzz.row import Feed, Row

STEP_S = 0.001
QUIET_S = 1.0  # above the pause that ends a packet
ANSWER_BYTES = 300  # above any answer, with junk around it
_DIALECTS: Sequence[Dialect] = (E22, E220, E32)
_LONGEST_BYTES = E22.packet_bytes - LENGTH_BYTES


def _packets() -> Feed:
    splitter = PacketSplitter(longest_bytes=_LONGEST_BYTES, has_rssi=True)
    now_s = [0.0]
    answer = bytearray()

    def feed(data: bytes) -> Sequence[object]:
        now_s[0] += STEP_S
        answer.extend(data)
        del answer[:-ANSWER_BYTES]
        _read_answer(bytes(answer))
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


def _messages() -> Feed:
    splitter = MessageSplitter()

    def feed(data: bytes) -> Sequence[object]:
        return list(splitter.feed(data))

    return Feed(feed, lambda: list(splitter.give_up()), lambda: len(splitter.pending))


def _message(random: Random) -> tuple[bytes, object]:
    """A frame to all on port 256, at -7 dBm; now and then the end of the configuration."""
    if random.random() < 0.2:
        return pack_message(bytes.fromhex("38 ac9e04")), ConfigComplete(ONLY_CONFIG)
    frame = random.randbytes(random.randint(1, MAX_FRAME_BYTES))
    data = bytes.fromhex("08 8002") + _blob(2, frame)
    packet = (
        bytes.fromhex("15 ffffffff") + _blob(4, data) + bytes.fromhex("60 f9ffffffffffffffff01")
    )
    return pack_message(_blob(2, packet)), MeshPacket(frame, -7, 0.0)


def _blob(number: int, value: bytes) -> bytes:
    size = len(value)
    length = bytes([size]) if size < 0x80 else bytes([size & 0x7F | 0x80, size >> 7])
    return bytes([number << 3 | 2]) + length + value


RADIOS: Mapping[str, Row] = {
    "e22": Row(
        _packets, _packet, E22.packet_bytes + 1, pack(bytes(_LONGEST_BYTES))[:1] + b"\xc1\x00\x09"
    ),
    "meshtastic": Row(
        _messages, _message, HEADER_BYTES + MAX_MESSAGE_BYTES, START + bytes([0x02, 0x00])
    ),
}
