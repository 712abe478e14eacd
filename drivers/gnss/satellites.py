"""Collects the satellites in view out of GSV sentences, constellation by constellation."""

from dataclasses import dataclass

from drivers.gnss.base import SatelliteView
from drivers.gnss.facts import Gsv

VIEW_FRESH_S = 10.0  # a SiRF-IV sends GSV every fifth second (hw/gnss-nmea.md, 2)


@dataclass(frozen=True, slots=True)
class _Group:
    """One whole list: of one constellation, as heard on one signal."""

    in_view: int
    cn0_dbhz: dict[str, int]
    received_mono_s: float

    def fresh(self, now_mono_s: float) -> bool:
        return now_mono_s - self.received_mono_s <= VIEW_FRESH_S


class Sky:
    """The newest whole list of each constellation and signal. Pure; time is an argument."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str], _Group] = {}
        self._parts: list[Gsv] = []

    def feed(self, gsv: Gsv, received_mono_s: float) -> None:
        """Take one part; a list with a part missing is dropped whole."""
        if gsv.part == 1:
            self._parts = []
        self._parts.append(gsv)
        first = self._parts[0]
        if (gsv.talker, gsv.signal, gsv.part) != (first.talker, first.signal, len(self._parts)):
            self._parts = []
            return
        if gsv.part < gsv.parts:
            return
        heard = {
            satellite: cn0
            for part in self._parts
            for satellite, cn0 in part.cn0_dbhz
            if cn0 is not None and cn0 > 0
        }
        self._parts = []
        self._groups = {
            key: group for key, group in self._groups.items() if group.fresh(received_mono_s)
        }
        self._groups[gsv.talker, gsv.signal] = _Group(gsv.in_view, heard, received_mono_s)

    def view(self, now_mono_s: float) -> SatelliteView | None:
        """Sum up what is fresh; None when nothing is."""
        in_view: dict[str, int] = {}
        strongest: dict[tuple[str, str], int] = {}
        for (talker, _), group in self._groups.items():
            if not group.fresh(now_mono_s):
                continue
            in_view[talker] = max(in_view.get(talker, 0), group.in_view)
            for satellite, cn0 in group.cn0_dbhz.items():
                strongest[talker, satellite] = max(strongest.get((talker, satellite), 0), cn0)
        if not in_view:
            return None
        return SatelliteView(sum(in_view.values()), tuple(strongest.values()))
