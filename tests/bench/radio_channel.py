"""One radio channel in virtual time, on which any scheme of access can be tried.

A scheme is a gateway and terminals, each a `Station`: a state machine without I/O. Every scheme has
the same modem: half duplex, the lags below, and carrier sense by CAD, which sees frames of stations
in range that are on the air for `CAD_S` or longer. Who receives what, `sim.air.medium` says.

Not modelled: the time a host needs, a modem's own buffer, clocks that drift.
"""

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, count
from random import Random
from typing import Protocol

from sim.air.air import CAD_SYMBOLS
from sim.air.hearing import Outcome, Transmission
from sim.air.lora import LoraSettings, sensitivity_dbm, symbol_s
from sim.air.medium import Medium
from sim.air.terrain import HIDDEN, Link, Site, Terrain

GATEWAY = "gateway"
NEAREST_DB, FARTHEST_DB = 95.0, 130.0  # path loss; at 14 dBm all are heard at SF9
_AGAIN_S = 0.001  # a station that wants to be woken in the past is woken so much later
_DEFER_S = 0.1  # a modem that listens first waits up to so long behind the frame it heard


@dataclass(frozen=True, slots=True)
class Modem:
    """How long what is heard takes from its last symbol to the host, and back to the first one."""

    receive_lag_s: float
    send_lag_s: float


ON_UART = Modem(0.03, 0.02)  # 115 bytes in hex take 20 ms at 115200 baud
ON_SPI = Modem(0.002, 0.002)


class Station(Protocol):
    """One end of a scheme. All times are seconds of one clock."""

    def heard(self, frame: bytes, now_s: float) -> None:
        """A frame was received whole."""

    def next_transmission(self, now_s: float) -> bytes | None:
        """What to send now; None: nothing.

        Asked after `heard`, when `wake_at_s` has come, and when its own frame has left the
        antenna; never while it sends.
        """

    def wake_at_s(self) -> float | None:
        """When to ask again if nothing is heard until then; None: never."""


@dataclass(slots=True)
class _Post:
    """A station, its modem, and what it did."""

    station: Station
    listens_first: bool
    dice: Random
    is_sending: bool = False
    wake_s: float | None = None


