"""Intake: every record exactly once, every message answered, nothing told before it is stored."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.intake import Admitted, Incoming, Intake
from gateway.store.base import StoreError, Stream
from gateway.store.sqlite import SqliteLedger
from protocol import suites
from protocol.envelope import Envelope, Origin, RecordSealer, pack_envelope
from protocol.keys import Identity, Peer
from protocol.receipts import Receipt, Refusal, RefusalReason, unpack_receipt, unpack_refusal
from protocol.signed import Label, encode_signed
from tests.parties import COUNTY, NOW_MS, Parties
from tests.quick_disk import quick_disk

EPOCH = 77


class Sender:
    """A terminal: seals bodies under numbers and packs what it is told to."""

    def __init__(self, parties: Parties, node: str = "t1", epoch: int = EPOCH) -> None:
        self.identity = parties.terminal(node)
        self.peer = parties.peer(self.identity)
        self.node = node
        self.origin = Origin(parties.county, node, epoch)
        self.sealer = RecordSealer(self.origin, self.identity.peers, b"key-id-1")
        self.sealed: dict[int, bytes] = {}
        self.bodies: dict[int, bytes] = {}

    def make(self, count: int) -> None:
        """Seal `count` records more."""
        for seq in range(len(self.sealed) + 1, len(self.sealed) + count + 1):
            self.bodies[seq] = b"%s body %d" % (self.node.encode(), seq)
            self.sealed[seq] = self.sealer.seal(seq, self.bodies[seq])

    def pack(self, first: int, last: int, *, spoilt: Sequence[int] = ()) -> Incoming:
        """Numbers `first` to `last`; the `spoilt` ones cannot be opened."""
        rows = [
            (0, b"\x00" * 30 if seq in spoilt else self.sealed[seq])
            for seq in range(first, last + 1)
        ]
        return Incoming(self.node, self.packed(first, rows))

    def packed(self, first: int, rows: Sequence[tuple[int, bytes]]) -> bytes:
        return pack_envelope(
            self.origin, first, rows, [self.sealer.wrapped], self.identity.signing_key
        )


class BrokenStore(SqliteLedger):
    """Fails when told to."""

    fails_commit = fails_reading = False

    def commit(self, *args: object) -> None:
        if self.fails_commit:
            raise StoreError("the disk is full")
        super().commit(*args)  # type: ignore[arg-type]

    def body_of(self, stream: Stream, seq: int) -> bytes | None:
        if self.fails_reading:
            raise StoreError("I/O error")
        return super().body_of(stream, seq)


class Rig:
    """A gateway's intake with one terminal enrolled."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.parties = Parties()
        self.gateway: Identity = self.parties.gateway
        self.peers: dict[str, Peer] = {}
        self.t1 = self.enrol("t1")
        self.store = BrokenStore(path)
        self.intake = self._intake()

    def enrol(self, node: str, epoch: int = EPOCH) -> Sender:
        sender = Sender(self.parties, node, epoch)
        self.peers[node] = sender.peer
        return sender

    def restart(self) -> None:
        self.store.close()
        self.store = BrokenStore(self.path)
        self.intake = self._intake()

    def _intake(self) -> Intake:
        return Intake(self.gateway, self.store, self.peers.get, lambda: NOW_MS)

    def receipts(self, admitted: Admitted) -> list[Receipt]:
        key = self.gateway.signing_key.public_key()
        return [unpack_receipt(r.message, key) for r in admitted.replies if r.is_receipt]

    def refusals(self, admitted: Admitted) -> list[Refusal]:
        key = self.gateway.signing_key.public_key()
        return [unpack_refusal(r.message, key) for r in admitted.replies if not r.is_receipt]

    def receipt(self, *messages: Incoming) -> Receipt:
        (found,) = self.receipts(self.intake.admit(messages))
        return found

    def refusal(self, *messages: Incoming) -> RefusalReason:
        (found,) = self.refusals(self.intake.admit(messages))
        return found.reason

    def ledger(self) -> dict[tuple[str, int, int], bytes]:
        entries = self.store.entries(0, 10_000)
        held = {(each.node, each.epoch, each.seq): each.body for each in entries}
        assert len(held) == len(entries)
        return held

    def holds(self, *senders: Sender) -> bool:
        return self.ledger() == {
            (each.node, each.origin.epoch, seq): body
            for each in senders
            for seq, body in each.bodies.items()
        }


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with quick_disk():
        made = Rig(tmp_path / "gateway.db")
        yield made
        made.store.close()


