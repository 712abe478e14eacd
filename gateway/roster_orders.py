"""Rosters that packed batches may count people by: the latest few, and that of nobody."""

from collections.abc import Mapping, Sequence

from gateway.store.rosters import RosterStore
from protocol.roster import Point
from protocol.roster_order import NOBODY, RosterOrder

KEPT_VERSIONS = 4  # a terminal that is further behind packs by nobody until it has a newer one

_NOBODY: Mapping[bytes, RosterOrder] = {NOBODY.fingerprint: NOBODY}


class RosterOrders:
    """By fingerprint. Filled by one thread, read by any."""

    def __init__(self, store: RosterStore, points: Sequence[Point]) -> None:
        self._store, self._points = store, points
        self._version = 0
        self._by_fingerprint = _NOBODY
        self.refresh()

    def refresh(self) -> None:
        """Take in what was imported in the meantime."""
        newest = self._store.version()
        if newest == self._version:
            return
        self._version = newest
        kept = range(max(1, newest - KEPT_VERSIONS + 1), newest + 1)
        orders = [RosterOrder(self._store.load(self._points, version)) for version in kept]
        self._by_fingerprint = {**_NOBODY, **{order.fingerprint: order for order in orders}}

    def find(self, fingerprint: bytes) -> RosterOrder | None:
        """The order of that fingerprint, if it is one of these."""
        return self._by_fingerprint.get(fingerprint)
