"""The air as a state machine: who hears what, and if not, why not. Time is an argument.

A frame is received by a radio that was ready for it before its last five preamble symbols, stays
ready to its end, is not held by another frame, and hears it at least 6 dB above every other frame
with the same chirps from that moment on. Behind the preamble a radio is held by a frame until
that frame ends, even when a stronger one spoils it. Everything else has an `Outcome` with a name.

Not modelled: disturbance between different spreading factors or bandwidths, the sum of several
weak disturbers, more than one demodulator (concentrators), Doppler and crystal drift, frames
without CRC (damage is always noticed).
"""

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count
from random import Random

from sim.air.hearing import Hearing, Outcome, Transmission
from sim.air.judge import CLEAR_BELOW_DBM, Judge
from sim.air.lora import (
    LoraSettings,
    airtime_s,
    needed_from_s,
    noise_floor_dbm,
    preamble_s,
    same_chirps,
    sensitivity_dbm,
    shares_spectrum,
    total_dbm,
    understands,
)
from sim.air.terrain import Place, Site, Terrain

CAPTURE_DB = 6.0  # LoRaSim: so much stronger survives a collision


class AirError(ValueError):
    """A modem did what no radio can do: a fault of its simulator."""


class _Event(IntEnum):
    """At the same moment a frame ends before another one begins to hold."""

    END = 0
    LOCK = 1


@dataclass(slots=True)
class _Flight:
    """A transmission and, by listener, what is known of its hearings so far."""

    sent: Transmission
    rssi_dbm: dict[str, float]
    faded: frozenset[str]
    decided: dict[str, Outcome] = field(default_factory=dict)
    over: bool = False

    @property
    def needed_from_s(self) -> float:
        return self.sent.start_s + needed_from_s(self.sent.settings)


@dataclass(slots=True)
class _Radio:
    site: Site
    ready_since_s: float
    tuning: LoraSettings | None = None
    sending: _Flight | None = None
    sent_until_s: float = -math.inf
    held_by: _Flight | None = None
    sent_count: int = 0


