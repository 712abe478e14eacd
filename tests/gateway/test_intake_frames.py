"""Radio frames in intake: what they bring is stored once, with what they leave behind, or not."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.intake import Incoming, Intake
from gateway.radio import UpFrame
from gateway.radio_contents import MAX_OPEN_CONTENTS
from gateway.store.base import (
    NO_RADIO,
    NewRun,
    Quarantined,
    RadioState,
    StoreError,
    Stream,
)
from gateway.store.sqlite import SqliteLedger
from protocol.codec import decode_record, encode_record
from protocol.envelope import Origin, RecordSealer, pack_envelope
from protocol.packed import Numbered, pack_batch
from protocol.radio_keys import Direction
from protocol.radio_up import (
    Fare,
    Progress,
    SealedRows,
    Status,
    UpKind,
    split_parts,
)
from protocol.receipts import RefusalReason
from protocol.records import CheckIn
from protocol.replay import ReplayWindow
from protocol.roster_order import NOBODY, RosterOrder
from tests.musters import check_in, roster
from tests.parties import NOW_MS, Parties
from tests.quick_disk import quick_disk

EPOCH = 77
ORDER = RosterOrder(roster())
OTHER_ORDER = RosterOrder(roster(version=2))
LIMIT_BYTES = 180
KEY_ID = b"key-id-1"


class FailingStore(SqliteLedger):
    """Fails when told to."""

    fails = False

    def commit(
        self,
        runs: Sequence[NewRun],
        streams: Sequence[Stream],
        quarantined: Sequence[Quarantined],
        at_ms: int,
        radio: RadioState = NO_RADIO,
    ) -> None:
        if self.fails:
            raise StoreError("the disk is full")
        super().commit(runs, streams, quarantined, at_ms, radio)


class Rig:
    """A gateway's intake and one terminal that speaks both by radio and by MQTT."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parties = Parties()
        self._identity = self._parties.terminal("t1")
        self._peers = {"t1": self._parties.peer(self._identity)}
        self.origin = Origin(self._parties.county, "t1", EPOCH)
        self.sealer = RecordSealer(self.origin, self._identity.peers, KEY_ID)
        self.bodies = {
            seq: encode_record(check_in(1 + seq % 3, at_ms=NOW_MS + 678 + seq * 1000))
            for seq in range(1, 10)
        }
        self._rows = {seq: self.sealer.seal(seq, body) for seq, body in self.bodies.items()}
        self._counter = 0
        self._window = ReplayWindow()
        self._open()

    def _open(self) -> None:
        self.store = FailingStore(self._path)
        orders = {each.fingerprint: each for each in (NOBODY, ORDER)}
        self.intake = Intake(
            self._parties.gateway, self.store, self._peers.get, lambda: NOW_MS, orders.get
        )

    def restart(self) -> None:
        self.store.close()
        self._open()

    def frame(self, kind: int, content: bytes, *, epoch: int = EPOCH) -> UpFrame:
        """A frame as the link opened it."""
        self._counter += 1
        self._window = self._window.after(self._counter)
        return UpFrame("t1", epoch, self._window, 0, kind, Progress(0, 0).pack() + content)

    def packed(self, *seqs: int, order: RosterOrder = ORDER) -> UpFrame:
        return self.frame(UpKind.PACKED, self.batch(*seqs, order=order))

    def batch(self, *seqs: int, order: RosterOrder = ORDER) -> bytes:
        numbered = [Numbered(seq, decode_record(self.bodies[seq])) for seq in seqs]
        made = pack_batch(numbered, order, limit_bytes=LIMIT_BYTES)
        assert made.taken == len(seqs)
        return made.content

    def row(self, seq: int) -> bytes:
        return self._rows[seq]

    @property
    def key(self) -> bytes:
        return msgspec.msgpack.encode(self.sealer.wrapped)

    def sealed(self, first: int, last: int) -> bytes:
        return SealedRows(KEY_ID, first, [self._rows[seq] for seq in range(first, last + 1)]).pack()

    def whole(self, first: int, last: int) -> Incoming:
        """The same records by MQTT."""
        rows = [(0, self._rows[seq]) for seq in range(first, last + 1)]
        key = self._identity.signing_key
        return Incoming("t1", pack_envelope(self.origin, first, rows, [self.sealer.wrapped], key))

    def parts(self, kind: UpKind, content: bytes, number: int = 3) -> list[UpFrame]:
        return [
            self.frame(UpKind.PART, part.pack()) for part in split_parts(kind, content, number, 60)
        ]

    def held(self) -> dict[int, bytes]:
        entries = self.store.entries(0, 1000)
        held = {each.seq: each.body for each in entries}
        assert len(held) == len(entries)
        assert list(self.store.verify_chain()) == []
        return held

    def reasons(self) -> list[RefusalReason]:
        return [row.reason for row in self.store.quarantine(100)]

    def holds_whole(self, *seqs: int) -> bool:
        return self.held() == {seq: self.bodies[seq] for seq in seqs}


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with quick_disk():
        made = Rig(tmp_path / "gateway.db")
        yield made
        made.store.close()


