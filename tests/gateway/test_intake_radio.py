"""Intake of radio frames: once, with their replay windows, and one with what came whole."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from gateway.intake import Admitted, Incoming, Intake
from gateway.radio import UpFrame
from gateway.radio_contents import MAX_OPEN_CONTENTS, MAX_WAITING_PER_KEY
from gateway.store.base import StoreError, WindowRow
from gateway.store.sqlite import SqliteLedger
from protocol.codec import encode_record
from protocol.envelope import Origin, RecordSealer, Wrap, pack_envelope
from protocol.packed import Numbered, pack_batch
from protocol.radio_keys import Direction
from protocol.radio_up import (
    Fare,
    HeardNode,
    Part,
    Progress,
    SealedRows,
    Status,
    UpKind,
    split_parts,
)
from protocol.receipts import RefusalReason
from protocol.records import CheckIn, UnknownRecord
from protocol.replay import ReplayWindow
from protocol.roster_order import NOBODY, RosterOrder
from tests.musters import check_in, roster
from tests.parties import NOW_MS, Parties
from tests.quick_disk import quick_disk

EPOCH = 77
ORDER = RosterOrder(roster())
KEY_ID = b"key-id-1"
STATUS = Status(3, 60, Fare.READER_READY, 80, 1, 4, 10, (HeardNode(2, -90, 5),))


class FussyLedger(SqliteLedger):
    """Fails a commit when told to."""

    fails = False

    def commit(self, *args: object) -> None:
        if self.fails:
            raise StoreError("the disk is full")
        super().commit(*args)  # type: ignore[arg-type]  # as it was given


class Rig:
    """A gateway's intake, and a terminal that makes frames by hand."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parties = Parties()
        self._t1 = self._parties.terminal("t1")
        self._peers = {"t1": self._parties.peer(self._t1)}
        self.origin = Origin(self._parties.county, "t1", EPOCH)
        self.sealer = RecordSealer(self.origin, self._t1.peers, KEY_ID)
        self._window = ReplayWindow()
        self._counter = 0
        self._open()

    def restart(self) -> None:
        """What was in the gateway's memory is gone."""
        self.store.close()
        self._open()

    def _open(self) -> None:
        self.store = FussyLedger(self._path)
        orders = {each.fingerprint: each for each in (ORDER, NOBODY)}
        self.intake = Intake(
            self._parties.gateway, self.store, self._peers.get, lambda: NOW_MS, orders.get
        )

    def frame(self, kind: int, content: bytes, *, with_progress: bool = True) -> UpFrame:
        """The next frame of the terminal, opened."""
        self._window = self._window.after(self._counter)
        self._counter += 1
        progress = Progress(0, 0).pack() if with_progress else b""
        return UpFrame("t1", EPOCH, self._window, 0, kind, progress + content)

    def packed(
        self, first: int, *records: CheckIn | UnknownRecord, order: RosterOrder = ORDER
    ) -> UpFrame:
        """Records in a batch, numbered from `first`."""
        numbered = [Numbered(seq, record) for seq, record in enumerate(records, first)]
        batch = pack_batch(numbered, order, limit_bytes=200)
        assert batch.taken == len(records)
        return self.frame(UpKind.PACKED, batch.content)

    def sealed(self, first: int, *bodies: bytes) -> UpFrame:
        """Sealed rows, numbered from `first`."""
        return self.frame(UpKind.SEALED, self.rows(first, *bodies).pack())

    def rows(self, first: int, *bodies: bytes) -> SealedRows:
        rows = [self.sealer.seal(seq, body) for seq, body in enumerate(bodies, first)]
        return SealedRows(KEY_ID, first, rows)

    def key(self) -> UpFrame:
        """The key of the sealed rows."""
        return self.frame(UpKind.KEY, msgspec.msgpack.encode(self.sealer.wrapped))

    def parts(self, kind: UpKind, content: bytes, number: int = 5) -> list[UpFrame]:
        """A content in pieces."""
        cut = list(split_parts(kind, content, number, 40))
        assert len(cut) > 2
        return [self.frame(UpKind.PART, part.pack()) for part in cut]

    def envelope(self, first: int, *records: CheckIn) -> Incoming:
        """The same terminal's records by MQTT."""
        sealed = [
            (0, self.sealer.seal(seq, encode_record(record)))
            for seq, record in enumerate(records, first)
        ]
        key = self._t1.signing_key
        return Incoming("t1", pack_envelope(self.origin, first, sealed, [self.sealer.wrapped], key))

    def admit(self, *frames: UpFrame) -> Admitted:
        return self.intake.admit((), frames)

    def ledger(self) -> dict[int, bytes]:
        return {each.seq: each.body for each in self.store.entries(0, 1000)}

    def reasons(self) -> list[RefusalReason]:
        return [row.reason for row in self.store.quarantine(10)]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with quick_disk():
        made = Rig(tmp_path / "gateway.db")
        yield made
        made.store.close()