def test_a_good_batch_is_stored_and_receipted(rig: Rig) -> None:
    rig.t1.make(5)
    receipt = rig.receipt(rig.t1.pack(1, 5))
    assert (receipt.county, receipt.node, receipt.epoch) == (COUNTY, "t1", EPOCH)
    assert (receipt.upto, receipt.gaps, receipt.refused) == (5, (), ())
    assert (receipt.gateway, receipt.gateway_ms) == (rig.gateway.node, NOW_MS)
    assert rig.holds(rig.t1)


def test_a_duplicate_gets_the_same_receipt_and_stores_nothing(rig: Rig) -> None:
    rig.t1.make(5)
    first = rig.receipt(rig.t1.pack(1, 5))
    again = rig.intake.admit([rig.t1.pack(1, 5)])
    assert rig.receipts(again) == [first]
    assert (again.duplicates, again.quarantined) == (5, 0)
    assert rig.holds(rig.t1)


def test_a_restart_knows_what_is_held(rig: Rig) -> None:
    rig.t1.make(5)
    first = rig.receipt(rig.t1.pack(1, 5))
    rig.restart()
    assert rig.receipt(rig.t1.pack(1, 5)) == first
    assert rig.holds(rig.t1)


def test_overlapping_batches_store_each_record_once(rig: Rig) -> None:
    rig.t1.make(9)
    rig.receipt(rig.t1.pack(3, 6))
    admitted = rig.intake.admit([rig.t1.pack(1, 4), rig.t1.pack(5, 9)])
    assert admitted.duplicates == 4
    assert rig.receipts(admitted)[0].upto == 9
    assert rig.holds(rig.t1)


def test_the_same_message_twice_in_one_batch(rig: Rig) -> None:
    rig.t1.make(3)
    admitted = rig.intake.admit([rig.t1.pack(1, 3)] * 2)
    assert (admitted.duplicates, admitted.quarantined) == (3, 0)
    assert len(rig.receipts(admitted)) == 1
    assert rig.holds(rig.t1)


def test_a_gap_is_named_until_it_is_filled(rig: Rig) -> None:
    rig.t1.make(9)
    receipt = rig.receipt(rig.t1.pack(1, 2), rig.t1.pack(8, 9), rig.t1.pack(5, 5))
    assert (receipt.upto, receipt.gaps) == (9, ((3, 4), (6, 7)))
    assert rig.receipt(rig.t1.pack(3, 7)).gaps == ()
    assert rig.holds(rig.t1)


def test_a_poison_record_does_not_hold_up_the_others(rig: Rig) -> None:
    rig.t1.make(6)
    admitted = rig.intake.admit([rig.t1.pack(1, 6, spoilt=[1, 3, 4])])
    (receipt,) = rig.receipts(admitted)
    assert (receipt.upto, receipt.gaps, receipt.refused) == (6, (), ((1, 1), (3, 4)))
    assert list(receipt.stored()) == [(2, 2), (5, 6)]
    assert [each.reason for each in rig.refusals(admitted)] == [RefusalReason.CANNOT_OPEN]
    assert sorted(seq for _, _, seq in rig.ledger()) == [2, 5, 6]
    assert rig.store.quarantine_count() == 1
    # The same numbers, readable this time: nobody is refused for ever.
    receipt = rig.receipt(rig.t1.pack(1, 6))
    assert (receipt.refused, list(receipt.stored())) == ((), [(1, 6)])
    assert rig.holds(rig.t1)


def test_a_spoilt_copy_of_what_is_held_changes_nothing(rig: Rig) -> None:
    rig.t1.make(3)
    first = rig.receipt(rig.t1.pack(1, 3))
    admitted = rig.intake.admit([rig.t1.pack(1, 3, spoilt=[2])])
    assert rig.receipts(admitted) == [first]
    assert admitted.quarantined == 0
    assert rig.holds(rig.t1)


def test_a_number_that_comes_with_another_content_is_a_conflict(rig: Rig) -> None:
    """A card was rolled back to an old image: the ledger keeps what it had."""
    rig.t1.make(3)
    rig.receipt(rig.t1.pack(1, 3))
    rolled_back = Sender(rig.parties)
    rolled_back.identity = rig.t1.identity
    rolled_back.make(2)
    rolled_back.sealed[3] = rolled_back.sealer.seal(3, b"something else")
    rolled_back.sealed[4] = rolled_back.sealer.seal(4, b"new")
    assert rig.refusal(rolled_back.pack(3, 4)) is RefusalReason.CONFLICT
    assert rig.ledger()["t1", EPOCH, 3] == rig.t1.bodies[3]
    assert rig.ledger()["t1", EPOCH, 4] == b"new"
    assert rig.store.quarantine_count() == 1


