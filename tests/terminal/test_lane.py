"""One lane at work: what is shown, when, and only after it is durable."""

import asyncio
import logging
import threading
from pathlib import Path

import pytest

from drivers.readers.base import CardTrouble, CodeRead, ReaderEvent, TroubleReason
from protocol.codec import decode_record
from protocol.envelope import Origin
from protocol.records import CheckIn, Undo
from protocol.verdict import Reason, Verdict
from runtime.clock import ClockSource, Reading
from sim.clock import Run
from terminal.errors import OutboxBroken, OutboxFull
from terminal.lane import LAST_SCANS, STUCK_AFTER_S, UNDO_WITHIN_S, VERDICT_S, Lane
from terminal.outbox_file import Erasure, Mark, Note
from terminal.seen import SeenBook
from terminal.station import Decision, SeenElsewhere, Station
from terminal.view import Trouble
from tests.badges import badge_text, credentials
from tests.inline_threads import use_inline_threads
from tests.musters import ACTIVATION, NAMES, NUMBERS, QINGSHAN, SHIQIAO, STRANGER, card, roster
from tests.outboxes import Bench
from tests.parties import NOW_MS, Parties

HOLD_STILL = CardTrouble(TroubleReason.HOLD_STILL)


class FakeClock:
    """Stands still until it is told to go."""

    def __init__(self) -> None:
        self.mono_s = 0.0

    def monotonic_s(self) -> float:
        return self.mono_s

    def read(self) -> Reading:
        return Reading(NOW_MS, 5, 1, ClockSource.NTP, 20)


class FakeOutbox:
    """Writes into the same story as the signals, or fails."""

    def __init__(self, story: list[object]) -> None:
        self._story = story
        self.origin = Origin("demo", "t1", 99)
        self.failure: OutboxFull | OutboxBroken | None = None
        self.bodies: list[bytes] = []
        self.notes: list[Note | None] = []

    def append(self, body: bytes, made_ms: int, note: Note | None) -> int:
        if self.failure is not None:
            raise self.failure
        assert made_ms == NOW_MS
        self._story.append("durable")
        self.bodies.append(body)
        self.notes.append(note)
        return len(self.bodies)


class FakeSignals:
    """Lights and tones as words in the story."""

    def __init__(self, story: list[object]) -> None:
        self._story = story

    def show(
        self,
        verdict: Verdict | None,
        line: str = "",  # noqa: ARG002  # a screen's
        lane: int | None = None,
    ) -> None:
        self._story.append(verdict if lane is None else (verdict, lane))

    def show_not_recorded(self) -> None:
        self._story.append("not recorded")

    def show_undone(self) -> None:
        self._story.append("undone")


class FakeNeighbours:
    """Lane 2 has seen person 2, five seconds before this machine started; keeps what it is told."""

    def __init__(self, story: list[object]) -> None:
        self._story = story

    def first_seen(self, person: int) -> SeenElsewhere | None:
        return SeenElsewhere(2, -4995) if person == 2 else None

    def seen(self, decision: Decision, seq: int) -> None:
        self._story.append(("tell", decision.record.person, seq))

    def taken_back(self, seq: int) -> None:
        self._story.append(("tell back", seq))


class Rig:
    """A lane of a station that knows the usual roster."""

    def __init__(self, *, has_panel: bool = True, has_neighbours: bool = False) -> None:
        self.story: list[object] = []
        self.outbox = FakeOutbox(self.story)
        self.station = Station("qingshan", 1, credentials())
        self.station.roster, self.station.activation = roster(), ACTIVATION
        self.clock = FakeClock()
        self.lane = Lane(
            self.station,
            self.outbox,  # type: ignore[arg-type]  # a fake
            SeenBook(Parties().terminal("t1")),
            self.clock,
            FakeSignals(self.story) if has_panel else None,
            self._changed,
            FakeNeighbours(self.story) if has_neighbours else None,  # type: ignore[arg-type]  # a fake
        )
        if has_neighbours:
            self.station.neighbourhood = FakeNeighbours(self.story)

    def _changed(self) -> None:
        shown = self.lane.verdict
        self.story.append(("page", shown.verdict if shown else None, self.lane.trouble))

    async def present(self, *events: ReaderEvent) -> list[bool]:
        use_inline_threads()
        return [await self.lane.present(event) for event in events]


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_verdict_is_shown_after_the_record_is_durable(run: Run, rig: Rig) -> None:
    assert run(rig.present(card(1))) == [True]
    assert rig.story == ["durable", Verdict.ACCEPTED, ("page", Verdict.ACCEPTED, None)]
    record = decode_record(rig.outbox.bodies[0])
    assert isinstance(record, CheckIn)
    assert (record.person, record.verdict) == (1, Verdict.ACCEPTED)


