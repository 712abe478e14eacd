"""Bytes per check-in in a radio frame: packed batches against JSON, msgpack and what is possible.

Three stories with one roster of 800 people in units of 40 and squads of 10:
`independent` people, one every 20 s on average; `squads` that come one a minute, everybody in them
in any order 3 s apart; `squads and others`: the same, but every twentieth person comes alone and
every fortieth scan is a second one, of somebody expected elsewhere, or of a stranger.

The peers carry roster number, second and verdict only. The bound is the entropy of the story: with
it known in advance, no code can need less on average. Ours has everything in it but the frame's
own 14 bytes: which roster, epoch, first number, activation, point, lane and clock.
"""

import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from protocol.frames import OVERHEAD_BYTES
from protocol.packed import Numbered, pack_batch, unpack_batch
from protocol.records import CheckIn, Credential, CredentialKind, Stamp, TimeSource
from protocol.roster import Person, Point, Roster
from protocol.roster_order import RosterOrder
from protocol.verdict import Reason, Verdict
from tests.bench.harness import Figure

WATCHDOG_S = 120
FRAME_BYTES = 222  # SF7 to SF9 at 125 kHz, where the law allows
RECORDS = 88  # what a plain bit-packed batch puts into such a frame
STORIES = 40  # of each kind, each with its own seed
PEOPLE, UNIT, SQUAD = 800, 40, 10
AWAY = 40  # people of another point
INDEPENDENT_S, SQUADS_S, IN_SQUAD_S = 20, 60, 3  # mean gaps
ALONE, ODD = 1 / 20, 1 / 40
HERE, THERE = "qingshui", "baihe"
START_S = 1_795_000_000
MARKS = {"independent": 2.32, "squads": 1.5, "squads and others": None}

Visit = tuple[int | None, int]  # person, or a stranger; seconds since the start


def measure(_folder: Path) -> list[Figure]:
    """See the module."""
    order = RosterOrder(_roster())
    stories: dict[str, Callable[[random.Random], Iterator[Visit]]] = {
        "independent": _independent,
        "squads": _squads,
        "squads and others": _squads_and_others,
    }
    figures: list[Figure] = []
    for name, story in stories.items():
        told = [list(story(random.Random(seed))) for seed in range(STORIES)]
        ours, per_frame = _mean(_packed_bytes, told, order), _mean(_in_a_frame, told, order)
        peers = {"JSON": _in_json(told), "msgpack array": _in_msgpack(told)}
        for peer, size in peers.items():
            figures.append(_figure(f"radio, {name}", ours, size, peer, MARKS[name]))
        if name in _BOUNDS:
            figures.append(_figure(f"radio, {name}", ours, _BOUNDS[name](), "entropy", None))
        figures.append(
            Figure(f"radio, {name}: in {FRAME_BYTES} bytes", per_frame, RECORDS, "records", "bits")
        )
    return figures


def _figure(name: str, ours: float, peer: float, peer_name: str, mark: float | None) -> Figure:
    return Figure(
        name, ours, peer, "bytes", peer_name, mark, mark_is_absolute=True, less_is_better=True
    )


def _roster() -> Roster:
    people = [
        Person(
            number,
            _digest(number),
            "",
            f"unit {number // UNIT}",
            HERE if number < PEOPLE else THERE,
        )
        for number in range(PEOPLE + AWAY)
    ]
    return Roster(1, 0, [Point(HERE, "", ""), Point(THERE, "", "")], people)


def _digest(number: int) -> bytes:
    return number.to_bytes(16, "big")


def _independent(dice: random.Random) -> Iterator[Visit]:
    at_s = 0.0
    for person in dice.sample(range(PEOPLE), RECORDS * 2):
        at_s += dice.expovariate(1 / INDEPENDENT_S)
        yield person, int(at_s)


def _squads(dice: random.Random) -> Iterator[Visit]:
    at_s = 0.0
    for squad in dice.sample(range(PEOPLE // SQUAD), PEOPLE // SQUAD):
        at_s += dice.expovariate(1 / SQUADS_S)
        for place in dice.sample(range(SQUAD), SQUAD):
            yield squad * SQUAD + place, int(at_s)
            at_s += dice.expovariate(1 / IN_SQUAD_S)


def _squads_and_others(dice: random.Random) -> Iterator[Visit]:
    alone = set(dice.sample(range(PEOPLE), int(PEOPLE * ALONE)))
    waiting = sorted(alone, key=lambda _: dice.random())
    came: list[int] = []
    for person, at_s in _squads(dice):
        if person in alone:
            continue
        if person is not None:
            came.append(person)
        yield person, at_s
        if waiting and dice.random() < ALONE:
            yield waiting.pop(), at_s
        if dice.random() < ODD:
            yield dice.choice([None, dice.choice(came), PEOPLE + dice.randrange(AWAY)]), at_s


def _records(story: list[Visit]) -> list[Numbered]:
    came: set[int] = set()
    records = []
    for seq, (person, at_s) in enumerate(story, 1):
        if person is None:
            told = Verdict.LOOK, Reason.NOT_ON_ROSTER
        elif person in came:
            told = Verdict.ALREADY, Reason.SEEN_BEFORE
        elif person >= PEOPLE:
            told = Verdict.LOOK, Reason.OTHER_POINT
        else:
            told = Verdict.ACCEPTED, Reason.EXPECTED_HERE
        came |= set() if person is None else {person}
        stamp = Stamp((START_S + at_s) * 1000, 0, 0, TimeSource.GNSS, 20)
        digest = _digest(10**6 if person is None else person)
        card = Credential(CredentialKind.RESIDENT_ID, digest, "123X" if person is None else "")
        records.append(Numbered(seq, CheckIn(stamp, 1, HERE, 1, *told, 1, person, card)))
    return records


def _packed_bytes(story: list[Visit], order: RosterOrder) -> float:
    """Of the first `RECORDS`, whatever frames that takes, and only if they can be read again."""
    records = _records(story)[:RECORDS]
    content, taken = pack_batch(records, order, limit_bytes=255)
    batch = unpack_batch(content, order)
    people = [each.record.person for each in batch if isinstance(each.record, CheckIn)]
    if people != [person for person, _ in story[:taken]]:
        raise RuntimeError("the batch does not say who came")
    return len(content) / taken


def _in_a_frame(story: list[Visit], order: RosterOrder) -> float:
    limit_bytes = FRAME_BYTES - OVERHEAD_BYTES
    return pack_batch(_records(story), order, limit_bytes=limit_bytes).taken


def _mean(
    size: Callable[[list[Visit], RosterOrder], float], told: list[list[Visit]], order: RosterOrder
) -> float:
    return sum(size(story, order) for story in told) / len(told)


def _in_json(told: list[list[Visit]]) -> float:
    rows = [
        [{"p": person, "t": START_S + at_s, "v": 1} for person, at_s in story[:RECORDS]]
        for story in told
    ]
    return sum(len(msgspec.json.encode(each)) for each in rows) / len(rows) / RECORDS


def _in_msgpack(told: list[list[Visit]]) -> float:
    rows = [[(person, START_S + at_s, 1) for person, at_s in story[:RECORDS]] for story in told]
    return sum(len(msgspec.msgpack.encode(each)) for each in rows) / len(rows) / RECORDS


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