def persons(rig: Rig) -> Sequence[int | None]:
    decoded = (msgspec.msgpack.decode(body, type=CheckIn) for body in rig.ledger().values())
    return [record.person for record in decoded]


def test_a_batch_is_stored_with_the_window_of_its_frame(rig: Rig) -> None:
    frame = rig.packed(1, check_in(1), check_in(2))
    admitted = rig.admit(frame)
    assert persons(rig) == [1, 2]
    (stream,) = admitted.streams
    assert (stream.node, stream.epoch, list(stream.stored)) == ("t1", EPOCH, [(1, 2)])
    assert admitted.replies == [], "it is answered by radio"
    assert admitted.stored == 2
    rig.restart()
    window = WindowRow("t1", EPOCH, Direction.UP, frame.window)
    assert rig.store.radio_state().windows == [window]
    assert list(rig.store.verify_chain()) == []


def test_numbers_that_are_left_out_are_gaps(rig: Rig) -> None:
    numbered = [Numbered(seq, check_in(1)) for seq in (2, 3, 7)]
    content = pack_batch(numbered, ORDER, limit_bytes=200).content
    admitted = rig.admit(rig.frame(UpKind.PACKED, content))
    assert list(admitted.streams[0].stored) == [(2, 3), (7, 7)]


def test_what_nobody_can_read_arrives_as_it_was(rig: Rig) -> None:
    body = b"\x92\x7f\x01"
    rig.admit(rig.packed(1, UnknownRecord(0x7F, body), order=NOBODY))
    assert rig.ledger() == {1: body}


@pytest.mark.parametrize("comes_first", ["radio", "mqtt"])
def test_rounded_and_whole_are_one_record_and_the_first_stays(rig: Rig, comes_first: str) -> None:
    record = check_in(1, at_ms=NOW_MS + 123)
    packed, whole = rig.packed(1, record), rig.envelope(1, record)
    if comes_first == "radio":
        rig.admit(packed)
        held = rig.ledger()
        admitted = rig.intake.admit([whole])
    else:
        rig.intake.admit([whole])
        held = rig.ledger()
        admitted = rig.admit(packed)
    assert (admitted.duplicates, admitted.quarantined) == (1, 0)
    assert rig.ledger() == held
    is_whole = held[1] == encode_record(record)
    assert is_whole is (comes_first == "mqtt")


def test_both_in_one_batch_are_one_record_too(rig: Rig) -> None:
    record = check_in(1, at_ms=NOW_MS + 123)
    admitted = rig.intake.admit([rig.envelope(1, record)], [rig.packed(1, record)])
    assert (admitted.duplicates, admitted.quarantined, len(rig.ledger())) == (1, 0, 1)
    assert len(admitted.replies) == 1


def test_another_record_under_the_same_number_is_a_conflict(rig: Rig) -> None:
    rig.intake.admit([rig.envelope(1, check_in(1))])
    admitted = rig.admit(rig.packed(1, check_in(2)))
    assert admitted.quarantined == 1
    assert rig.reasons() == [RefusalReason.CONFLICT]
    assert persons(rig) == [1]


def test_a_batch_by_a_roster_that_is_not_here_asks_for_another(rig: Rig) -> None:
    strange = RosterOrder(roster(9))
    frame = rig.packed(1, check_in(1), order=strange)
    admitted = rig.admit(frame)
    assert (admitted.other_roster, admitted.quarantined) == ({"t1"}, 0)
    assert rig.ledger() == {}
    assert len(rig.store.radio_state().windows) == 1, "the frame was taken all the same"


def test_what_is_malformed_goes_to_quarantine_once(rig: Rig) -> None:
    nonsense = ORDER.fingerprint + b"\x05\xff\xff"
    for _ in range(2):
        rig.admit(rig.frame(UpKind.PACKED, nonsense))
    rig.admit(rig.frame(UpKind.STATUS, b"", with_progress=False))
    rig.admit(rig.frame(6, b"of a later release"))
    assert rig.reasons() == [
        RefusalReason.UNSUPPORTED,
        RefusalReason.MALFORMED,
        RefusalReason.MALFORMED,
    ]
    assert [row.times for row in rig.store.quarantine(10)] == [1, 1, 2]


def test_a_status_is_handed_on(rig: Rig) -> None:
    admitted = rig.admit(rig.frame(UpKind.STATUS, STATUS.pack()))
    assert admitted.statuses == [("t1", STATUS)]
    assert admitted.streams == []


