"""One lane at work: a card is presented, judged, recorded, and only then answered."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from drivers.readers.base import CardTrouble, CodeRead, ReaderEvent
from protocol.codec import encode_record
from protocol.masking import mask_name
from protocol.records import Record, Stamp, TimeSource
from protocol.verdict import Verdict
from runtime.clock import Clock
from terminal.errors import OutboxBroken, OutboxFull
from terminal.neighbours import Neighbours
from terminal.outbox import Outbox
from terminal.outbox_file import Note
from terminal.seen import SeenBook
from terminal.station import Decision, Station
from terminal.view import ShownScan, Trouble

log = logging.getLogger(__name__)

UNDO_WITHIN_S = 60.0  # what the person at the reader can still be asked about
STUCK_AFTER_S = 20.0  # a card that works commits in less than one; then a restart is worth a try
VERDICT_S = 4.0  # long enough to read at arm's length; the next card replaces it at once
LAST_SCANS = 5


class Signals(Protocol):
    """Lights and tones, or something that stands in for them."""

    def show(self, verdict: Verdict | None, line: str = "", lane: int | None = None) -> None:
        """Show a verdict, a line that may name a person, and a lane that saw them before us.

        Without a verdict: put the lights out.
        """

    def show_not_recorded(self) -> None:
        """A card was read and could not be recorded."""

    def show_undone(self) -> None:
        """The last scan was taken back."""


@dataclass(frozen=True, slots=True)
class _Undoable:
    """The last scan, until somebody takes it back or it is too old for that."""

    decision: Decision
    seq: int
    until_s: float


class Lane:
    """What the page and the panel show of the scans."""

    def __init__(
        self,
        station: Station,
        outbox: Outbox,
        seen_book: SeenBook,
        clock: Clock,
        signals: Signals | None,
        changed: Callable[[], None],
        neighbours: Neighbours | None = None,
    ) -> None:
        self._station, self._outbox, self._seen_book = station, outbox, seen_book
        self._clock, self._signals, self._changed = clock, signals, changed
        self._neighbours = neighbours
        self._hide: asyncio.TimerHandle | None = None
        self._turn = asyncio.Lock()
        """Several readers serve one lane: who was seen is asked and noted by one at a time."""
        self._undoable: _Undoable | None = None
        self._recording_since_s: float | None = None
        self.is_paused = False
        self.verdict: ShownScan | None = None
        self.trouble: Trouble | None = None
        self.last: deque[ShownScan] = deque(maxlen=LAST_SCANS)

    async def present(self, event: ReaderEvent) -> bool:
        """Deal with one presentation; returns whether there is a new record to send."""
        async with self._turn:
            if self.is_paused:
                self._say_not_recorded(Trouble.LANE_PAUSED)
                return False
            return await self._present(event)

    async def undo(self) -> bool:
        """Take the last scan back if it is fresh; returns whether there is a new record to send.

        Nothing is deleted: a record of its own says that the scan was a mistake.
        """
        async with self._turn:
            undoable = self._undoable
            if undoable is None or self._clock.monotonic_s() > undoable.until_s:
                self._say(None, Trouble.NOTHING_TO_UNDO)
                return False
            return await self._undo(undoable.decision, undoable.seq)

    def is_stuck(self) -> bool:
        """Whether the disk has kept a record waiting for so long that it will not end by itself."""
        since_s = self._recording_since_s
        return since_s is not None and self._clock.monotonic_s() - since_s > STUCK_AFTER_S

    def dismiss(self) -> None:
        """The verdict was read: show no more of it."""
        if self._hide is not None:
            self._hide.cancel()
        self._clear()

    def toggle_pause(self) -> None:
        """Take no cards, or take them again."""
        self.is_paused = not self.is_paused
        self.dismiss()

    async def _present(self, event: ReaderEvent) -> bool:
        decision = self._station.judge(event, self.stamp())
        if decision is None:
            is_code = isinstance(event, CodeRead)
            self._say(None, Trouble.SCAN_AGAIN if is_code else Trouble.HOLD_CARD_STILL)
            return False
        at_ms = decision.record.at.wall_ms
        seen = decision.newly_seen
        mark = self._seen_book.mark(seen) if seen is not None else None
        seq = await self._record(decision.record, at_ms, mark)
        if seq is None:
            return False
        self._station.confirm(decision)
        if self._neighbours is not None:
            self._neighbours.seen(decision, seq)
        self._undoable = _Undoable(decision, seq, self._clock.monotonic_s() + UNDO_WITHIN_S)
        scan = self._shown(event, decision, seq)
        self.last.appendleft(replace(scan, name=mask_name(scan.name) if scan.name else ""))
        self._say(scan, None)
        return True

    async def _undo(self, decision: Decision, seq: int) -> bool:
        record = self._station.undo(decision, seq, self.stamp())
        seen = decision.newly_seen
        note = self._seen_book.erasure(seen) if seen is not None else None
        if await self._record(record, record.at.wall_ms, note) is None:
            return False
        self._undoable = None
        if seen is not None:
            self._station.forget(seen)
        if self._neighbours is not None:
            self._neighbours.taken_back(seq)
        for place, scan in enumerate(self.last):
            if scan.seq == seq:
                self.last[place] = replace(scan, is_undone=True)
        self._say(None, Trouble.UNDONE)
        if self._signals is not None:
            self._signals.show_undone()
        return True

    async def _record(self, record: Record, at_ms: int, note: Note | None) -> int | None:
        """Make a record durable; its number, or None after everybody was told that it is not."""
        body = encode_record(record)
        self._recording_since_s = self._clock.monotonic_s()
        try:
            return await asyncio.to_thread(self._outbox.append, body, at_ms, note)
        except (OutboxFull, OutboxBroken) as error:
            log.error("not recorded: %s", error)
            is_full = isinstance(error, OutboxFull)
            self._say_not_recorded(Trouble.DISK_FULL if is_full else Trouble.DISK_FAILING)
            return None
        finally:
            self._recording_since_s = None

    def close(self) -> None:
        """Leave lights and page as they are: whoever shows them is about to go."""
        if self._hide is not None:
            self._hide.cancel()

    def stamp(self) -> Stamp:
        """The time now, as a record carries it."""
        now = self._clock.read()
        return Stamp(now.wall_ms, now.mono_ms, now.boot, TimeSource(now.source), now.error_ms)

    def _say(self, scan: ShownScan | None, trouble: Trouble | None) -> None:
        if self._hide is not None:
            self._hide.cancel()
        self.verdict, self.trouble = scan, trouble
        if self._signals is not None:  # a light never outlives the verdict it belongs to
            if scan is None:
                self._signals.show(None)
            else:
                self._signals.show(scan.verdict, scan.name, scan.first_seen_lane)
        self._hide = asyncio.get_running_loop().call_later(VERDICT_S, self._clear)
        self._changed()

    def _say_not_recorded(self, trouble: Trouble) -> None:
        self._say(None, trouble)
        if self._signals is not None:
            self._signals.show_not_recorded()

    def _clear(self) -> None:
        self.verdict = self.trouble = None
        if self._signals is not None:
            self._signals.show(None)
        self._changed()

    def _shown(self, event: ReaderEvent, decision: Decision, seq: int) -> ShownScan:
        record, person = decision.record, decision.person
        roster, elsewhere = self._station.roster, decision.seen_elsewhere
        return ShownScan(
            epoch=self._outbox.origin.epoch,
            seq=seq,
            at_ms=record.at.wall_ms,
            verdict=record.verdict,
            reason=record.reason,
            name=person.name if person is not None else "",
            unit=person.unit if person is not None else "",
            post=person.post if person is not None else "",
            home_point=roster.points.get(person.point) if roster and person else None,
            first_seen_ms=_first_seen_ms(decision),
            first_seen_lane=elsewhere.lane if elsewhere is not None else None,
            card_trouble=event.reason if isinstance(event, CardTrouble) else None,
        )


def _first_seen_ms(decision: Decision) -> int | None:
    at, elsewhere = decision.record.at, decision.seen_elsewhere
    if elsewhere is not None:
        return at.wall_ms - max(0, at.mono_ms - elsewhere.mono_ms)
    return decision.seen_before.first_ms if decision.seen_before is not None else None
