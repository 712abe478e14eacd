"""The terminal's radio protocol in virtual time, against a gateway that opens what it hears."""

from itertools import pairwise

import pytest

from protocol.radio_schedule import AllKind, Flags, Turn
from protocol.radio_up import UpKind
from protocol.sequences import SeqSet
from protocol.verdict import Verdict
from terminal.links.lora_access import ANSWER_S, BATCH_S, SILENCE_S, SLOT_S, SLOTS, TRIES
from terminal.links.lora_engine import LoraEngine
from tests.lora_terminals import (
    SLOT_S as GRANT_S,
)
from tests.lora_terminals import (
    MemoryStore,
    PlainGateway,
    check_in,
    engine_of,
    run_turn,
)
from tests.parties import NOW_MS

LONGEST_S = 197 * 0.004 + 0.05


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def engine(store: MemoryStore) -> LoraEngine:
    return engine_of(store)


@pytest.fixture
def gateway() -> PlainGateway:
    return PlainGateway()


def wait_for_frame(engine: LoraEngine, now_s: float) -> tuple[float, bytes]:
    """When it speaks next by itself, and what it says."""
    for _ in range(100):
        frame = engine.next_transmission(now_s)
        if frame is not None:
            return now_s, frame
        wake_s = engine.wake_at_s()
        assert wake_s is not None
        now_s = max(now_s, wake_s)
    raise AssertionError("it wakes and never speaks")


def settle(engine: LoraEngine, store: MemoryStore, frame: bytes, now_s: float) -> SeqSet:
    stored = engine.heard(frame, now_s).stored
    store.settle(stored)
    return stored


def test_says_nothing_before_it_is_begun(engine: LoraEngine, store: MemoryStore) -> None:
    store.append(check_in())
    engine.appended(0)
    assert engine.next_transmission(1000) is None
    assert engine.wake_at_s() is None


def test_a_lone_record_goes_within_a_while_and_its_receipt_settles_it(
    engine: LoraEngine, store: MemoryStore, gateway: PlainGateway
) -> None:
    store.append(check_in())
    engine.begin(100)
    now_s, frame = wait_for_frame(engine, 100)
    assert now_s <= 100 + BATCH_S + SLOTS * SLOT_S
    read = gateway.hear(frame)
    assert (read.kind, read.progress.left, read.progress.backlog) == (UpKind.PACKED, 0, 0)
    engine.sent(now_s + 0.2)
    heeded = engine.heard(gateway.schedule(), now_s + 1)
    assert list(heeded.stored) == [(1, 1)]
    assert heeded.gateway_s == NOW_MS // 1000
    store.settle(heeded.stored)
    at_s, frame = wait_for_frame(engine, now_s + 1)
    assert gateway.hear(frame).kind is UpKind.STATUS, "only to break the silence"
    assert at_s >= now_s + SILENCE_S


def test_it_waits_for_an_idle_channel(engine: LoraEngine, store: MemoryStore) -> None:
    store.append(check_in())
    engine.begin(0)
    foreign = engine_of(MemoryStore(), seed=2)
    foreign.begin(0)
    _, noise = wait_for_frame(foreign, 0)
    for second in range(60):  # somebody speaks all the time
        engine.heard(noise, second)
        assert engine.next_transmission(second + 0.9) is None
    at_s, _ = wait_for_frame(engine, 60)
    assert at_s >= 59 + LONGEST_S


def test_after_two_tries_only_a_greeting_now_and_then(
    engine: LoraEngine, store: MemoryStore, gateway: PlainGateway
) -> None:
    store.append(check_in())
    engine.begin(0)
    now_s, kinds, at = 0.0, [], []
    for _ in range(8):
        now_s, frame = wait_for_frame(engine, now_s)
        kinds.append(gateway.hear(frame).kind)
        at.append(now_s)
        engine.sent(now_s)
    assert kinds == [UpKind.PACKED] * TRIES + [UpKind.STATUS] * 6
    pauses = [after - before for before, after in pairwise(at)]
    assert ANSWER_S <= pauses[0] <= ANSWER_S + BATCH_S + SLOTS * SLOT_S
    assert pauses[-1] > 250
    assert max(pauses) <= 600 + ANSWER_S + SLOTS * SLOT_S


def test_a_backlog_goes_when_it_is_granted_and_counts_down(
    engine: LoraEngine, store: MemoryStore, gateway: PlainGateway
) -> None:
    for number in range(600):
        store.append(check_in(1 + number % 2, at_s=number * 7))
    engine.begin(0)
    now_s, frame = wait_for_frame(engine, 0)
    first = gateway.hear(frame)
    assert first.progress.left == 0
    assert first.progress.backlog >= 2
    engine.sent(now_s)
    assert engine.next_transmission(now_s + 60) is None, "it waits to be granted"
    for _ in range(20):
        now_s += 30
        settle(engine, store, gateway.schedule(grant=3), now_s)
        if not store.waiting():
            break
        before = len(gateway.frames)
        assert len(run_turn(engine, gateway, now_s)) <= 3
        lefts = [frame.progress.left for frame in gateway.frames[before:]]
        assert lefts == list(reversed(range(len(lefts))))
    assert list(gateway.stored) == [(1, 600)]
    assert not store.waiting()


def test_a_later_turn_begins_when_the_slots_before_it_are_over(
    engine: LoraEngine, store: MemoryStore, gateway: PlainGateway
) -> None:
    store.append(check_in())
    engine.begin(0)
    engine.heard(gateway.schedule(grant=2, others=[Turn(99, 3)]), 100)
    assert engine.next_transmission(100) is None
    assert engine.wake_at_s() == 100 + 3 * GRANT_S
    assert engine.next_transmission(100 + 3 * GRANT_S) is not None