class Medium:
    """All radios and all frames. Calls must not go back in time; a little is taken as now."""

    def __init__(self, terrain: Terrain, *, seed: int = 0, judge: Judge | None = None) -> None:
        self._terrain, self._seed, self._judge = terrain, seed, judge
        self._radios: dict[str, _Radio] = {}
        self._flights: list[_Flight] = []
        self._events: list[tuple[float, _Event, int, _Flight]] = []
        self._order = count()
        self._chances: dict[tuple[str, str], Random] = {}
        self._heard: list[Hearing] = []
        self._now_s = -math.inf

    def attach(self, name: str, place: Place | None, at_s: float) -> None:
        """A radio appears, switched off.

        Raises `AirError` if one of that name is there, `TerrainError` if nothing says how it and
        those already there get to each other.
        """
        at_s = self._run_to(at_s)
        if name in self._radios:
            raise AirError(f"there is a radio {name!r} already")
        site = Site(name, place)
        for other in self._radios.values():
            self._terrain.way(site, other.site)
        self._radios[name] = _Radio(site, ready_since_s=at_s)

    def detach(self, name: str, at_s: float) -> None:
        """A radio is gone; what it was sending goes on to its end."""
        self.tune(name, None, at_s)
        del self._radios[name]

    def tune(self, name: str, settings: LoraSettings | None, at_s: float) -> None:
        """Listen for such frames from now on; None: switch the receiver off.

        A radio that sends listens when it is done. What it was receiving is lost.
        """
        at_s = self._run_to(at_s)
        radio = self._radio(name)
        self._let_go(radio, Outcome.NOT_LISTENING)
        radio.tuning = settings
        radio.ready_since_s = at_s

    def transmit(
        self, name: str, frame: bytes, settings: LoraSettings, at_s: float
    ) -> Transmission:
        """Send a frame from now on, law or no law. Raises `AirError` while the radio sends."""
        at_s = self._run_to(at_s)
        radio = self._radio(name)
        if radio.sending is not None:
            raise AirError(f"{name} is transmitting already")
        length_s = airtime_s(settings, len(frame))
        radio.sent_count += 1
        breaches = () if self._judge is None else self._judge.enter(name, settings, length_s, at_s)
        sent = Transmission(
            name, radio.sent_count, frame, settings, at_s, at_s + length_s, breaches
        )
        flight = self._launch(radio, sent)
        self._let_go(radio, Outcome.HALF_DUPLEX)
        radio.sending = flight
        self._flights.append(flight)
        self._plan(at_s + preamble_s(settings), _Event.LOCK, flight)
        self._plan(sent.end_s, _Event.END, flight)
        return sent

    def channel_dbm(self, name: str, settings: LoraSettings, at_s: float) -> float:
        """All power in the channel, noise included: what carrier sense by RSSI sees."""
        at_s = self._run_to(at_s)
        self._free_radio(name)
        powers_dbm = [noise_floor_dbm(settings.bandwidth_hz)]
        powers_dbm += [
            flight.rssi_dbm[name]
            for flight in self._on_air(name)
            if shares_spectrum(flight.sent.settings, settings)
        ]
        level_dbm = total_dbm(*powers_dbm)
        if self._judge is not None:
            self._judge.listened(name, settings, at_s, clear=level_dbm < CLEAR_BELOW_DBM)
        return level_dbm

    def chirps_heard(self, name: str, settings: LoraSettings, since_s: float, at_s: float) -> bool:
        """Whether such chirps were on the air all the time since `since_s`: what CAD sees."""
        at_s = self._run_to(at_s)
        self._free_radio(name)
        heard = any(
            flight.sent.start_s <= since_s
            and same_chirps(flight.sent.settings, settings)
            and flight.rssi_dbm[name] >= sensitivity_dbm(settings)
            for flight in self._on_air(name)
        )
        if self._judge is not None:
            self._judge.listened(name, settings, at_s, clear=not heard)
        return heard

    def next_s(self) -> float | None:
        """When something happens next without anybody doing anything; None: never."""
        return self._events[0][0] if self._events else None

    def advance(self, at_s: float) -> list[Hearing]:
        """Let everything happen up to now; the hearings that ended since the last call."""
        self._run_to(at_s)
        heard, self._heard = self._heard, []
        return heard

    def _run_to(self, at_s: float) -> float:
        at_s = max(self._now_s, at_s)
        while self._events and self._events[0][0] <= at_s:
            self._now_s, event, _, flight = heapq.heappop(self._events)
            if event is _Event.LOCK:
                self._lock(flight)
            else:
                self._end(flight)
        self._now_s = at_s
        return at_s

    def _plan(self, at_s: float, event: _Event, flight: _Flight) -> None:
        heapq.heappush(self._events, (at_s, event, next(self._order), flight))

    def _launch(self, radio: _Radio, sent: Transmission) -> _Flight:
        rssi_dbm: dict[str, float] = {}
        faded: set[str] = set()
        for name, listener in self._radios.items():
            if listener is radio:
                continue
            way = self._terrain.way(radio.site, listener.site)
            chance = self._chance(sent.sender, name)
            fade_db = chance.gauss(0.0, way.fading_db)
            rssi_dbm[name] = sent.settings.power_dbm - way.loss_db + fade_db
            if chance.random() < way.loss_chance:
                faded.add(name)
        return _Flight(sent, rssi_dbm, frozenset(faded))

    def _chance(self, sender: str, listener: str) -> Random:
        """One stream for each direction, so that nobody else's traffic changes a link's luck."""
        pair = (sender, listener)
        if pair not in self._chances:
            self._chances[pair] = Random(f"{self._seed} {sender!r} {listener!r}")
        return self._chances[pair]

    def _lock(self, flight: _Flight) -> None:
        """The preamble is over: each radio is held by the frame, or has missed it."""
        for name in flight.rssi_dbm:
            missed = self._missed(flight, name)
            if missed is not None:
                flight.decided[name] = missed
            else:
                self._radios[name].held_by = flight

    def _missed(self, flight: _Flight, name: str) -> Outcome | None:
        settings = flight.sent.settings
        if flight.rssi_dbm[name] < sensitivity_dbm(settings):
            return Outcome.OUT_OF_RANGE
        radio = self._radios.get(name)
        if radio is None:
            return Outcome.NOT_LISTENING
        if radio.sending is not None or radio.sent_until_s > flight.needed_from_s:
            return Outcome.HALF_DUPLEX
        if radio.tuning is None or not understands(radio.tuning, settings):
            return Outcome.NOT_LISTENING
        if radio.ready_since_s > flight.needed_from_s:
            return Outcome.NOT_LISTENING
        if radio.held_by is not None:
            return Outcome.HELD
        return Outcome.COLLISION if self._drowned(flight, name) else None

    def _end(self, flight: _Flight) -> None:
        flight.over = True
        sender = self._radios.get(flight.sent.sender)
        if sender is not None and sender.sending is flight:
            sender.sending = None
            sender.sent_until_s = flight.sent.end_s
        for name, rssi_dbm in flight.rssi_dbm.items():
            noticed = name not in flight.decided
            outcome = self._final(flight, name) if noticed else flight.decided[name]
            snr_db = rssi_dbm - noise_floor_dbm(flight.sent.settings.bandwidth_hz)
            self._heard.append(Hearing(flight.sent, name, outcome, noticed, rssi_dbm, snr_db))
            if noticed:
                self._radios[name].held_by = None
        self._forget()

    def _final(self, flight: _Flight, name: str) -> Outcome:
        if self._drowned(flight, name):
            return Outcome.COLLISION
        return Outcome.FADED if name in flight.faded else Outcome.RECEIVED

    def _drowned(self, flight: _Flight, name: str) -> bool:
        """Whether another frame disturbed this one at the listener, up to now."""
        return any(
            other is not flight
            and other.sent.end_s > flight.needed_from_s
            and other.rssi_dbm.get(name, -math.inf) > flight.rssi_dbm[name] - CAPTURE_DB
            and same_chirps(other.sent.settings, flight.sent.settings)
            for other in self._flights
        )

    def _let_go(self, radio: _Radio, why: Outcome) -> None:
        if radio.held_by is not None:
            radio.held_by.decided[radio.site.name] = why
            radio.held_by = None

    def _on_air(self, name: str) -> Iterator[_Flight]:
        """What is on the air now and began when the radio was there."""
        return (flight for flight in self._flights if not flight.over and name in flight.rssi_dbm)

    def _forget(self) -> None:
        """Drop the flights that ended before any that goes on could be disturbed by them."""
        horizon_s = min(
            (flight.needed_from_s for flight in self._flights if not flight.over),
            default=math.inf,
        )
        self._flights = [
            flight for flight in self._flights if not flight.over or flight.sent.end_s > horizon_s
        ]

    def _radio(self, name: str) -> _Radio:
        if name not in self._radios:
            raise AirError(f"there is no radio {name!r}")
        return self._radios[name]

    def _free_radio(self, name: str) -> None:
        if self._radio(name).sending is not None:
            raise AirError(f"{name} cannot listen while it transmits")