def test_nothing_is_shown_while_the_disk_is_still_writing(rig: Rig) -> None:
    """With a real thread: the loop turns, the page stays as it was."""

    release = threading.Event()
    real_append = rig.outbox.append

    def slow_append(body: bytes, made_ms: int, note: Note | None) -> int:
        assert release.wait(10)
        return real_append(body, made_ms, note)

    async def main() -> None:
        rig.outbox.append = slow_append  # type: ignore[method-assign]
        presenting = asyncio.create_task(rig.lane.present(card(1)))
        for _ in range(20):
            await asyncio.sleep(0)
        assert rig.story == []
        assert rig.station.present() == 0
        assert not rig.lane.is_stuck()
        rig.clock.mono_s += STUCK_AFTER_S + 1
        assert rig.lane.is_stuck()  # the watchdog may end this
        release.set()
        assert await presenting

    asyncio.run(main())
    assert rig.story[0] == "durable"
    assert not rig.lane.is_stuck()


@pytest.mark.parametrize(
    ("failure", "trouble"),
    [
        (OutboxFull("full"), Trouble.DISK_FULL),
        (OutboxBroken("I/O error"), Trouble.DISK_FAILING),
    ],
)
def test_what_could_not_be_recorded_gets_no_verdict(
    run: Run,
    rig: Rig,
    failure: OutboxFull | OutboxBroken,
    trouble: Trouble,
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig.outbox.failure = failure
    assert run(rig.present(card(1))) == [False]
    assert rig.story == [None, ("page", None, trouble), "not recorded"]
    assert rig.station.present() == 0
    assert not rig.lane.last
    rig.outbox.failure = None
    assert run(rig.present(card(1))) == [True]
    assert rig.lane.verdict is not None
    assert rig.lane.verdict.verdict is Verdict.ACCEPTED  # not "already here": nobody saw it
    assert NAMES[0] not in caplog.text


def test_a_failure_without_a_panel_shows_on_the_page(run: Run) -> None:
    rig = Rig(has_panel=False)
    rig.outbox.failure = OutboxFull("full")
    assert run(rig.present(card(1))) == [False]
    assert rig.lane.trouble is Trouble.DISK_FULL


def test_without_a_panel_the_page_does(run: Run) -> None:
    rig = Rig(has_panel=False)

    async def main() -> None:
        await rig.present(card(1))
        await asyncio.sleep(VERDICT_S + 1)

    run(main())
    assert rig.story == ["durable", ("page", Verdict.ACCEPTED, None), ("page", None, None)]


def test_a_verdict_is_hidden_after_its_time(run: Run, rig: Rig) -> None:
    async def main() -> None:
        await rig.present(card(1))
        await asyncio.sleep(VERDICT_S - 0.1)
        assert rig.lane.verdict is not None
        await asyncio.sleep(0.2)
        assert rig.lane.verdict is None

    run(main())
    assert rig.story[-2:] == [None, ("page", None, None)]


def test_the_next_card_starts_the_time_anew(run: Run, rig: Rig) -> None:
    async def main() -> None:
        await rig.present(card(1))
        await asyncio.sleep(VERDICT_S - 0.1)
        await rig.present(card(2))
        await asyncio.sleep(VERDICT_S - 0.1)
        assert rig.lane.verdict is not None
        assert rig.lane.verdict.name == NAMES[1]
        await asyncio.sleep(0.2)
        assert rig.lane.verdict is None

    run(main())


def test_a_card_that_moved_puts_the_last_verdict_out(run: Run, rig: Rig) -> None:
    """Else the light of the one before would welcome somebody who was not recorded."""
    assert run(rig.present(card(1), HOLD_STILL)) == [True, False]
    assert rig.story[-2:] == [None, ("page", None, Trouble.HOLD_CARD_STILL)]
    assert len(rig.outbox.bodies) == 1


def test_a_garbled_code_asks_for_another_scan(run: Run, rig: Rig) -> None:
    assert run(rig.present(CodeRead(badge_text(1)[:-1]), CodeRead(badge_text(1)))) == [False, True]
    assert ("page", None, Trouble.SCAN_AGAIN) in rig.story
    assert rig.lane.last[0].verdict is Verdict.ACCEPTED


def test_the_list_is_short_new_first_and_masked(run: Run, rig: Rig) -> None:
    run(rig.present(card(STRANGER), *[card(1), card(2)] * 3))
    assert [scan.name for scan in rig.lane.last] == ["李*", "王*伟", "李*", "王*伟", "李*"]
    assert len(rig.lane.last) == LAST_SCANS
    assert rig.lane.verdict is not None
    assert rig.lane.verdict.name == NAMES[1]


def test_a_stranger_has_no_name_in_the_list(run: Run, rig: Rig) -> None:
    run(rig.present(card(STRANGER)))
    assert [(scan.name, scan.reason) for scan in rig.lane.last] == [("", Reason.NOT_ON_ROSTER)]


def test_what_is_shown_of_a_scan(run: Run, rig: Rig) -> None:
    run(rig.present(card(3), card(3)))
    shown = rig.lane.verdict
    assert shown is not None
    assert (shown.epoch, shown.seq, shown.at_ms, shown.first_seen_ms) == (99, 2, NOW_MS, NOW_MS)
    assert (shown.unit, shown.post, shown.home_point) == ("一排", "班长", SHIQIAO)
    assert shown.home_point != QINGSHAN


def test_who_is_seen_first_leaves_a_mark_once(run: Run, rig: Rig) -> None:
    run(rig.present(card(1), card(1), card(STRANGER)))
    assert [mark is not None for mark in rig.outbox.notes] == [True, False, False]


def test_nothing_of_a_card_is_logged_or_in_a_repr(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        await rig.present(card(1))
        rig.outbox.failure = OutboxBroken("I/O error")
        await rig.present(card(2))

    with caplog.at_level(logging.DEBUG):
        asyncio.run(main())
    for text in (caplog.text, repr(rig.lane.last), repr(rig.outbox.notes)):
        for secret in (*NAMES, *NUMBERS):
            assert secret not in text


def test_the_last_scan_can_be_taken_back(run: Run, rig: Rig) -> None:
    async def main() -> None:
        await rig.present(card(2), card(1))
        assert await rig.lane.undo()

    run(main())
    taken_back = decode_record(rig.outbox.bodies[2])
    scan = decode_record(rig.outbox.bodies[1])
    assert isinstance(taken_back, Undo)
    assert isinstance(scan, CheckIn)
    assert (taken_back.seq, taken_back.person, taken_back.credential) == (2, 1, scan.credential)
    assert rig.story[-4:] == ["durable", None, ("page", None, Trouble.UNDONE), "undone"]
    assert [shown.is_undone for shown in rig.lane.last] == [True, False]
    assert rig.station.present() == 1
    mark, note = rig.outbox.notes[1:]
    assert isinstance(mark, Mark)
    assert note == Erasure(mark.tag)
    assert run(rig.present(card(1))) == [True]
    assert rig.lane.verdict is not None
    assert rig.lane.verdict.verdict is Verdict.ACCEPTED  # as if it had not been there


def test_taking_back_a_second_sighting_forgets_nobody(run: Run, rig: Rig) -> None:
    async def main() -> None:
        await rig.present(card(1), card(1))
        assert await rig.lane.undo()

    run(main())
    assert rig.station.present() == 1
    assert rig.outbox.notes[2] is None


def test_there_is_one_scan_to_take_back_and_not_for_ever(run: Run, rig: Rig) -> None:
    async def main() -> None:
        assert not await rig.lane.undo()
        await rig.present(card(1))
        assert await rig.lane.undo()
        assert not await rig.lane.undo()
        await rig.present(card(1))
        rig.clock.mono_s = UNDO_WITHIN_S + 0.1
        assert not await rig.lane.undo()

    run(main())
    assert rig.lane.trouble is Trouble.NOTHING_TO_UNDO
    assert len(rig.outbox.bodies) == 3


def test_what_could_not_be_taken_back_still_stands(run: Run, rig: Rig) -> None:
    async def main() -> None:
        await rig.present(card(1))
        rig.outbox.failure = OutboxFull("full")
        assert not await rig.lane.undo()
        assert rig.lane.trouble is Trouble.DISK_FULL
        assert not rig.lane.last[0].is_undone
        rig.outbox.failure = None
        assert await rig.lane.undo()

    run(main())


def test_a_paused_lane_records_nothing_and_says_so(run: Run, rig: Rig) -> None:
    async def main() -> None:
        rig.lane.toggle_pause()
        assert await rig.present(card(1)) == [False]
        assert rig.story[-1] == "not recorded"
        assert rig.lane.trouble is Trouble.LANE_PAUSED
        assert not rig.outbox.bodies
        rig.lane.toggle_pause()
        assert rig.lane.trouble is None
        assert await rig.present(card(1)) == [True]

    run(main())


def test_a_verdict_can_be_dismissed(run: Run, rig: Rig) -> None:
    async def main() -> None:
        await rig.present(card(1))
        rig.lane.dismiss()
        assert rig.lane.verdict is None
        await rig.present(card(2))
        await asyncio.sleep(VERDICT_S - 0.1)
        assert rig.lane.verdict is not None  # the dismissed one's time is not this one's

    run(main())


def test_two_readers_of_one_lane_take_turns(rig: Rig) -> None:
    """The same person at both at once is seen once before."""

    async def main() -> None:
        await asyncio.gather(rig.lane.present(card(1)), rig.lane.present(card(1)))

    asyncio.run(main())  # with real threads
    assert [scan.verdict for scan in rig.lane.last] == [Verdict.ALREADY, Verdict.ACCEPTED]


def test_what_was_taken_back_is_not_remembered_over_a_restart(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "outbox.db")
    book = SeenBook(bench.terminal)

    async def scan() -> Verdict:
        outbox = bench.open()
        station = Station("qingshan", 1, credentials())
        station.roster, station.activation = roster(), ACTIVATION
        station.remember(book.read(outbox.marks()))
        lane = Lane(station, outbox, book, FakeClock(), None, lambda: None)
        await lane.present(card(1))
        assert lane.verdict is not None
        verdict = lane.verdict.verdict
        assert await lane.undo()
        outbox.close()
        return verdict

    assert [asyncio.run(scan()), asyncio.run(scan())] == [Verdict.ACCEPTED, Verdict.ACCEPTED]


def test_the_seen_book_remembers_over_a_restart(tmp_path: Path) -> None:
    """Station, book and a real outbox file, closed and opened again."""

    bench = Bench(tmp_path / "outbox.db")
    book = SeenBook(bench.terminal)

    async def scan(station: Station) -> Verdict:
        outbox = bench.open()
        station.remember(book.read(outbox.marks()))
        lane = Lane(station, outbox, book, FakeClock(), None, lambda: None)
        await lane.present(card(1))
        outbox.close()
        assert lane.verdict is not None
        return lane.verdict.verdict

    verdicts = []
    for _ in range(2):
        station = Station("qingshan", 1, credentials())
        station.roster, station.activation = roster(), ACTIVATION
        verdicts.append(asyncio.run(scan(station)))
    assert verdicts == [Verdict.ACCEPTED, Verdict.ALREADY]


def test_neighbours_are_told_once_it_is_durable(run: Run) -> None:
    rig = Rig(has_neighbours=True)

    async def main() -> None:
        await rig.present(card(1))
        rig.outbox.failure = OutboxFull("full")
        assert not await rig.lane.undo()
        rig.outbox.failure = None
        assert await rig.lane.undo()

    run(main())
    told = [each for each in rig.story if isinstance(each, tuple) and each[0] != "page"]
    assert told == [("tell", 1, 1), ("tell back", 1)]
    assert rig.story.index("durable") < rig.story.index(("tell", 1, 1))


def test_what_is_shown_of_somebody_seen_at_another_lane(run: Run) -> None:
    rig = Rig(has_neighbours=True)
    run(rig.present(card(2)))
    shown = rig.lane.verdict
    assert shown is not None
    assert (shown.verdict, shown.reason) == (Verdict.ALREADY, Reason.SEEN_BEFORE)
    assert (shown.first_seen_lane, shown.first_seen_ms) == (2, NOW_MS - 5000)
    assert (Verdict.ALREADY, 2) in rig.story
