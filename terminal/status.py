"""What is so right now: for the page, and for the heartbeat."""

from protocol.health import Heartbeat
from protocol.keys import Identity
from protocol.records import Stamp, TimeSource
from protocol.roster import Point
from runtime.clock import SystemClock
from runtime.release import VERSION
from terminal.county import County
from terminal.equipment import Equipment
from terminal.lane import Lane
from terminal.neighbours import Neighbours
from terminal.outbox import Outbox
from terminal.settings import TerminalSettings
from terminal.station import Station
from terminal.view import Custody, StationView, Trouble

ROOM_LOW_BYTES = 256 * 1024 * 1024  # room for a million records: warn days before it matters


class Status:
    """Reads the terminal's parts, changes none of them."""

    def __init__(
        self,
        settings: TerminalSettings,
        identity: Identity,
        *,
        clock: SystemClock,
        outbox: Outbox,
        station: Station,
        lane: Lane,
        county: County,
        equipment: Equipment,
        neighbours: Neighbours | None = None,
    ) -> None:
        self._settings, self._identity = settings, identity
        self._clock, self._outbox, self._station = clock, outbox, station
        self._lane, self._county, self._equipment = lane, county, equipment
        self._neighbours = neighbours
        self._started_s = clock.monotonic_s()

    def view(self) -> StationView:
        """Everything on the page."""
        now = self._lane.stamp()
        roster = self._station.roster
        name, lanes = self._settings.point, self._lanes_heard()
        return StationView(
            node=self._identity.node,
            point=(roster.points.get(name) if roster else None) or Point(name, name, name),
            lane=self._settings.lane,
            activation=self._station.activation,
            verdict=self._lane.verdict,
            last=tuple(self._lane.last),
            present=self._station.present(),
            expected=self._station.expected(),
            custody=self._custody(now.wall_ms),
            link=self._county.link,
            lanes_heard=tuple(lane for lane in lanes if lane != self._settings.lane),
            roster_version=roster.version if roster else None,
            roster_issued_ms=roster.issued_ms if roster else None,
            now_ms=now.wall_ms,
            clock_source=now.source,
            clock_error_ms=now.error_ms,
            readers=tuple(self._equipment.shown_readers()),
            reader=self._equipment.worst_reader,
            gnss=self._equipment.gnss.health,
            troubles=self._troubles(now),
        )

    def heartbeat(self) -> Heartbeat:
        """Everything the county should know."""
        now = self._lane.stamp()
        custody = self._custody(now.wall_ms)
        roster, equipment = self._station.roster, self._equipment
        position = equipment.position.microdegrees()
        return Heartbeat(
            county=self._identity.county,
            node=self._identity.node,
            point=self._settings.point,
            at=now,
            uptime_s=int(self._clock.monotonic_s() - self._started_s),
            version=VERSION,
            epoch=self._outbox.origin.epoch,
            captured=custody.captured,
            waiting=custody.waiting,
            oldest_waiting_s=custody.oldest_waiting_s,
            refused=custody.refused,
            present=self._station.present(),
            roster_version=roster.version if roster else 0,
            devices=tuple(equipment.reports()),
            disk_free_bytes=max(0, self._outbox.room_bytes),
            latitude_e6=position[0] if position else None,
            longitude_e6=position[1] if position else None,
            position_trust=equipment.position_trust,
            power=equipment.power.report,
            enclosure_is_open=equipment.enclosure_is_open,
        )

    def _lanes_heard(self) -> tuple[int, ...]:
        return self._neighbours.lanes() if self._neighbours is not None else ()

    def _custody(self, now_ms: int) -> Custody:
        depth = self._outbox.depth
        oldest_ms = depth.oldest_made_ms
        return Custody(
            captured=depth.captured,
            stored=depth.captured - depth.waiting - depth.refused,
            waiting=depth.waiting,
            refused=depth.refused,
            oldest_waiting_s=0 if oldest_ms is None else max(0, now_ms - oldest_ms) // 1000,
        )

    def _troubles(self, now: Stamp) -> tuple[Trouble, ...]:
        lane = self._lane.trouble
        found = {
            Trouble.LANE_PAUSED: self._lane.is_paused and lane is not Trouble.LANE_PAUSED,
            Trouble.DISK_LOW: self._outbox.room_bytes < ROOM_LOW_BYTES,
            Trouble.NO_ROSTER: self._station.roster is None,
            Trouble.CLOCK_UNSET: now.source is TimeSource.UNSET,
            Trouble.SAME_LANE: self._settings.lane in self._lanes_heard(),
            Trouble.COUNTY_REFUSES: self._county.refuses,
        }
        standing = [trouble for trouble, is_so in found.items() if is_so]
        standing += self._equipment.troubles()
        return tuple(standing if lane is None else [lane, *standing])
