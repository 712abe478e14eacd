"""What a check-in costs on the air in other encodings and other framings.

A story's first check-ins fill one frame after the other, each as full as it gets; the figures are
all their bytes, or all their airtime, by their number. Where a frame does not hold even one, it is
cut into frames, at no cost for putting it together again.

Peers carry person, time, point and verdict, one row each, and no more; ours carries all of a record
but fractions of its second. Every encoding is tried in our frame, sealed with a tag of 8 bytes;
then our batch, and a lone check-in, in the frames of others. 125 kHz, 4/5.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from protocol.frames import MAX_FRAME_BYTES, OVERHEAD_BYTES
from protocol.packed import pack_batch
from sim.air.lora import LoraSettings, airtime_s
from tests.bench.harness import Figure
from tests.bench.radio_rows import ENCODINGS, Rows, in_protobuf
from tests.bench.radio_size import PREFIX_BYTES
from tests.bench.radio_stories import Story, tell_all

STORIES = 10  # of each kind, each with its own seed
CHECK_INS = 176  # of each
FRAMES: Mapping[int, int] = {7: 222, 9: 115, 12: 51}
"""By spreading factor, bytes: the lengths LoRaWAN keeps to in Europe."""
_FREQUENCY_HZ = 868_100_000


@dataclass(frozen=True, slots=True)
class Framing:
    """What surrounds a content on the air."""

    overhead_bytes: int
    preamble_symbols: int = 8
    beyond_bytes: int = 0
    """How much longer its longest frames may be."""

    def airtime_s(self, content_bytes: int, spreading_factor: int) -> float:
        """How long such a content is on the air."""
        settings = LoraSettings(
            frequency_hz=_FREQUENCY_HZ,
            spreading_factor=spreading_factor,
            preamble_symbols=self.preamble_symbols,
        )
        return airtime_s(settings, self.overhead_bytes + content_bytes)

    def room_bytes(self, spreading_factor: int) -> int:
        """The longest content."""
        return FRAMES[spreading_factor] + self.beyond_bytes - self.overhead_bytes


OURS = Framing(OVERHEAD_BYTES)
LORAWAN = Framing(13, beyond_bytes=13)  # MHDR 1, FHDR 7, FPort 1, MIC 4; its limits are without
MESHTASTIC = Framing(16 + 6, preamble_symbols=16)
"""Header 16; then a Data message: port 256 as tag and varint 3, payload as tag and length 3.
No tag of authenticity: its channels have none. 12 bytes more where it encrypts to one node."""

Fill = Callable[[Story, int, int], tuple[int, int]]
"""From which check-in on, into how many bytes: how many of them, and what they take up."""


def packed(story: Story, start: int, room_bytes: int) -> tuple[int, int]:
    """A packed batch and what stands before it."""
    records, limit_bytes = story.records[start:CHECK_INS], room_bytes - PREFIX_BYTES
    content, taken = pack_batch(records, story.order, limit_bytes=limit_bytes)
    if not taken:  # a stranger's digest
        content, taken = pack_batch(records[:1], story.order, limit_bytes=MAX_FRAME_BYTES)
    return taken, PREFIX_BYTES + len(content)


def filled_by(encode: Callable[[Rows], bytes]) -> Fill:
    """Fill frames by an encoding of rows."""

    def fill(story: Story, start: int, room_bytes: int) -> tuple[int, int]:
        rows = story.rows(start, CHECK_INS)

        def size_bytes(count: int) -> int:
            return len(encode(rows[:count]))

        enough = 1
        while enough < len(rows) and size_bytes(enough) <= room_bytes:
            enough *= 2
        counts = range(1, min(enough, len(rows)) + 1)
        taken = max(1, bisect_right(counts, room_bytes, key=size_bytes))
        return taken, size_bytes(taken)

    return fill


class Cost(NamedTuple):
    """Of one check-in, on average."""

    content_bytes: float
    air_ms: float


def cost(fill: Fill, framing: Framing, stories: Sequence[Story], spreading_factor: int) -> Cost:
    """Send stories frame by frame."""
    room_bytes = framing.room_bytes(spreading_factor)
    count, content_bytes, air_s = 0, 0, 0.0
    for story in stories:
        check_ins = min(CHECK_INS, len(story.records))
        done = 0
        while done < check_ins:
            taken, size_bytes = fill(story, done, room_bytes)
            done += taken
            content_bytes += size_bytes
            whole, rest = divmod(size_bytes, room_bytes)
            air_s += whole * framing.airtime_s(room_bytes, spreading_factor)
            air_s += framing.airtime_s(rest, spreading_factor) if rest else 0.0
        count += done
    return Cost(content_bytes / count, air_s * 1000 / count)


def measure_encodings() -> list[Figure]:
    """Bytes by story, airtime by spreading factor in the rush, and of one check-in alone."""
    told = tell_all(STORIES)
    alone = [story._replace(records=story.records[:1]) for story in told["rush"]]
    figures: list[Figure] = []
    for story, stories in told.items():
        best = cost(packed, OURS, stories, 7).content_bytes
        for name, encode in ENCODINGS.items():
            peer = cost(filled_by(encode), OURS, stories, 7).content_bytes
            title = f"bytes per check-in in frames of {FRAMES[7]} bytes"
            figures.append(_figure(title, best, peer, "bytes", name, story))
    framings = {"our batch in LoRaWAN": LORAWAN, "our batch in Meshtastic": MESHTASTIC}
    lone = {"protobuf in LoRaWAN": LORAWAN, "protobuf in Meshtastic": MESHTASTIC}
    for factor, frame_bytes in FRAMES.items():
        column = f"SF{factor}, {frame_bytes} bytes"
        best = cost(packed, OURS, told["rush"], factor).air_ms
        peers = {
            name: cost(filled_by(encode), OURS, told["rush"], factor)
            for name, encode in ENCODINGS.items()
        } | {
            name: cost(packed, framing, told["rush"], factor) for name, framing in framings.items()
        }
        for name, each in peers.items():
            title = "airtime per check-in of a rush"
            figures.append(_figure(title, best, each.air_ms, "ms", name, column))
        best = cost(packed, OURS, alone, factor).air_ms
        for name, framing in lone.items():
            each = cost(filled_by(in_protobuf), framing, alone, factor)
            title = "airtime of a check-in alone"
            figures.append(_figure(title, best, each.air_ms, "ms", name, column))
    return figures


def _figure(name: str, ours_: float, peer: float, unit: str, peer_name: str, column: str) -> Figure:
    return Figure(name, ours_, peer, unit, peer_name, less_is_better=True, column=column)