def test_a_conflict_within_one_batch_is_found_before_it_is_stored(rig: Rig) -> None:
    rig.t1.make(2)
    other = Sender(rig.parties)
    other.identity = rig.t1.identity
    other.sealed[1] = other.sealer.seal(1, b"first of another")
    assert rig.refusal(rig.t1.pack(1, 2), other.pack(1, 1)) is RefusalReason.CONFLICT
    assert rig.holds(rig.t1)


def refused_messages(rig: Rig) -> dict[str, tuple[Incoming, RefusalReason]]:
    """Messages that must not be admitted, each with its reason."""
    rig.t1.make(2)
    good = rig.t1.pack(1, 2)
    t2 = rig.enrol("t2")
    t2.make(1)
    stranger = Sender(rig.parties, "t9")
    stranger.make(1)
    foreign = Sender(Parties("elsewhere"), "t1")
    foreign.make(1)
    forger = Sender(rig.parties)  # t1's name, another key
    forger.make(1)
    flipped = good.message[:-1] + bytes([good.message[-1] ^ 1])
    elsewhere = RecordSealer(rig.t1.origin, [rig.parties.peer(rig.t1.identity)], b"key-id-2")
    unopenable = pack_envelope(
        rig.t1.origin,
        1,
        [(0, elsewhere.seal(1, b"x"))],
        [elsewhere.wrapped],
        rig.t1.identity.signing_key,
    )
    return {
        "garbage": (Incoming("t1", b"garbage"), RefusalReason.MALFORMED),
        "empty": (Incoming("t1", b""), RefusalReason.MALFORMED),
        "on another's topic": (Incoming("t2", good.message), RefusalReason.WRONG_SENDER),
        "of another county": (foreign.pack(1, 1), RefusalReason.WRONG_SENDER),
        "of nobody we know": (stranger.pack(1, 1), RefusalReason.UNKNOWN_NODE),
        "forged": (forger.pack(1, 1), RefusalReason.BAD_SIGNATURE),
        "altered": (Incoming("t1", flipped), RefusalReason.BAD_SIGNATURE),
        "of another version": (
            Incoming("t1", resigned(rig.t1, version=2)),
            RefusalReason.UNSUPPORTED,
        ),
        "of another suite": (
            Incoming("t1", msgspec.msgpack.encode([9, *msgspec.msgpack.decode(good.message)[1:]])),
            RefusalReason.UNSUPPORTED,
        ),
        "sealed to somebody else": (Incoming("t1", unopenable), RefusalReason.CANNOT_OPEN),
    }


def resigned(sender: Sender, *, version: int) -> bytes:
    """An envelope of another version, rightly signed."""
    envelope = Envelope(version, COUNTY, sender.node, EPOCH, 1, (), (), ())
    return encode_signed(Label.ENVELOPE, envelope, sender.identity.signing_key)


CASES = [
    "garbage",
    "empty",
    "on another's topic",
    "of another county",
    "of nobody we know",
    "forged",
    "altered",
    "of another version",
    "of another suite",
    "sealed to somebody else",
]


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_admitted_is_kept_with_its_reason_and_is_in_nobodys_way(
    rig: Rig, case: str
) -> None:
    bad, reason = refused_messages(rig)[case]
    admitted = rig.intake.admit([bad, rig.t1.pack(1, 2), bad])
    assert [each.reason for each in rig.refusals(admitted)] == [reason, reason]
    refusal = rig.refusals(admitted)[0]
    assert refusal.message_digest == suites.message_digest(bad.message)
    assert (refusal.node, refusal.gateway_ms) == (bad.node, NOW_MS)
    assert {reply.node for reply in admitted.replies} == {bad.node, "t1"}
    assert admitted.quarantined == 2
    assert rig.store.quarantine_count() == 1
    assert rig.holds(rig.t1)


def test_every_case_is_tried(rig: Rig) -> None:
    assert sorted(refused_messages(rig)) == sorted(CASES)


def test_nothing_is_known_or_told_until_the_store_has_it(rig: Rig) -> None:
    rig.t1.make(5)
    rig.receipt(rig.t1.pack(1, 2))
    new = rig.enrol("t2")
    new.make(1)
    batch = [rig.t1.pack(1, 5), new.pack(1, 1), Incoming("t1", b"garbage")]
    rig.store.fails_commit = True
    for _ in range(2):
        with pytest.raises(StoreError):
            rig.intake.admit(batch)
        assert [(each.node, list(each.stored)) for each in rig.intake.streams] == [("t1", [(1, 2)])]
    rig.store.fails_commit = False
    admitted = rig.intake.admit(batch)
    assert {each.node: each.upto for each in rig.receipts(admitted)} == {"t1": 5, "t2": 1}
    assert rig.holds(rig.t1, new)
    assert rig.store.quarantine_count() == 1