def test_a_packed_batch_is_stored_and_nobody_is_answered_by_message(rig: Rig) -> None:
    admitted = rig.intake.admit([], [rig.packed(1, 2, 5)])
    assert (admitted.stored, admitted.duplicates, admitted.quarantined) == (3, 0, 0)
    assert admitted.replies == []
    (stream,) = admitted.streams
    assert (stream.node, stream.epoch, list(stream.stored)) == ("t1", EPOCH, [(1, 2), (5, 5)])
    first = decode_record(rig.held()[1])
    assert isinstance(first, CheckIn)
    assert (first.person, first.at.wall_ms) == (2, NOW_MS + 1000)


def test_a_frame_beside_a_message_leaves_the_message_its_receipt(rig: Rig) -> None:
    admitted = rig.intake.admit([rig.whole(1, 2)], [rig.packed(3)])
    assert [(each.node, each.is_receipt) for each in admitted.replies] == [("t1", True)]
    assert [list(each.stored) for each in admitted.streams] == [[(1, 3)]]


def test_rounded_then_whole_is_one_record_and_what_came_first_stays(rig: Rig) -> None:
    rig.intake.admit([], [rig.packed(1, 2)])
    rounded = rig.held()
    admitted = rig.intake.admit([rig.whole(1, 3)])
    assert (admitted.stored, admitted.duplicates, admitted.quarantined) == (1, 2, 0)
    assert rig.held() == {**rounded, 3: rig.bodies[3]}
    assert rounded[1] != rig.bodies[1]


def test_whole_then_rounded_is_one_record_and_what_came_first_stays(rig: Rig) -> None:
    rig.intake.admit([rig.whole(1, 2)])
    admitted = rig.intake.admit([], [rig.packed(1, 2, 3)])
    assert (admitted.stored, admitted.duplicates, admitted.quarantined) == (1, 2, 0)
    assert {seq: rig.held()[seq] for seq in (1, 2)} == {seq: rig.bodies[seq] for seq in (1, 2)}


def test_both_ways_within_one_commit(rig: Rig) -> None:
    admitted = rig.intake.admit([rig.whole(1, 2)], [rig.packed(1, 2), rig.packed(2, 3)])
    assert (admitted.stored, admitted.duplicates, admitted.quarantined) == (3, 3, 0)


def test_another_record_under_the_same_number_is_a_conflict(rig: Rig) -> None:
    rig.intake.admit([rig.whole(1, 2)])
    rig.bodies[2] = encode_record(check_in(4, at_ms=NOW_MS + 2678))
    admitted = rig.intake.admit([], [rig.packed(2, 3)])
    assert (admitted.stored, admitted.duplicates, admitted.quarantined) == (1, 1, 1)
    assert rig.reasons() == [RefusalReason.CONFLICT]
    assert rig.held()[2] != rig.bodies[2]


@pytest.mark.parametrize("key_place", [0, 1, 2])
def test_the_key_may_come_before_between_or_behind_its_records(rig: Rig, key_place: int) -> None:
    frames = [
        rig.frame(UpKind.SEALED, rig.sealed(1, 2)),
        rig.frame(UpKind.SEALED, rig.sealed(3, 4)),
    ]
    frames.insert(key_place, rig.frame(UpKind.KEY, rig.key))
    for frame in frames:
        rig.intake.admit([], [frame])
    assert rig.holds_whole(1, 2, 3, 4)
    assert rig.reasons() == []


def test_without_its_key_nothing_is_said_to_be_stored(rig: Rig) -> None:
    admitted = rig.intake.admit([], [rig.frame(UpKind.SEALED, rig.sealed(1, 2))])
    assert (admitted.stored, admitted.quarantined, list(admitted.streams)) == (0, 0, [])
    rig.restart()
    rig.intake.admit([], [rig.frame(UpKind.KEY, rig.key)])
    assert rig.held() == {}, "what waited for the key was never promised, and comes again"
    rig.intake.admit([], [rig.frame(UpKind.SEALED, rig.sealed(1, 2))])
    assert rig.holds_whole(1, 2)


