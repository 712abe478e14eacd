"""How well the county is heard by radio: each terminal, and who hears whom.

Pure: time is passed in. Everything counts from the start of this gateway.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from gateway.view import HeardBy, NodeRadio
from protocol.radio_up import Status

KEPT_SHARE = 0.8  # of a running mean: about the last ten frames count
PERCENT = 100


@dataclass(slots=True)
class _Ear:
    last_heard_s: float
    frames: int = 0
    lost: int = 0
    rssi_dbm: int | None = None
    mean_rssi_dbm: float | None = None
    snr_db: float | None = None
    status: Status | None = None
    status_s: float = 0.0


class RadioWatch:
    """What the gateway's radio knows of the terminals, by their names."""

    def __init__(self) -> None:
        self._ears: dict[str, _Ear] = {}

    def heard(
        self, node: str, rssi_dbm: int | None, snr_db: float | None, skipped: int, now_s: float
    ) -> None:
        """A terminal's frame was opened; `skipped` were lost before it."""
        ear = self._ears.setdefault(node, _Ear(now_s))
        ear.last_heard_s, ear.frames, ear.lost = now_s, ear.frames + 1, ear.lost + skipped
        ear.rssi_dbm, ear.snr_db = rssi_dbm, snr_db
        if rssi_dbm is not None:
            before = rssi_dbm if ear.mean_rssi_dbm is None else ear.mean_rssi_dbm
            ear.mean_rssi_dbm = KEPT_SHARE * before + (1 - KEPT_SHARE) * rssi_dbm

    def told(self, node: str, status: Status, now_s: float) -> None:
        """A terminal said by radio how it fares."""
        ear = self._ears.setdefault(node, _Ear(now_s))
        ear.status, ear.status_s = status, now_s

    def emptied(self, node: str) -> None:
        """A terminal said that nothing waits any more."""
        ear = self._ears.get(node)
        if ear is not None and ear.status is not None:
            ear.status = replace(ear.status, waiting=0, oldest_s=0)

    def rows(self, now_s: float, name_of: Callable[[int], str | None]) -> Mapping[str, NodeRadio]:
        """What to show of each terminal that was heard; `name_of` finds a node by its address."""
        return {node: _row(ear, now_s, name_of) for node, ear in self._ears.items()}


def _row(ear: _Ear, now_s: float, name_of: Callable[[int], str | None]) -> NodeRadio:
    status = ear.status
    hears: list[HeardBy] = []
    for each in status.heard if status is not None else ():
        name = name_of(each.address)
        if name is not None:
            hears.append(HeardBy(name, each.rssi_dbm, each.frames))
    sent = ear.frames + ear.lost
    return NodeRadio(
        heard_s=int(now_s - ear.last_heard_s),
        rssi_dbm=ear.rssi_dbm,
        mean_rssi_dbm=None if ear.mean_rssi_dbm is None else round(ear.mean_rssi_dbm),
        snr_db=ear.snr_db,
        frames=ear.frames,
        lost_percent=round(PERCENT * ear.lost / sent) if sent else 0,
        airtime_percent=None if status is None else status.airtime_percent,
        waiting=None if status is None else status.waiting,
        oldest_waiting_s=None
        if status is None
        else status.oldest_s + int(now_s - ear.status_s) * bool(status.waiting),
        battery_percent=None if status is None else status.battery_percent,
        hears=tuple(hears),
    )