def test_sealed_records_wait_for_their_key(rig: Rig) -> None:
    before = rig.sealed(1, b"one", b"two")
    assert rig.admit(before, rig.sealed(3, b"three")).streams == []
    admitted = rig.admit(rig.key())
    assert list(admitted.streams[0].stored) == [(1, 3)]
    assert rig.ledger() == {1: b"one", 2: b"two", 3: b"three"}
    rig.admit(rig.sealed(4, b"four"))
    assert rig.admit(rig.key()).duplicates == 0, "what had waited was forgotten when it was stored"


def test_a_key_survives_a_restart(rig: Rig) -> None:
    rig.admit(rig.key())
    rig.restart()
    rig.admit(rig.sealed(1, b"one"))
    assert rig.ledger() == {1: b"one"}


def test_rows_that_waited_come_again_after_a_restart(rig: Rig) -> None:
    frame = rig.sealed(1, b"one")
    rig.admit(frame)
    rig.restart()
    rig.admit(rig.key())
    assert rig.ledger() == {}
    again = rig.frame(UpKind.SEALED, frame.content[1:])
    rig.admit(again)
    assert rig.ledger() == {1: b"one"}


def test_only_so_many_rows_wait(rig: Rig) -> None:
    for seq in range(1, MAX_WAITING_PER_KEY + 3):
        frame = rig.sealed(seq, b"x")
        rig.admit(frame, frame)
    rig.admit(rig.key())
    assert len(rig.ledger()) == MAX_WAITING_PER_KEY


def test_records_under_a_key_for_somebody_else_are_refused(rig: Rig) -> None:
    wrapped = rig.sealer.wrapped
    strange = msgspec.structs.replace(wrapped, wraps=(Wrap(b"somebody", b"x" * 80),))
    rig.admit(rig.sealed(1, b"one"))
    admitted = rig.admit(rig.frame(UpKind.KEY, msgspec.msgpack.encode(strange)))
    assert rig.reasons() == [RefusalReason.CANNOT_OPEN]
    (stream,) = admitted.streams
    assert (list(stream.stored), list(stream.refused)) == ([], [(1, 1)])


@pytest.mark.parametrize("step", [1, -1])
def test_pieces_are_put_together_in_any_order(rig: Rig, step: int) -> None:
    body = b"\x92\x7f" + bytes(90)
    content = rig.rows(1, body).pack()
    rig.admit(rig.key())
    for part in rig.parts(UpKind.SEALED, content)[::step]:
        assert rig.ledger() == {}
        rig.admit(part)
    assert rig.ledger() == {1: body}


def test_a_key_may_come_in_pieces(rig: Rig) -> None:
    rig.admit(rig.sealed(1, b"one"))
    rig.admit(*rig.parts(UpKind.KEY, msgspec.msgpack.encode(rig.sealer.wrapped)))
    assert rig.ledger() == {1: b"one"}


def test_pieces_of_another_content_of_that_number_are_dropped(rig: Rig) -> None:
    rig.admit(rig.key())
    old = rig.parts(UpKind.SEALED, rig.rows(1, bytes(200)).pack())
    new = rig.parts(UpKind.SEALED, rig.rows(2, bytes(90)).pack())
    rig.admit(*old[:-1])
    rig.admit(*new)
    assert list(rig.ledger()) == [2]


def test_only_so_many_contents_are_open(rig: Rig) -> None:
    first = rig.frame(UpKind.PART, Part(0, 0, 1, b"begun").pack())
    rig.admit(first)
    for number in range(1, MAX_OPEN_CONTENTS + 1):
        rig.admit(rig.frame(UpKind.PART, Part(number, 0, 1, b"begun").pack()))
    rig.admit(rig.frame(UpKind.PART, Part(0, 1, 1, b"ended").pack()))
    assert rig.reasons() == [], "the first one was forgotten, and is not whole"
    rig.admit(rig.frame(UpKind.PART, Part(9, 1, 1, b"ended").pack()))
    assert rig.reasons() == [RefusalReason.MALFORMED]


def test_a_commit_that_fails_is_tried_again_with_all_that_waited(rig: Rig) -> None:
    body = b"\x92\x7f" + bytes(90)
    parts = rig.parts(UpKind.SEALED, rig.rows(2, body).pack())
    rig.admit(rig.sealed(3, b"three"), *parts[:-1])
    last = [parts[-1], rig.key(), rig.packed(1, check_in(1))]
    rig.store.fails = True
    for _ in range(2):
        with pytest.raises(StoreError):
            rig.admit(*last)
    assert rig.ledger() == {}
    assert rig.intake.streams == []
    rig.store.fails = False
    admitted = rig.admit(*last)
    assert list(admitted.streams[0].stored) == [(1, 3)]
    assert admitted.quarantined == 0