def test_a_key_is_kept_across_restarts(rig: Rig) -> None:
    rig.intake.admit([], [rig.frame(UpKind.KEY, rig.key)])
    rig.restart()
    rig.intake.admit([], [rig.frame(UpKind.SEALED, rig.sealed(1, 2))])
    assert rig.holds_whole(1, 2)


def test_a_key_opens_records_of_its_own_outbox_only(rig: Rig) -> None:
    rig.intake.admit([], [rig.frame(UpKind.KEY, rig.key)])
    rig.intake.admit([], [rig.frame(UpKind.SEALED, rig.sealed(1, 2), epoch=EPOCH + 1)])
    assert rig.held() == {}


def test_sealed_records_nobody_can_open_go_to_quarantine(rig: Rig) -> None:
    rig.intake.admit([], [rig.frame(UpKind.KEY, rig.key)])
    spoilt = SealedRows(KEY_ID, 1, [bytes(40), rig.row(2)]).pack()
    admitted = rig.intake.admit([], [rig.frame(UpKind.SEALED, spoilt)])
    assert rig.holds_whole(2)
    assert rig.reasons() == [RefusalReason.CANNOT_OPEN]
    assert [list(each.refused) for each in admitted.streams] == [[(1, 1)]]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_parts_in_any_order_and_again_make_the_content(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    order = random.Random(seed)
    with quick_disk():
        rig = Rig(tmp_path_factory.mktemp("parts") / "gateway.db")
        frames = rig.parts(UpKind.KEY, rig.key, 1) + rig.parts(UpKind.SEALED, rig.sealed(1, 3), 2)
        assert len(frames) > 6
        frames += order.choices(frames, k=4)
        order.shuffle(frames)
        while frames:
            count = order.randint(1, 4)
            batch, frames = frames[:count], frames[count:]
            rig.store.fails = order.random() < 0.3
            try:
                rig.intake.admit([], batch)
            except StoreError:
                frames = batch + frames
        assert rig.holds_whole(1, 2, 3)
        assert rig.reasons() == []
        rig.store.close()


def test_pieces_of_another_content_under_the_same_number_do_not_mix(rig: Rig) -> None:
    """Numbers come round after 256 contents."""
    rig.intake.admit(
        [], [rig.frame(UpKind.KEY, rig.key), *rig.parts(UpKind.SEALED, rig.sealed(1, 1))[:1]]
    )
    rig.intake.admit([], rig.parts(UpKind.SEALED, rig.sealed(2, 4)))
    assert rig.holds_whole(2, 3, 4)
    assert rig.reasons() == []


def test_contents_that_are_never_finished_are_forgotten(rig: Rig) -> None:
    contents = [rig.parts(UpKind.KEY, rig.key, number) for number in range(MAX_OPEN_CONTENTS + 1)]
    rig.intake.admit([], [parts[0] for parts in contents])
    rig.intake.admit([], contents[0][1:])
    assert rig.store.radio_state().keys == []
    rig.intake.admit([], contents[-1][1:])
    assert [row.key for row in rig.store.radio_state().keys] == [rig.sealer.wrapped]


@pytest.mark.parametrize("in_parts", [False, True])
def test_whose_roster_is_not_here_is_named_and_not_in_quarantine(rig: Rig, in_parts: bool) -> None:
    content = rig.batch(1, 2, 3, 4, order=OTHER_ORDER)
    frames = (
        [rig.frame(UpKind.PART, part.pack()) for part in split_parts(UpKind.PACKED, content, 1, 10)]
        if in_parts
        else [rig.frame(UpKind.PACKED, content)]
    )
    admitted = rig.intake.admit([], frames)
    assert admitted.other_roster == {"t1"}
    assert (admitted.stored, admitted.quarantined) == (0, 0)
    assert rig.intake.admit([], [rig.packed(1, order=NOBODY)]).other_roster == set()
    assert rig.holds_whole(1)


STATUS = Status(3, 60, Fare.READER_READY, 80, 1, 0, 2)


def test_a_status_is_handed_on(rig: Rig) -> None:
    admitted = rig.intake.admit([], [rig.frame(UpKind.STATUS, STATUS.pack())])
    assert admitted.statuses == [("t1", STATUS)]
    assert list(admitted.streams) == []


MALFORMED = [
    (UpKind.STATUS, b"\x00"),
    (UpKind.PACKED, b"\x01"),
    (UpKind.PACKED, ORDER.fingerprint + b"\x05"),
    (UpKind.KEY, b"no key"),
    (UpKind.SEALED, KEY_ID),
    (UpKind.PART, b"\x01\x10x"),
    (UpKind.PART, b"\x01\x00" + bytes([UpKind.PART]) + b"pieces of pieces"),
]


@pytest.mark.parametrize(("kind", "content"), MALFORMED)
def test_malformed_content_is_kept_with_its_reason_and_in_nobodys_way(
    rig: Rig, kind: UpKind, content: bytes
) -> None:
    bad = rig.frame(kind, content)
    admitted = rig.intake.admit([], [rig.packed(1), bad, rig.packed(2)])
    assert (admitted.stored, admitted.quarantined) == (2, 1)
    assert rig.reasons() == [RefusalReason.MALFORMED]
    assert rig.store.radio_state().windows[0].window == ReplayWindow(highest=3, taken=0b111)


def test_a_frame_without_even_its_progress_is_malformed(rig: Rig) -> None:
    rig.intake.admit([], [UpFrame("t1", EPOCH, ReplayWindow(1, 1), 0, UpKind.PACKED, b"")])
    assert rig.reasons() == [RefusalReason.MALFORMED]


@pytest.mark.parametrize("kind", [5, 6, 7])
def test_kinds_of_later_releases_are_kept(rig: Rig, kind: int) -> None:
    rig.intake.admit([], [rig.frame(kind, b"later")])
    assert rig.reasons() == [RefusalReason.UNSUPPORTED]


@given(st.lists(st.tuples(st.sampled_from(UpKind), st.binary(max_size=60)), max_size=12))
@settings(max_examples=50, deadline=None)
def test_no_content_however_built_stops_the_gateway(
    tmp_path_factory: pytest.TempPathFactory, contents: list[tuple[UpKind, bytes]]
) -> None:
    with quick_disk():
        rig = Rig(tmp_path_factory.mktemp("any") / "gateway.db")
        for kind, content in contents:
            rig.intake.admit([], [rig.frame(kind, content)])
        rig.intake.admit([], [rig.packed(9)])
        assert 9 in rig.held()
        rig.store.close()


def test_windows_and_keys_are_stored_with_what_the_frames_brought(rig: Rig) -> None:
    frames = [rig.frame(UpKind.KEY, rig.key), rig.packed(1)]
    rig.store.fails = True
    with pytest.raises(StoreError):
        rig.intake.admit([], frames)
    assert rig.store.radio_state() == RadioState([], [])
    rig.store.fails = False
    rig.intake.admit([], frames)
    rig.restart()
    state = rig.store.radio_state()
    (window,) = state.windows
    assert (window.node, window.epoch, window.direction) == ("t1", EPOCH, Direction.UP)
    assert window.window == frames[-1].window
    assert [(row.node, row.epoch, row.key) for row in state.keys] == [
        ("t1", EPOCH, rig.sealer.wrapped)
    ]


@pytest.mark.parametrize("kind", ["key behind its records", "parts"])
def test_what_the_store_did_not_take_is_admitted_again_and_once(rig: Rig, kind: str) -> None:
    """Whatever waited for these frames is still there when they come again."""
    sealed = rig.frame(UpKind.SEALED, rig.sealed(1, 2))
    if kind == "parts":
        rig.intake.admit([], [rig.frame(UpKind.KEY, rig.key)])
        *before, last = rig.parts(UpKind.SEALED, rig.sealed(1, 2))
    else:
        before, last = [sealed], rig.frame(UpKind.KEY, rig.key)
    rig.intake.admit([], before)
    rig.store.fails = True
    for _ in range(2):
        with pytest.raises(StoreError):
            rig.intake.admit([], [last])
        assert rig.held() == {}
    rig.store.fails = False
    admitted = rig.intake.admit([], [last])
    assert (admitted.stored, admitted.duplicates) == (2, 0)
    assert rig.holds_whole(1, 2)
    again = rig.intake.admit([], [rig.frame(UpKind.STATUS, STATUS.pack())])
    assert (again.stored, again.duplicates) == (0, 0)


def test_the_same_frames_after_a_restart_are_duplicates(rig: Rig) -> None:
    """Killed after the commit and before the receipt: the terminal sends it all again."""
    frames = [rig.packed(1, 2), rig.packed(3)]
    rig.intake.admit([], frames)
    held = rig.held()
    rig.restart()
    admitted = rig.intake.admit([], frames)
    assert (admitted.stored, admitted.duplicates, admitted.quarantined) == (0, 3, 0)
    assert [list(each.stored) for each in admitted.streams] == [[(1, 3)]]
    assert rig.held() == held


def test_what_is_quarantined_again_is_counted(rig: Rig) -> None:
    bad = rig.frame(UpKind.KEY, b"no key")
    for _ in range(2):
        rig.intake.admit([], [bad])
    (row,) = rig.store.quarantine(10)
    assert (row.node, row.times) == ("t1", 2)
