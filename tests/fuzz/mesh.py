"""The stream of a Meshtastic node: messages behind one another."""

from collections.abc import Mapping, Sequence
from random import Random

from drivers.radios.meshtastic_messages import (
    MAX_FRAME_BYTES,
    ONLY_CONFIG,
    ConfigComplete,
    Packet,
)
from drivers.radios.meshtastic_stream import (
    HEADER_BYTES,
    MAX_MESSAGE_BYTES,
    START,
    MessageSplitter,
    pack,
)
from tests.fuzz.row import Feed, Row

_COMPLETE = bytes.fromhex("38 ac9e04")
_TO_ALL, _ON_256 = bytes.fromhex("15 ffffffff"), bytes.fromhex("08 8002")
_AT_MINUS_7_DBM = bytes.fromhex("60 f9ffffffffffffffff01")


def _messages() -> Feed:
    splitter = MessageSplitter()

    def feed(data: bytes) -> Sequence[object]:
        return list(splitter.feed(data))

    return Feed(feed, lambda: list(splitter.give_up()), lambda: len(splitter.pending))


def _message(random: Random) -> tuple[bytes, object]:
    """A frame; now and then the end of the configuration."""
    if random.random() < 0.2:
        return pack(_COMPLETE), ConfigComplete(ONLY_CONFIG)
    frame = random.randbytes(random.randint(1, MAX_FRAME_BYTES))
    packet = _TO_ALL + _blob(4, _ON_256 + _blob(2, frame)) + _AT_MINUS_7_DBM
    return pack(_blob(2, packet)), Packet(frame, -7, 0.0)


def _blob(number: int, value: bytes) -> bytes:
    size = len(value)
    length = bytes([size]) if size < 0x80 else bytes([size & 0x7F | 0x80, size >> 7])
    return bytes([number << 3 | 2]) + length + value


MESH: Mapping[str, Row] = {
    "meshtastic": Row(
        _messages, _message, HEADER_BYTES + MAX_MESSAGE_BYTES, START + bytes([0x02, 0x00])
    ),
}
