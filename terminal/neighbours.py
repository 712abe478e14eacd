"""The lanes of one point agree on who was seen, without any server. No I/O.

Every durable check-in and every undo is told at once, and everything is told again lap after lap
(`terminal.told`), by frames that go out over the local network (`terminal.links.lan`) or, while
nobody is heard there, by radio. What the others tell is in `terminal.overheard`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from protocol.frames import MAX_FRAME_BYTES, FrameSealer, overhead_bytes
from protocol.neighbours import NO_ROSTER, PeerKind, Told, pack_told, point_mark
from protocol.radio_keys import Direction, link_key
from protocol.roster import Roster
from protocol.roster_order import RosterOrder
from protocol.verdict import PRESENT_UNLESS_STOPPED
from runtime.clock import Clock
from terminal.ear import MAX_SENDERS, Ear, Heard
from terminal.overheard import Overheard
from terminal.station import Decision, SeenElsewhere, Station
from terminal.told import BEFORE_RESTART, Key, OwnSightings

BEAT_S = 5.0  # a frame of a lap every so often: 38 sightings, or only that we are there
HURRY_S = 0.2  # while somebody has just come: 190 sightings a second, 1 kB/s
LAN_LOST_S = 3 * BEAT_S + 1  # three beats were missed
RADIO_LOST_S = 600.0  # by radio there is no beat, only what is new

# What is certain to hold a sighting not older than `told.RADIO_WITHIN_S`, and all before the first.
_RADIO_SIGHTING_BYTES, _RADIO_HEAD_BYTES = 7, 28
_LAPS_FOR_A_NEWCOMER = 2  # what is left of this one, and a whole one


class Way(Enum):
    """How a frame came."""

    LAN = "lan"
    RADIO = "radio"


_LOST_S = {Way.LAN: LAN_LOST_S, Way.RADIO: RADIO_LOST_S}
"""A lane that was silent for so long is not there, as far as this way can tell."""


@dataclass(frozen=True, slots=True)
class _Lane:
    """A neighbour, as last heard in one way."""

    number: int
    roster: bytes
    heard_s: float


class Neighbours:
    """What one lane tells the others and hears from them.

    `next_counter` gives a frame counter that is reserved on disk and never given again, or `None`
    while there is none: then nothing is told now, and it is told later.
    """

    def __init__(
        self,
        station: Station,
        clock: Clock,
        *,
        group_radio_key: bytes,
        address: int,
        epoch: int,
        next_counter: Callable[[], int | None],
    ) -> None:
        self._station, self._clock, self._next_counter = station, clock, next_counter
        self._sealer = FrameSealer(link_key(group_radio_key, Direction.PEER, address, epoch))
        self._ear = Ear(group_radio_key, address, station.point)
        self._own, self._overheard = OwnSightings(), Overheard()
        self._lanes: dict[tuple[int, Way], _Lane] = {}
        """By address and way; the one heard last is last."""
        self._roster: Roster | None = None
        self._order: RosterOrder | None = None
        self._activation: int | None = None
        self._has_news = False
        self._radio_not_before_s = 0.0
        self._hurry_until_lap = 0
        self._beat_s = clock.monotonic_s() - BEAT_S
        self.next_beat_s = self._beat_s
        """When `frames_for_lan` has something to send, whether or not there is news."""

    def seen(self, decision: Decision, seq: int) -> None:
        """A check-in is durable: tell of it, if the person is here by it."""
        self._catch_up()
        record, person = decision.record, decision.person
        key: Key = person.number if person is not None else record.credential.digest
        is_new = person is None or decision.newly_seen is not None
        is_here = record.verdict in PRESENT_UNLESS_STOPPED and key != b""
        if is_new and is_here and record.activation == self._activation:
            self._has_news |= self._own.seen(key, seq, self._clock.monotonic_s())

    def taken_back(self, seq: int) -> None:
        """The undo of a check-in is durable: tell of that."""
        self._catch_up()
        self._has_news |= self._own.taken_back(seq, self._clock.monotonic_s())

    def lan_is_back(self) -> None:
        """The local network can be used: whoever is there is to hear us, and everything."""
        self._hurry(self._clock.monotonic_s())

    def frames_for_lan(self) -> list[bytes]:
        """What to send to the local network now: news at once, a piece of a lap at each beat."""
        self._catch_up()
        now_s, frames = self._clock.monotonic_s(), []
        if self._has_news:
            frame, _ = self._seal(self._own.latest(), MAX_FRAME_BYTES)
            frames.append(frame)
            self._has_news = frame is None
        if now_s >= self.next_beat_s:
            frame, told = self._seal(self._own.next_of_lap(), MAX_FRAME_BYTES)
            frames.append(frame)
            if frame is not None:
                self._own.told(told)
            is_hurried = frame is None or self._own.laps < self._hurry_until_lap
            self._beat_s, self.next_beat_s = now_s, now_s + (HURRY_S if is_hurried else BEAT_S)
        return [frame for frame in frames if frame is not None]

    def frame_for_radio(self, limit_bytes: int) -> bytes | None:
        """A frame of at most `limit_bytes` to send by radio now, sealed, or `None`.

        There is one only if somebody can be reached in no other way: no lane is heard on the local
        network, or one by radio only. It counts as sent: whoever loses it has the repetition.
        Raises `ValueError` if not even a head fits.
        """
        self._catch_up()
        now_s = self._clock.monotonic_s()
        room = max(1, (limit_bytes - _RADIO_HEAD_BYTES) // _RADIO_SIGHTING_BYTES)
        keys = self._own.due_by_radio(now_s, room) if self._needs_radio() else []
        if not keys:
            return None
        frame, told = self._seal(keys, limit_bytes)
        self._own.told_by_radio(told, now_s)
        if frame is None:
            self._radio_not_before_s = now_s + BEAT_S
        return frame

    def ask_for_radio_s(self) -> float | None:
        """When to ask `frame_for_radio` again, unless something is recorded before; `None`: then.

        May be in the past: now.
        """
        now_s = self._clock.monotonic_s()
        due_s = self._own.next_by_radio_s(now_s)
        if due_s is None:
            return None
        if self._needs_radio():
            return max(due_s, self._radio_not_before_s)
        return max(due_s, now_s + BEAT_S)  # the local network may be lost by then

    def take(self, frame: bytes, way: Way) -> bool:
        """Deal with whatever arrived; returns whether it was a fresh word of this point."""
        now_s = self._clock.monotonic_s()
        heard = self._ear.take(frame, now_s)
        if heard is None:
            return False
        self._catch_up()
        self._note_lane(heard, way, now_s)
        if heard.told.activation == self._activation:
            self._overheard.take(heard, now_s)
        return True

    def take_from_radio(self, frame: bytes) -> None:
        """The same for what the radio link hears."""
        self.take(frame, Way.RADIO)

    def first_seen(self, person: int) -> SeenElsewhere | None:
        """See `terminal.station.Neighbourhood`."""
        self._catch_up()
        word = self._overheard.first(person)
        return SeenElsewhere(word.lane, int(word.at_s * 1000)) if word is not None else None

    def lanes(self) -> tuple[int, ...]:
        """Numbers of the lanes that are heard, ascending; ours too, if another has it as well."""
        return tuple(sorted({lane.number for lane in self._living().values()}))

    def _note_lane(self, heard: Heard, way: Way, now_s: float) -> None:
        name = heard.address, way
        before = self._lanes.pop(name, None)
        self._lanes[name] = _Lane(heard.told.lane, heard.told.roster, now_s)
        if len(self._lanes) > MAX_SENDERS:
            self._lanes.pop(next(iter(self._lanes)))
        was_away = before is None or now_s - before.heard_s > _LOST_S[way]
        if way is Way.LAN and (was_away or heard.is_newcomer):
            self._hurry(self._beat_s + HURRY_S)

    def _hurry(self, from_s: float) -> None:
        self._hurry_until_lap = self._own.laps + _LAPS_FOR_A_NEWCOMER
        self.next_beat_s = min(self.next_beat_s, from_s)

    def _living(self) -> dict[tuple[int, Way], _Lane]:
        now_s = self._clock.monotonic_s()
        return {
            (address, way): lane
            for (address, way), lane in self._lanes.items()
            if now_s - lane.heard_s <= _LOST_S[way]
        }

    def _needs_radio(self) -> bool:
        living = self._living()
        near = {address for address, way in living if way is Way.LAN}
        return not near or any(address not in near for address, _ in living)

    def _seal(self, keys: Sequence[Key], limit_bytes: int) -> tuple[bytes | None, Sequence[Key]]:
        """A frame about those of `keys` that fit, and which need not be told again."""
        counter = self._next_counter()
        if counter is None:
            return None, ()
        order = self._order
        fingerprint = order.fingerprint if order is not None else NO_ROSTER
        rosters = {lane.roster for lane in self._living().values()}
        now_s, by_place = self._clock.monotonic_s(), rosters == {fingerprint}
        found = self._own.sightings(keys, order, now_s, by_place=by_place)
        content, taken = pack_told(
            Told(
                point_mark(self._station.point),
                self._station.lane,
                fingerprint,
                self._station.activation_number,
                tuple(sighting for _, sighting in found),
            ),
            limit_bytes=limit_bytes - overhead_bytes(names_epoch=True),
        )
        left = {key for key, _ in found[taken:]}
        frame = self._sealer.seal(PeerKind.SIGHTINGS, counter, content, names_epoch=True)
        return frame, [key for key in keys if key not in left]

    def _catch_up(self) -> None:
        """Take over the station's roster and activation, and whom it remembers."""
        station = self._station
        if station.roster is not self._roster:
            self._roster = station.roster
            self._order = RosterOrder(station.roster) if station.roster is not None else None
            self._overheard.use_roster(self._order)
        if station.activation_number != self._activation:
            self._activation = station.activation_number
            self._own.forget_all()
            self._overheard.forget_all()
            now = self._clock.read()
            for seen in sorted(station.seen_here(), key=lambda seen: seen.first_ms):
                ago_s = max(0, now.wall_ms - seen.first_ms) / 1000
                self._own.seen(seen.person, BEFORE_RESTART, self._clock.monotonic_s() - ago_s)