def test_a_store_that_cannot_be_read_admits_nothing(rig: Rig) -> None:
    """Looking up what came again fails after the new records were sorted out."""
    rig.t1.make(4)
    rig.receipt(rig.t1.pack(1, 2))
    rig.store.fails_reading = True
    with pytest.raises(StoreError):
        rig.intake.admit([rig.t1.pack(1, 4)])
    rig.store.fails_reading = False
    assert rig.receipt(rig.t1.pack(1, 4)).upto == 4
    assert rig.holds(rig.t1)


def test_the_operator_never_sees_more_than_is_stored(rig: Rig) -> None:
    """The board reads the streams on another thread, in the middle of an `admit`."""
    rig.t1.make(3)
    seen: list[int] = []
    real_commit = rig.store.commit

    def commit(*args: object) -> None:
        seen.append(sum(each.stored.count for each in rig.intake.streams))
        real_commit(*args)

    rig.store.commit = commit  # type: ignore[method-assign]
    rig.receipt(rig.t1.pack(1, 2))
    rig.receipt(rig.t1.pack(3, 3))
    assert seen == [0, 2]


def test_epochs_are_streams_of_their_own(rig: Rig) -> None:
    rig.t1.make(2)
    renewed = Sender(rig.parties, epoch=EPOCH + 1)
    renewed.identity = rig.t1.identity
    renewed.make(1)
    admitted = rig.intake.admit([rig.t1.pack(1, 2), renewed.pack(1, 1)])
    assert [(each.epoch, each.upto) for each in rig.receipts(admitted)] == [(77, 2), (78, 1)]
    assert rig.holds(rig.t1, renewed)


def test_bodies_nobody_can_read_are_records_all_the_same(rig: Rig) -> None:
    rig.t1.sealed[1] = rig.t1.sealer.seal(1, b"")
    rig.t1.bodies[1] = b""
    assert rig.receipt(rig.t1.pack(1, 1)).upto == 1
    assert rig.holds(rig.t1)


def test_what_was_admitted_chains(rig: Rig) -> None:
    rig.t1.make(9)
    for message in (rig.t1.pack(4, 9), rig.t1.pack(1, 5, spoilt=[2]), rig.t1.pack(1, 3)):
        rig.intake.admit([message])
        assert list(rig.store.verify_chain()) == []


def test_nothing_of_a_record_is_in_a_repr(rig: Rig) -> None:
    rig.t1.make(1)
    assert "body" not in repr(rig.intake.admit([rig.t1.pack(1, 1)]))
    assert "body" not in repr(rig.store.entries(0, 1))


@given(data=st.data(), seed=st.integers(0, 2**32))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_interleaving_ends_with_every_record_exactly_once(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, seed: int
) -> None:
    with quick_disk():
        interleave(Rig(tmp_path_factory.mktemp("intake") / "gateway.db"), data, seed)


def interleave(rig: Rig, data: st.DataObject, seed: int) -> None:
    """Messages of three terminals in any batches, with failing commits and restarts between."""
    shuffle = random.Random(seed)
    senders = [rig.t1, rig.enrol("t2", 5), rig.enrol("t3", 6)]
    messages = []
    for sender in senders:
        sender.make(12)
        spans = data.draw(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), max_size=6))
        for low, high in [*map(sorted, spans), (1, 5), (6, 12)]:
            spoilt = (
                [low] if data.draw(st.booleans()) and (low, high) not in {(1, 5), (6, 12)} else []
            )
            messages.append(sender.pack(low, high, spoilt=spoilt))
    messages += [Incoming("t1", b"garbage"), shuffle.choice(messages)]
    shuffle.shuffle(messages)
    while messages:
        count = shuffle.randint(1, 5)
        batch, messages = messages[:count], messages[count:]
        rig.store.fails_commit = shuffle.random() < 0.3
        try:
            admitted = rig.intake.admit(batch)
        except StoreError:
            messages += batch
        else:
            ledger = rig.ledger()
            for word in rig.receipts(admitted):
                for first, last in word.stored():
                    for seq in range(first, last + 1):
                        assert (word.node, word.epoch, seq) in ledger
        if shuffle.random() < 0.2:
            rig.restart()
    assert rig.holds(*senders)
    assert all(not list(each.refused) for each in rig.intake.streams)
    assert list(rig.store.verify_chain()) == []
    rig.store.close()
