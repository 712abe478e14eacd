"""What goes by radio: every record, in frames that are not too long, until it is stored."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.radio_up import UpKind
from protocol.roster_order import NOBODY, RosterOrder
from protocol.sequences import SeqSet
from protocol.verdict import Verdict
from terminal.links.lora_engine import LoraEngine
from tests.lora_terminals import (
    MemoryStore,
    PlainGateway,
    check_in,
    engine_of,
    run_turn,
)
from tests.musters import roster

FRAME_SIZES = (51, 58, 99, 197, 222, 240)
TOO_LONG = b"\x91\x7f" + bytes(5000)


def drain(
    store: MemoryStore,
    engine: LoraEngine,
    gateway: PlainGateway,
    *,
    grant: int = 15,
    turns: int = 60,
) -> None:
    """Turns without loss until nothing more is stored."""
    for turn in range(turns):
        store.settle(engine.heard(gateway.schedule(grant), turn * 100.0).stored)
        run_turn(engine, gateway, turn * 100.0)
    store.settle(engine.heard(gateway.schedule(), turns * 100.0).stored)


def fill(engine: LoraEngine, store: MemoryStore) -> None:
    """As `terminal.frame_counters.keep_filled` does."""
    if engine._counters.is_low:
        engine._counters.add(store.reserve_counters())


def body(kind: int, size: int) -> bytes:
    """A record of a later release."""
    return bytes([0x92, kind, 0xC5]) + size.to_bytes(2, "big") + bytes(size)


records = st.one_of(
    st.builds(
        check_in,
        st.integers(1, 9),
        at_s=st.integers(0, 9000),
        verdict=st.sampled_from(Verdict),
        point=st.sampled_from(["qingshan", "shiqiao"]),
    ),
    st.builds(body, st.just(9), st.integers(0, 300)),
)
steps = st.one_of(
    st.tuples(st.just("append"), st.lists(records, max_size=12)),
    st.tuples(st.just("turn"), st.tuples(st.integers(1, 15), st.lists(st.booleans(), max_size=15))),
    st.tuples(st.just("terminal restarts"), st.none()),
    st.tuples(st.just("gateway restarts"), st.none()),
    st.tuples(st.just("by another link"), st.integers(1, 30)),
)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(FRAME_SIZES), st.booleans(), st.lists(steps, max_size=8))
def test_every_record_arrives_and_no_frame_is_too_long(
    size: int, has_roster: bool, story: list[tuple[str, object]]
) -> None:
    store = MemoryStore()
    engine = engine_of(store, max_frame_bytes=size)
    engine.begin(0)
    orders = (RosterOrder(roster()), NOBODY) if has_roster else (NOBODY,)
    gateway, sent, now_s, otherwise = PlainGateway(orders), [], 0.0, set()
    for what, how in story:
        now_s += 100
        fill(engine, store)
        if what == "append" and isinstance(how, list):
            for record in how:
                store.append(record)
        elif what == "turn" and isinstance(how, tuple):
            grant, loses = how
            store.settle(engine.heard(gateway.schedule(grant), now_s).stored)
            sent += run_turn(engine, gateway, now_s, loses=loses)
        elif what == "terminal restarts":
            store.restart()
            engine = engine_of(store, seed=int(now_s), max_frame_bytes=size)
            engine.begin(now_s)
        elif what == "gateway restarts":
            gateway.parts.clear()
            gateway.keys.clear()
        elif isinstance(how, int):
            seqs = [seq for first, last in store.waiting() for seq in range(first, last + 1)][:how]
            otherwise.update(seqs)
            for seq in seqs:
                store.settle(SeqSet([(seq, seq)]))
    for _ in range(120):
        if not store.waiting():
            break
        now_s += 100
        fill(engine, store)
        store.settle(engine.heard(gateway.schedule(15), now_s).stored)
        sent += run_turn(engine, gateway, now_s)
    assert not store.waiting()
    arrived = set(gateway.bodies)
    assert arrived | otherwise == set(range(1, store.captured + 1))
    assert all(gateway.bodies.values()), "every sealed one could be opened"
    assert max(map(len, sent), default=0) <= size
    counters = [frame[3:6] for frame in sent]
    assert len(set(counters)) == len(counters)


def test_a_lost_content_goes_again_as_it_was_before_anything_new() -> None:
    store, gateway = MemoryStore(), PlainGateway()
    engine = engine_of(store)
    engine.begin(0)
    for number in range(8):
        store.append(check_in(5 + number, at_s=number * 60))
    first = _contents(engine, gateway, 1, now_s=0, loses=[True])
    store.append(check_in(20, at_s=700))
    again = _contents(engine, gateway, 2, now_s=100)
    assert again[0] == first[0]
    assert len(again) == 2


def _contents(
    engine: LoraEngine,
    gateway: PlainGateway,
    grant: int,
    *,
    now_s: float,
    loses: list[bool] | None = None,
) -> list[bytes]:
    reader = PlainGateway(stored=gateway.stored)
    engine.heard(gateway.schedule(grant), now_s)
    for frame in run_turn(engine, gateway, now_s, loses=loses or []):
        reader.hear(frame)
    return [frame.content for frame in reader.frames]


def test_what_went_by_another_link_is_not_sent_again() -> None:
    store, gateway = MemoryStore(), PlainGateway()
    engine = engine_of(store)
    engine.begin(0)
    for number in range(8):
        store.append(check_in(5 + number, at_s=number * 60))
    _contents(engine, gateway, 1, now_s=0, loses=[True])
    store.settle(store.waiting())
    engine.heard(gateway.schedule(5), 100)
    run_turn(engine, gateway, 100)
    assert [frame.kind for frame in gateway.frames] == [UpKind.STATUS]


def test_from_before_a_restart_records_go_sealed_behind_their_key() -> None:
    store, gateway = MemoryStore(), PlainGateway()
    for number in range(4):
        store.append(check_in(1 + number % 2))
    store.restart()
    store.append(check_in(3))
    engine = engine_of(store)
    engine.begin(0)
    drain(store, engine, gateway, grant=3, turns=4)
    kinds = [frame.kind for frame in gateway.frames if frame.kind is not UpKind.STATUS]
    assert kinds[:2] == [UpKind.PACKED, UpKind.KEY], "what costs little does not wait"
    assert kinds.count(UpKind.KEY) == 1
    assert not store.waiting()


def test_a_gateway_without_the_roster_gets_bodies() -> None:
    store, gateway = MemoryStore(), PlainGateway(orders=(NOBODY,))
    for number in range(4):
        store.append(check_in(1 + number % 2))
    engine = engine_of(store)
    engine.begin(0)
    drain(store, engine, gateway, turns=3)
    assert not store.waiting()
    newer = RosterOrder(roster(2))
    engine.use_roster(newer)
    gateway.orders, gateway.lacks_roster = (newer,), False
    store.append(check_in(2))
    drain(store, engine, gateway, turns=3)
    assert not store.waiting(), "another roster is tried"


@pytest.mark.parametrize("grant", [1, 2, 5])
def test_a_content_in_more_parts_than_a_turn_grants_gets_through(grant: int) -> None:
    store, gateway = MemoryStore(), PlainGateway()
    store.append(body(9, 300))
    store.restart()
    engine = engine_of(store, max_frame_bytes=51)
    engine.begin(0)
    drain(store, engine, gateway, grant=grant, turns=40)
    assert not store.waiting()


def test_a_record_too_long_for_the_radio_holds_up_nobody() -> None:
    store, gateway = MemoryStore(), PlainGateway()
    giant = store.append(TOO_LONG[:4000])
    store.append(check_in(1))
    engine = engine_of(store, max_frame_bytes=51)
    engine.begin(0)
    drain(store, engine, gateway, turns=3)
    assert list(store.waiting()) == [(giant, giant)]


def test_exceptions_go_first_and_a_later_release_s_records_are_exceptions() -> None:
    store, gateway = MemoryStore(), PlainGateway()
    for number in range(200):
        store.append(check_in(5 + number, at_s=number * 30))
    urgent = [
        store.append(check_in(4, verdict=Verdict.STOP, at_s=6000)),
        store.append(body(9, 10)),
    ]
    engine = engine_of(store, max_frame_bytes=99)
    engine.begin(0)
    engine.heard(gateway.schedule(1), 0)
    run_turn(engine, gateway, 0)
    assert set(urgent) <= set(gateway.bodies)


def test_a_key_the_gateway_has_lost_goes_again_however_long_the_queue() -> None:
    store, gateway = MemoryStore(), PlainGateway()
    for size in (108, 87, 222):
        store.append(body(9, size))
    store.restart()
    engine = engine_of(store, max_frame_bytes=51)
    engine.begin(0)
    engine.heard(gateway.schedule(7), 0)
    run_turn(engine, gateway, 0)
    assert gateway.keys
    gateway.keys.clear()
    gateway.parts.clear()
    drain(store, engine, gateway, turns=30)
    assert not store.waiting()
