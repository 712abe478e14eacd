"""The live board: folds new ledger records, puts the view together, publishes it.

The fold starts from the first record of the ledger whenever the gateway starts or the roster
changes, so the board never knows anything that the ledger does not.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from gateway.fleet import Fleet
from gateway.muster import Muster, PointCount, curve
from gateway.settings import GatewaySettings
from gateway.store.base import LedgerEntry, QuarantinedRow, Stream
from gateway.view import BoardView, FeedItem, NodeRadio, PointRow, QuarantineRow, RadioView
from protocol.codec import decode_record
from protocol.downlink import Activation
from protocol.masking import mask_name
from protocol.records import CheckIn
from protocol.roster import Point, Roster

LATEST = 10
CURVE_STEPS = 120


class Board:
    """What the county sees. Single-threaded; fed by `gateway.app`."""

    def __init__(
        self, settings: GatewaySettings, activation: Activation, roster: Roster, fleet: Fleet
    ) -> None:
        self._settings, self._activation, self._fleet = settings, activation, fleet
        self.restart(roster)

    def restart(self, roster: Roster) -> None:
        """Forget everything and fold again with another roster."""
        self._muster = Muster(roster, self._activation.number)
        self._latest: deque[tuple[LedgerEntry, CheckIn]] = deque(maxlen=LATEST)

    def take(self, entries: Iterable[LedgerEntry]) -> None:
        """Fold entries of the ledger, each exactly once."""
        for entry in entries:
            record = decode_record(entry.body)
            self._muster.apply(entry.node, entry.epoch, entry.seq, record)
            if isinstance(record, CheckIn) and record.activation == self._activation.number:
                self._latest.append((entry, record))

    def view(
        self,
        streams: Sequence[Stream],
        *,
        quarantined: int,
        quarantine: Sequence[QuarantinedRow],
        duplicates: int,
        now_ms: int,
        now_s: float,
        ended_ms: int,
        radio: RadioView | None,
        by_radio: Mapping[str, NodeRadio],
    ) -> BoardView:
        """Everything on the board now."""
        muster, settings = self._muster, self._settings
        counts = muster.counts()
        expected = sum(count.expected for count in counts.values())
        missing = sum(count.missing for count in counts.values())
        return BoardView(
            county_zh=settings.title_zh,
            county_en=settings.title_en,
            activation=self._activation,
            now_ms=now_ms,
            roster_version=muster.roster.version,
            expected=expected,
            present=expected - missing,
            missing=missing,
            points=tuple(self._point_row(name, count) for name, count in counts.items()),
            curve=curve(muster.arrivals_ms(), self._activation.started_ms, CURVE_STEPS),
            latest=tuple(
                self._feed_item(record)
                for entry, record in reversed(self._latest)
                if not muster.is_undone(entry.node, entry.epoch, entry.seq)
            ),
            nodes=self._fleet.rows(streams, now_s, by_radio),
            stored=muster.records,
            unknown_kinds=muster.unknown_kinds,
            quarantined=quarantined,
            quarantine=tuple(
                QuarantineRow(row.received_ms, row.node, row.reason, row.times)
                for row in quarantine
            ),
            duplicates=duplicates,
            ended_ms=ended_ms,
            radio=radio,
        )

    def _point_row(self, name: str, count: PointCount) -> PointRow:
        return PointRow(
            point=self._point(name),
            expected=count.expected,
            here=count.here,
            elsewhere=count.elsewhere,
            missing=count.missing,
            guests=count.guests,
        )

    def _feed_item(self, record: CheckIn) -> FeedItem:
        person = self._muster.identify(record)
        return FeedItem(
            at_ms=record.at.wall_ms,
            point=self._point(record.point),
            verdict=record.verdict,
            reason=record.reason,
            name=mask_name(person.name) if person else "",
        )

    def _point(self, name: str) -> Point:
        return self._muster.roster.points.get(name) or Point(name, name, name)
