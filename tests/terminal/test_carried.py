"""What a courier takes out of an outbox beside the terminal that fills it."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from protocol.courier import CourierKind, Direction, unpack_courier
from protocol.envelope import RecordOpener, unpack_envelope
from protocol.limits import MAX_RECORDS_PER_ENVELOPE
from protocol.sequences import SeqSet
from runtime.database import DatabaseError
from terminal.carried import CarriedOutbox, Export
from terminal.outbox import Outbox
from tests.outboxes import EVERYTHING, Bench, receipt
from tests.parties import NOW_MS
from tests.quick_disk import quick_disk

NOTHING = SeqSet()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with quick_disk():
        yield Bench(tmp_path / "outbox.db")


@pytest.fixture
def outbox(bench: Bench) -> Iterator[Outbox]:
    with closing(bench.open()) as opened:
        yield opened


def fill(outbox: Outbox, count: int, size_bytes: int = 0) -> None:
    for number in range(count):
        outbox.append((b"body %d" % number).ljust(size_bytes), NOW_MS)


def carried(bench: Bench) -> "closing[CarriedOutbox]":
    return closing(CarriedOutbox(bench.path, bench.terminal))


def give_to_courier(bench: Bench) -> list[Export]:
    """Export everything, as the command does: first the file, then the note."""
    with carried(bench) as outbox:
        exports = list(outbox.exports())
        for each in exports:
            outbox.note(each.head)
    return exports


def opened(bench: Bench, exports: list[Export]) -> dict[int, bytes | None]:
    """Every record in these files as the county reads it."""
    bodies: dict[int, bytes | None] = {}
    for export in exports:
        file = unpack_courier(export.data)
        assert file.is_whole
        for each in file.messages:
            assert each.kind is CourierKind.ENVELOPE
            envelope = unpack_envelope(each.message, bench.terminal.signing_key.public_key())
            opener = RecordOpener([bench.parties.gateway.opening_key])
            bodies.update(enumerate(opener.open(envelope), envelope.first_seq))
    return bodies


def test_everything_that_waits_is_in_the_files_and_stays_in_the_outbox(
    bench: Bench, outbox: Outbox
) -> None:
    fill(outbox, MAX_RECORDS_PER_ENVELOPE + 3)
    (export,) = give_to_courier(bench)
    assert len(unpack_courier(export.data).messages) == 2
    head = export.head
    assert (head.direction, head.node, head.epoch) == (Direction.UP, "t1", outbox.origin.epoch)
    assert (head.first_seq, head.last_seq) == (1, MAX_RECORDS_PER_ENVELOPE + 3)
    assert opened(bench, [export]) == bench.waiting(outbox)
    assert outbox.depth.waiting == MAX_RECORDS_PER_ENVELOPE + 3


def test_the_same_export_is_the_same_bytes(bench: Bench, outbox: Outbox) -> None:
    fill(outbox, 3)
    assert give_to_courier(bench) == give_to_courier(bench)


def test_a_receipt_settles_what_a_courier_had_after_a_restart(bench: Bench) -> None:
    with closing(bench.open()) as outbox:
        fill(outbox, 3)
    give_to_courier(bench)
    with closing(bench.open()) as outbox:
        fill(outbox, 2)
        assert outbox.settle(receipt(outbox.origin, [(1, 5)]), NOTHING) == 3
        assert outbox.depth.waiting == 2


def test_a_running_terminal_hears_of_it_without_a_restart(bench: Bench, outbox: Outbox) -> None:
    fill(outbox, 3)
    assert outbox.settle(receipt(outbox.origin, [(1, 3)]), NOTHING) == 0
    give_to_courier(bench)
    assert outbox.settle(receipt(outbox.origin, [(1, 3)]), NOTHING) == 3


def test_what_was_taken_and_not_noted_stays(bench: Bench, outbox: Outbox) -> None:
    fill(outbox, 3)
    with carried(bench) as looking:
        assert len(list(looking.exports())) == 1
    assert outbox.settle(receipt(outbox.origin, [(1, 3)]), NOTHING) == 0


def test_a_card_rolled_back_forgets_what_was_exported_with_the_records(
    bench: Bench, tmp_path: Path
) -> None:
    with closing(bench.open()) as outbox:
        fill(outbox, 2)
    image = tmp_path / "image.db"
    shutil.copy(bench.path, image)
    with closing(bench.open()) as outbox:
        fill(outbox, 2)
    give_to_courier(bench)
    shutil.copy(image, bench.path)
    with closing(bench.open()) as outbox:
        fill(outbox, 2)  # other people, with the numbers 3 and 4 again
        assert outbox.settle(receipt(outbox.origin, [(1, 4)]), NOTHING) == 0
        assert outbox.depth.waiting == 4


def test_what_the_county_refused_moves_aside_as_ever(bench: Bench, outbox: Outbox) -> None:
    fill(outbox, 3)
    give_to_courier(bench)
    assert outbox.settle(receipt(outbox.origin, [(1, 1)], [(2, 3)]), NOTHING) == 1
    assert (outbox.depth.waiting, outbox.depth.refused) == (0, 2)
    assert outbox.settle(receipt(outbox.origin, [(1, 3)]), NOTHING) == 0
    assert outbox.depth.refused == 0


def test_what_is_settled_is_forgotten(bench: Bench, outbox: Outbox) -> None:
    fill(outbox, 4)
    give_to_courier(bench)
    outbox.settle(receipt(outbox.origin, [(1, 2)]), NOTHING)
    with carried(bench) as looking:
        assert list(looking.exported) == [(1, 4)]
        assert (looking.waiting, looking.waiting_in(SeqSet([(1, 3)]))) == (2, 1)
    outbox.settle(receipt(outbox.origin, [(1, 4)]), EVERYTHING)
    with carried(bench) as looking:
        assert not looking.exported


def test_a_gap_begins_a_new_file(bench: Bench, outbox: Outbox) -> None:
    fill(outbox, 5)
    outbox.settle(receipt(outbox.origin, [(3, 3)]), EVERYTHING)
    exports = give_to_courier(bench)
    ranges = [(each.head.first_seq, each.head.last_seq) for each in exports]
    assert ranges == [(1, 2), (4, 5)]
    assert sorted(opened(bench, exports)) == [1, 2, 4, 5]


def test_many_records_come_in_several_files(bench: Bench, outbox: Outbox) -> None:
    fill(outbox, MAX_RECORDS_PER_ENVELOPE * 2 + 1)
    with carried(bench) as looking:
        exports = list(looking.exports(limit_bytes=100))
    assert [each.head.last_seq for each in exports] == [
        MAX_RECORDS_PER_ENVELOPE,
        MAX_RECORDS_PER_ENVELOPE * 2,
        MAX_RECORDS_PER_ENVELOPE * 2 + 1,
    ]
    assert opened(bench, exports) == bench.waiting(outbox)


@pytest.mark.parametrize("limit_bytes", [1000, 5000, 18_810])
def test_as_much_as_fits_into_codes(bench: Bench, outbox: Outbox, limit_bytes: int) -> None:
    fill(outbox, 400, size_bytes=90)
    with carried(bench) as looking:
        export = looking.first_export(limit_bytes)
    assert export is not None
    assert limit_bytes * 0.6 < len(export.data) <= limit_bytes
    assert export.head.first_seq == 1
    assert len(opened(bench, [export])) == export.head.last_seq


def test_a_record_too_large_for_codes_is_told(bench: Bench, outbox: Outbox) -> None:
    outbox.append(bytes(3000), NOW_MS)
    with carried(bench) as looking:
        assert looking.first_export(1000) is None


def test_nothing_waits(bench: Bench, outbox: Outbox) -> None:
    assert outbox.depth.waiting == 0
    with carried(bench) as looking:
        assert list(looking.exports()) == []
        assert looking.first_export(1000) is None


def test_records_are_appended_and_sealed_as_before_while_a_courier_looks(
    bench: Bench, outbox: Outbox
) -> None:
    """Opened as a terminal opens it, the outbox would drop the key of the records to come."""
    fill(outbox, 1)
    outbox.settle(receipt(outbox.origin, [(1, 1)]), EVERYTHING)
    with carried(bench) as looking:
        assert looking.waiting == 0
        fill(outbox, 2)
        assert looking.waiting == 2
    assert bench.waiting(outbox) == {2: b"body 0", 3: b"body 1"}


def test_an_outbox_that_is_not_there_is_not_made(bench: Bench) -> None:
    with pytest.raises(DatabaseError, match="no outbox"):
        CarriedOutbox(bench.path, bench.terminal)
    assert not bench.path.exists()


def test_an_outbox_that_was_never_used_is_told(bench: Bench) -> None:
    bench.path.write_bytes(b"")
    with pytest.raises(DatabaseError, match="never used"):
        CarriedOutbox(bench.path, bench.terminal)


def test_an_outbox_that_is_being_written_to_for_too_long_is_told(
    bench: Bench, outbox: Outbox
) -> None:
    fill(outbox, 1)
    with carried(bench) as looking, closing(sqlite3.connect(bench.path)) as other:
        looking._db.execute("PRAGMA busy_timeout=1")
        (export,) = looking.exports()
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseError, match="locked"):
            looking.note(export.head)
        other.execute("ROLLBACK")
        looking.note(export.head)
        assert list(looking.exported) == [(1, 1)]