class Channel:
    """All stations of one scheme, and the only clock they have."""

    def __init__(
        self, medium: Medium, terrain: Terrain, settings: LoraSettings, modem: Modem = ON_UART
    ) -> None:
        self.modem = modem
        self._medium, self._terrain, self._settings = medium, terrain, settings
        self._posts: dict[str, _Post] = {}
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._flights: list[Transmission] = []
        self._ranges: dict[tuple[str, str], bool] = {}
        self.now_s = 0.0
        self.sent: Counter[str] = Counter()
        """Frames, by station."""
        self.air_s: defaultdict[str, float] = defaultdict(float)
        self.breaches = 0
        """Transmissions the medium's judge found illegal."""

    def join(self, name: str, station: Station, *, listens_first: bool = False) -> None:
        """A station switches on; its modem listens before each frame if the law wants that."""
        self._medium.attach(name, None, self.now_s)
        self._medium.tune(name, self._settings, self.now_s)
        self._posts[name] = _Post(station, listens_first, Random(f"modem {name}"))
        self._at(self.now_s, partial(self._attend, name))

    def call_at(self, at_s: float, call: Callable[[], None], name: str) -> None:
        """Something happens to a station from outside: a card is laid on its reader."""

        def happen() -> None:
            call()
            self._attend(name)

        self._at(at_s, happen)

    def run(self, is_over: Callable[[], bool], limit_s: float) -> bool:
        """Go on until it is over; whether that was within `limit_s`."""
        while self._agenda and not is_over():
            if self._agenda[0][0] > limit_s:
                return False
            self.now_s, _, call = heapq.heappop(self._agenda)
            call()
        return is_over()

    def busy_until_s(self, name: str) -> float:
        """When what a station notices on the channel ends; now or before: it notices nothing."""
        noticed = self.now_s - CAD_SYMBOLS * symbol_s(self._settings)
        return max(
            (flight.end_s for flight in self._flights_near(name) if flight.start_s <= noticed),
            default=-math.inf,
        )

    def is_in_range(self, sender: str, listener: str) -> bool:
        """Whether one hears the other at all."""
        pair = (sender, listener)
        if pair not in self._ranges:
            loss_db = math.inf if sender == listener else self._loss_db(*pair)
            rssi_dbm = self._settings.power_dbm - loss_db
            self._ranges[pair] = rssi_dbm >= sensitivity_dbm(self._settings)
        return self._ranges[pair]

    def _at(self, at_s: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (at_s, next(self._order), call))

    def _attend(self, name: str) -> None:
        post = self._posts[name]
        if post.is_sending:
            return
        frame = post.station.next_transmission(self.now_s)
        if frame is not None:
            post.is_sending = True
            self._at(self.now_s + self.modem.send_lag_s, partial(self._start, name, frame))
            return
        wake_s = post.station.wake_at_s()
        if wake_s is not None and wake_s != post.wake_s:
            self._at(max(wake_s, self.now_s + _AGAIN_S), partial(self._wake, name, wake_s))
        post.wake_s = wake_s

    def _wake(self, name: str, wake_s: float) -> None:
        if self._posts[name].wake_s == wake_s:
            self._posts[name].wake_s = None
            self._attend(name)

    def _start(self, name: str, frame: bytes) -> None:
        post = self._posts[name]
        if post.listens_first and not self._is_clear(name):
            clear_s = max(self.now_s, self.busy_until_s(name))
            again_s = clear_s + post.dice.uniform(_AGAIN_S, _DEFER_S)
            self._at(again_s, partial(self._start, name, frame))
            return
        flight = self._medium.transmit(name, frame, self._settings, self.now_s)
        self._flights = [each for each in self._flights if each.end_s > self.now_s - _MEMORY_S]
        self._flights.append(flight)
        self.sent[name] += 1
        self.air_s[name] += flight.end_s - flight.start_s
        self.breaches += bool(flight.breaches)
        self._at(flight.end_s, partial(self._end, name))

    def _is_clear(self, name: str) -> bool:
        since_s = self.now_s - CAD_SYMBOLS * symbol_s(self._settings)
        return not self._medium.chirps_heard(name, self._settings, since_s, self.now_s)

    def _end(self, name: str) -> None:
        for hearing in self._medium.advance(self.now_s):
            if hearing.outcome is Outcome.RECEIVED:
                deliver = partial(self._deliver, hearing.listener, hearing.transmission.frame)
                self._at(self.now_s + self.modem.receive_lag_s, deliver)
        self._posts[name].is_sending = False
        self._attend(name)

    def _deliver(self, name: str, frame: bytes) -> None:
        self._posts[name].station.heard(frame, self.now_s)
        self._attend(name)

    def _flights_near(self, name: str) -> list[Transmission]:
        return [each for each in self._flights if self.is_in_range(each.sender, name)]

    def _loss_db(self, sender: str, listener: str) -> float:
        return self._terrain.way(Site(sender), Site(listener)).loss_db


_MEMORY_S = 10.0  # no frame is that long


def valleys(
    terminals: Sequence[str], *, hidden_share: float, loss_chance: float, seed: int
) -> Terrain:
    """All hear the gateway, at different strengths; a share of the pairs do not hear each other."""
    dice = Random(f"valleys {seed}")
    links = {(name, GATEWAY): _somewhere(dice) for name in terminals}
    pairs = list(combinations(terminals, 2))
    hidden = set(dice.sample(pairs, round(len(pairs) * hidden_share)))
    links |= {pair: HIDDEN if pair in hidden else _somewhere(dice) for pair in pairs}
    return Terrain(links, loss_chance=loss_chance)


def _somewhere(dice: Random) -> Link:
    return Link(path_loss_db=dice.uniform(NEAREST_DB, FARTHEST_DB))
