"""What is so right now: for the page, and for the heartbeat."""

from protocol.health import DeviceHealth, Heartbeat
from protocol.keys import Identity
from protocol.radio_up import MAX_SECONDS, MAX_WAITING, Fare
from protocol.radio_up import Status as RadioStatus
from protocol.records import Stamp, TimeSource
from protocol.roster import Point
from runtime.clock import SystemClock
from runtime.release import VERSION
from terminal.county import County
from terminal.equipment import Equipment
from terminal.lane import Lane
from terminal.neighbours import Neighbours
from terminal.outbox import Outbox
from terminal.radio import TerminalRadio
from terminal.settings import TerminalSettings
from terminal.station import Station
from terminal.view import Custody, LinkState, ShownRadio, StationView, Trouble

_TRUSTED = (TimeSource.GNSS, TimeSource.NTP)
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
        radio: TerminalRadio | None = None,
    ) -> None:
        self._settings, self._identity = settings, identity
        self._clock, self._outbox, self._station = clock, outbox, station
        self._lane, self._county, self._equipment = lane, county, equipment
        self._neighbours, self._radio = neighbours, radio
        self._started_s = clock.monotonic_s()

    def view(self) -> StationView:
        """Everything on the page."""
        now = self._lane.stamp()
        roster = self._station.roster
        name, lanes = self._settings.point, self._lanes_heard()
        custody = self._custody(now.wall_ms)
        radio = self._radio.shown(custody.waiting) if self._radio is not None else None
        return StationView(
            node=self._identity.node,
            point=(roster.points.get(name) if roster else None) or Point(name, name, name),
            lane=self._settings.lane,
            activation=self._station.activation,
            verdict=self._lane.verdict,
            last=tuple(self._lane.last),
            present=self._station.present(),
            expected=self._station.expected(),
            custody=custody,
            link=self._link(radio),
            radio=radio,
            notice=self._county.notice,
            ended_ms=self._county.ended_ms,
            lanes_heard=tuple(lane for lane in lanes if lane != self._settings.lane),
            roster_version=roster.version if roster else None,
            roster_issued_ms=roster.issued_ms if roster else None,
            now_ms=now.wall_ms,
            clock_source=now.source,
            clock_error_ms=now.error_ms,
            readers=tuple(self._equipment.shown_readers()),
            reader=self._equipment.worst_reader,
            gnss=self._equipment.gnss.health,
            troubles=self._troubles(now, radio),
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

    def by_radio(self) -> RadioStatus:
        """What fits of that into a radio frame."""
        now = self._lane.stamp()
        custody, roster = self._custody(now.wall_ms), self._station.roster
        power, equipment = self._equipment.power.report, self._equipment
        found = {
            Fare.READER_READY: equipment.worst_reader is DeviceHealth.READY,
            Fare.ON_BATTERY: power is not None and power.on_mains is False,
            Fare.ENCLOSURE_OPEN: equipment.enclosure_is_open is True,
            Fare.CLOCK_TRUSTED: now.source in _TRUSTED,
        }
        return RadioStatus(
            waiting=min(custody.waiting, MAX_WAITING),
            oldest_s=min(custody.oldest_waiting_s, MAX_SECONDS),
            fare=Fare(sum(fare for fare, is_so in found.items() if is_so)),
            battery_percent=power.charge_percent if power is not None else None,
            roster_version=roster.version if roster is not None else 0,
            news=self._county.news_number,
            airtime_percent=self._radio.airtime_percent if self._radio is not None else 0,
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

    def _link(self, radio: ShownRadio | None) -> LinkState:
        by_radio = radio is not None and radio.carries and radio.is_ready
        return LinkState.RADIO if by_radio else self._county.link

    def _troubles(self, now: Stamp, radio: ShownRadio | None) -> tuple[Trouble, ...]:
        lane = self._lane.trouble
        found = {
            Trouble.LANE_PAUSED: self._lane.is_paused and lane is not Trouble.LANE_PAUSED,
            Trouble.DISK_LOW: self._outbox.room_bytes < ROOM_LOW_BYTES,
            Trouble.NO_ROSTER: self._station.roster is None,
            Trouble.CLOCK_UNSET: now.source is TimeSource.UNSET,
            Trouble.SAME_LANE: self._settings.lane in self._lanes_heard(),
            Trouble.RADIO_MISSING: radio is not None and radio.carries and not radio.is_ready,
            Trouble.COUNTY_REFUSES: self._county.refuses,
        }
        standing = [trouble for trouble, is_so in found.items() if is_so]
        standing += self._equipment.troubles()
        return tuple(standing if lane is None else [lane, *standing])
