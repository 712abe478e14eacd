"""Bytes per check-in in a radio frame: packed batches against JSON, msgpack and what is possible.

The stories are those of `radio_stories` but for the rush. The peers carry roster number, second and
verdict only. The bound is the entropy of the story: with
it known in advance, no code can need less on average. Ours has everything in it but the frame's
own 15 bytes: which roster, first number, activation, point, lane and clock.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from protocol.frames import MAX_FRAME_BYTES, OVERHEAD_BYTES
from protocol.packed import pack_batch, unpack_batch
from protocol.records import CheckIn
from tests.bench.harness import Figure
from tests.bench.radio_stories import (
    IN_SQUAD_S,
    INDEPENDENT_S,
    PEOPLE,
    SQUAD,
    SQUADS_S,
    Story,
    tell_all,
)

WATCHDOG_S = 120
FRAME_BYTES = 222  # SF7 to SF9 at 125 kHz, where the law allows
PREFIX_BYTES = 1  # how the burst goes on, in front of each batch (radio_up.Progress)
RECORDS = 88  # what a plain bit-packed batch puts into such a frame
STORIES = 40  # of each kind, each with its own seed
MARKS = {"independent": 2.32, "squads": 1.5, "squads and others": None}


def measure(_folder: Path) -> list[Figure]:
    """See the module."""
    told = tell_all(STORIES)
    figures: list[Figure] = []
    for name, mark in MARKS.items():
        ours, per_frame = _mean(packed_bytes, told[name]), _mean(_in_a_frame, told[name])
        peers = {
            "JSON": _mean(_in_json, told[name]),
            "msgpack array": _mean(_in_msgpack, told[name]),
        }
        for peer, size in peers.items():
            figures.append(_figure(f"radio, {name}", ours, size, peer, mark))
        if name in _BOUNDS:
            figures.append(_figure(f"radio, {name}", ours, _BOUNDS[name](), "entropy", None))
        figures.append(
            Figure(f"radio, {name}: in {FRAME_BYTES} bytes", per_frame, RECORDS, "records", "bits")
        )
    return figures


def packed_bytes(story: Story) -> float:
    """Of the first `RECORDS`, whatever frames that takes, and only if they can be read again."""
    content, taken = pack_batch(story.records[:RECORDS], story.order, limit_bytes=MAX_FRAME_BYTES)
    batch = unpack_batch(content, story.order)
    people = [each.record.person for each in batch if isinstance(each.record, CheckIn)]
    if people != [each.person for each in story.check_ins(0, taken)]:
        raise RuntimeError("the batch does not say who came")
    return len(content) / taken


def _in_a_frame(story: Story) -> float:
    limit_bytes = FRAME_BYTES - OVERHEAD_BYTES - PREFIX_BYTES
    return pack_batch(story.records, story.order, limit_bytes=limit_bytes).taken


def _mean(size: Callable[[Story], float], told: Sequence[Story]) -> float:
    return sum(size(story) for story in told) / len(told)


def _figure(name: str, ours: float, peer: float, peer_name: str, mark: float | None) -> Figure:
    return Figure(
        name, ours, peer, "bytes", peer_name, mark, mark_is_absolute=True, less_is_better=True
    )


def _in_json(story: Story) -> float:
    rows = [{"p": person, "t": wall_s, "v": 1} for person, wall_s in _plain(story)]
    return len(msgspec.json.encode(rows)) / RECORDS


def _in_msgpack(story: Story) -> float:
    return len(msgspec.msgpack.encode([(*row, 1) for row in _plain(story)])) / RECORDS


def _plain(story: Story) -> list[tuple[int | None, int]]:
    return [(each.person, each.at.wall_ms // 1000) for each in story.check_ins(0, RECORDS)]


def _independent_bound() -> float:
    """Who came in which order, and gaps of exponential length to the second."""
    who = math.log2(math.perm(PEOPLE, RECORDS)) / RECORDS
    return (who + math.log2(math.e * INDEPENDENT_S)) / 8


def _squads_bound() -> float:
    """Which squads, in which order their people, and the gaps in and between squads."""
    squads = RECORDS / SQUAD
    which = math.log2(math.perm(PEOPLE // SQUAD, round(squads)))
    who = which + squads * math.log2(math.factorial(SQUAD))
    between = squads * math.log2(math.e * (SQUADS_S + IN_SQUAD_S))
    within = (RECORDS - squads) * math.log2(math.e * IN_SQUAD_S)
    return (who + between + within) / RECORDS / 8


_BOUNDS: dict[str, Callable[[], float]] = {
    "independent": _independent_bound,
    "squads": _squads_bound,
}