def test_a_turn_that_came_too_late_is_let_go(
    engine: LoraEngine, store: MemoryStore, gateway: PlainGateway
) -> None:
    store.append(check_in())
    engine.heard(gateway.schedule(grant=2, others=[Turn(99, 3)]), 100)
    engine.not_sent(free_at_s=200)
    assert engine.next_transmission(150) is None
    assert engine.next_transmission(200) is None


def test_frames_name_the_epoch_until_it_is_known(engine: LoraEngine, gateway: PlainGateway) -> None:
    for now_s, flags, names in (
        (0, Flags.NOTHING, True),
        (10, Flags.EPOCH_KNOWN, False),
        (20, Flags.NOTHING, True),
    ):
        engine.heard(gateway.schedule(1, flags), now_s)
        run_turn(engine, gateway, now_s)
        assert gateway.frames[-1].names_epoch == names


def test_a_forged_receipt_settles_nothing_and_its_grant_is_taken(
    engine: LoraEngine, store: MemoryStore, gateway: PlainGateway
) -> None:
    store.append(check_in())
    engine.begin(0)
    engine.heard(gateway.schedule(1), 0)
    run_turn(engine, gateway, 0)
    forger = PlainGateway(key=bytes(32), stored=gateway.stored)
    forger._counter = 1000
    heeded = engine.heard(forger.schedule(1), 10)
    assert not heeded.stored
    assert heeded.gateway_s is None
    assert engine.next_transmission(10) is not None


def test_a_receipt_settles_only_what_was_sent(
    engine: LoraEngine, store: MemoryStore, gateway: PlainGateway
) -> None:
    store.append(check_in())
    heeded = engine.heard(gateway.schedule(stored=SeqSet([(1, 50)])), 0)
    assert not heeded.stored


def test_a_schedule_heard_twice_counts_once(engine: LoraEngine, gateway: PlainGateway) -> None:
    schedule = gateway.schedule(1)
    engine.heard(schedule, 0)
    run_turn(engine, gateway, 0)
    engine.heard(schedule, 10)
    assert engine.next_transmission(10) is None


def test_says_a_status_when_asked_and_when_it_has_nothing_else(
    engine: LoraEngine, store: MemoryStore, gateway: PlainGateway
) -> None:
    store.append(check_in())
    engine.begin(0)
    engine.heard(gateway.schedule(5, Flags.SAY_STATUS), 0, rssi_dbm=-91)
    run_turn(engine, gateway, 0)
    assert [frame.kind for frame in gateway.frames] == [UpKind.PACKED, UpKind.STATUS]
    assert [(each.address, each.rssi_dbm) for each in gateway.statuses[0].heard] == [(0, -91)]
    store.settle(engine.heard(gateway.schedule(5), 10).stored)
    run_turn(engine, gateway, 10)
    assert gateway.frames[-1].kind is UpKind.STATUS


def test_while_another_link_serves_it_only_answers(
    engine: LoraEngine, store: MemoryStore, gateway: PlainGateway
) -> None:
    store.append(check_in())
    engine.begin(0)
    engine.stop()
    assert engine.wake_at_s() is None
    engine.heard(gateway.schedule(5), 10)
    run_turn(engine, gateway, 10)
    assert [frame.kind for frame in gateway.frames] == [UpKind.STATUS]
    assert gateway.frames[0].progress.backlog == 0


def test_news_are_handed_on(engine: LoraEngine, gateway: PlainGateway) -> None:
    assert engine.heard(gateway.to_all(AllKind.NEWS, b"a piece"), 0).news == b"a piece"


def test_a_gateway_that_does_not_name_its_epoch_is_understood_once_it_did(
    engine: LoraEngine, gateway: PlainGateway
) -> None:
    engine.heard(gateway.schedule(1, names_epoch=False), 0)
    assert engine.next_transmission(0) is None
    engine.heard(gateway.schedule(0), 5)
    engine.heard(gateway.schedule(1, names_epoch=False), 10)
    assert engine.next_transmission(10) is not None


def test_without_counters_it_is_silent_until_there_are_some(
    store: MemoryStore, gateway: PlainGateway
) -> None:
    engine = engine_of(store)
    sent = 0
    while True:
        engine.heard(gateway.schedule(15), sent * 100)
        frames = run_turn(engine, gateway, sent * 100)
        sent += len(frames)
        if not frames:
            break
    assert sent == 256
    engine._counters.add(store.reserve_counters())
    engine.heard(gateway.schedule(1), 10**6)
    assert engine.next_transmission(10**6) is not None


@pytest.mark.parametrize("frame", [b"", b"x", bytes(14), bytes(255), b"\x28" + bytes(40)])
def test_garbage_is_ignored(engine: LoraEngine, frame: bytes) -> None:
    assert engine.heard(frame, 0) == engine.heard(frame, 1)


def test_an_exception_overtakes_a_backlog(
    engine: LoraEngine, store: MemoryStore, gateway: PlainGateway
) -> None:
    for number in range(300):
        store.append(check_in(1 + number % 2, at_s=number * 7))
    alarm = store.append(check_in(4, verdict=Verdict.STOP, at_s=2200))
    engine.begin(0)
    engine.heard(gateway.schedule(1), 0)
    run_turn(engine, gateway, 0)
    assert alarm in gateway.stored
    assert gateway.stored.count > 40, "and the rest of the frame is not wasted"
