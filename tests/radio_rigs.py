"""Modems on cables and an ether in memory, for the drivers' tests; EByte's, and what all share."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from drivers.errors import PortGone
from drivers.port import BytePort
from drivers.radios.base import Heard, Radio
from drivers.radios.e22 import E22Radio, E32Radio, E220Radio, EByteRadio
from drivers.radios.e22_pins import Aux, ModePins
from drivers.radios.e22_settings import ModemSettings
from sim.devices.e22 import MODEL_E22, MODEL_E32, MODEL_E220, Model, SimE22
from sim.devices.e22_memory import Facts
from sim.devices.line import PacedLine
from sim.faults import FAULTS, FaultyLine
from sim.memory import MemoryCable

QUIET_DBM = -120.0
RSSI_DBM = -90.0
SWITCHES_BY_SOFTWARE = bytearray.fromhex("C0 04 01 10")
"""As the vendor's tool sets an E22 once, which then needs no pins."""


class Tuning(Protocol):
    """What a modem must have in common with another to be heard by it."""

    @property
    def frequency_hz(self) -> int: ...

    @property
    def spreading_factor(self) -> int: ...

    @property
    def bandwidth_hz(self) -> int: ...


class Ear(Protocol):
    """What a frame reaches."""

    def hear(self, frame: bytes, rssi_dbm: float) -> None: ...


@dataclass
class Ether:
    """Everybody hears everybody on the same channel and rate; two at once are both lost.

    A packet takes `airtime_s` of its bytes. Not modelled: everything else `sim` has an air for.
    """

    modems: dict[str, Ear] = field(default_factory=dict)
    tuned: dict[str, Tuning | None] = field(default_factory=dict)
    airtime_s: Callable[[int], float] = lambda size: 0.05 + size * 0.004
    sent: list[tuple[str, bytes, float, float]] = field(default_factory=list)
    """Who, what, from when until when."""
    noise_from_s: float = float("inf")
    """From then on somebody else sends without end."""
    _on_air: list[tuple[str, Tuning]] = field(default_factory=list)
    _collided: set[int] = field(default_factory=set)

    def side(self, name: str) -> "Antenna":
        return Antenna(self, name)

    def is_taken(self, facts: Tuning) -> bool:
        now_s = asyncio.get_running_loop().time()
        return now_s >= self.noise_from_s or any(tuned(facts, other) for _, other in self._on_air)

    async def carry(self, name: str, frame: bytes, facts: Tuning) -> None:
        now_s = asyncio.get_running_loop().time
        start_s = now_s()
        mine = (name, facts)
        others = [other for other in self._on_air if tuned(facts, other[1])]
        self._on_air.append(mine)
        if others:
            self._collided |= {id(other) for other in (*others, mine)}
        await asyncio.sleep(self.airtime_s(len(frame)))
        self._on_air.remove(mine)
        self.sent.append((name, frame, start_s, now_s()))
        if id(mine) in self._collided:
            return
        for other, modem in self.modems.items():
            listens_to = self.tuned.get(other)
            if other != name and listens_to is not None and tuned(facts, listens_to):
                modem.hear(frame, RSSI_DBM)


def tuned(one: Tuning, other: Tuning) -> bool:
    return (one.frequency_hz, one.spreading_factor, one.bandwidth_hz) == (
        other.frequency_hz,
        other.spreading_factor,
        other.bandwidth_hz,
    )


@dataclass(frozen=True)
class Antenna:
    """One modem's side of the ether."""

    ether: Ether
    name: str

    async def send(self, frame: bytes, facts: Facts) -> None:
        await self.ether.carry(self.name, frame, facts)

    async def listen(self, facts: Facts | None) -> None:
        self.ether.tuned[self.name] = facts

    async def level_dbm(self, facts: Facts) -> float:
        return RSSI_DBM if self.ether.is_taken(facts) else QUIET_DBM

    async def is_taken(self, facts: Facts) -> bool:
        return self.ether.is_taken(facts)


@dataclass(frozen=True)
class MemoryPins:
    """M0, M1 and perhaps AUX, soldered to a simulated modem."""

    modem: SimE22
    has_aux: bool = True

    def set(self, levels: int) -> None:
        assert self.modem.aux_is_high, "hw/e22.md 2: only then is it known when it takes effect"
        self.modem.set_pins(levels)

    @property
    def aux(self) -> Aux | None:
        if not self.has_aux:
            return None
        return Aux(is_busy=not self.modem.aux_is_high, falls=self.modem.aux_falls)


@dataclass(frozen=True)
class Family:
    """A row: driver, simulated modem, how the two are wired, and settings that suit both."""

    make: Callable[..., EByteRadio]
    model: Model
    settings: ModemSettings
    has_rssi: bool = True
    has_pins: bool = True
    has_aux: bool = True
    aux_covers_air: bool = False
    is_set_by_owner: bool = False

    def rig(self, ether: Ether, name: str, seed: int = 0) -> "EByteRig":
        return make_rig(self, ether, name, seed)


class AnyFamily(Protocol):
    """A row of the contract."""

    @property
    def has_rssi(self) -> bool: ...

    @property
    def is_set_by_owner(self) -> bool: ...

    def rig(self, ether: Ether, name: str, seed: int = 0) -> "AnyRig": ...


SITE = ModemSettings(frequency_hz=471_125_000, address=7)
E32_SITE = ModemSettings(frequency_hz=433_000_000, power_dbm=20, address=7, listens_first=False)
COVERED_SITE = ModemSettings(frequency_hz=471_125_000, network=0x5A, aux_covers_air=True)
FAMILIES = {
    "e22": Family(E22Radio, MODEL_E22, SITE),
    "e22, AUX covers the air": Family(E22Radio, MODEL_E22, COVERED_SITE, aux_covers_air=True),
    "e22 without AUX": Family(E22Radio, MODEL_E22, SITE, has_aux=False),
    "e22 by software": Family(E22Radio, MODEL_E22, SITE, has_pins=False),
    "e220": Family(E220Radio, MODEL_E220, SITE),
    "e32": Family(E32Radio, MODEL_E32, E32_SITE, has_rssi=False),
    "e32 without AUX": Family(E32Radio, MODEL_E32, E32_SITE, has_rssi=False, has_aux=False),
}


class Modem(Protocol):
    """The end of the cable that is simulated."""

    async def run(self) -> None: ...

    def die(self) -> None: ...


M = TypeVar("M", bound=Modem)
R = TypeVar("R", bound=Radio)


@dataclass
class Rig(Generic[M, R]):
    """One modem with its driver in use."""

    modem: M
    radio: R
    cable: MemoryCable
    line: FaultyLine
    ready: "asyncio.Future[str]"
    """What the driver said once the modem was set up."""
    spoil: Callable[[], Awaitable[None]]
    """Somebody else sets the modem as delivered."""
    heard: list[Heard] = field(default_factory=list)
    error: Exception | None = None

    @property
    def frames(self) -> list[bytes]:
        return [each.frame for each in self.heard]

    async def use(self) -> None:
        try:
            async for heard in self.radio.heard():
                self.heard.append(heard)
        except PortGone as error:
            self.error = error
        finally:
            self.ready.cancel()  # nobody waits for what will not be


EByteRig = Rig[SimE22, EByteRadio]
AnyRig = Rig[Any, Any]


def make_rig(family: Family, ether: Ether, name: str, seed: int = 0) -> EByteRig:
    cable = MemoryCable()
    line = FaultyLine(PacedLine(cable.device, 9600), FAULTS["clean"], seed)
    modem = SimE22(line, ether.side(name), model=family.model, aux_covers_air=family.aux_covers_air)

    async def spoil() -> None:
        modem.forget()
        if not family.has_pins:
            modem.memory.take(SWITCHES_BY_SOFTWARE.copy())

    if not family.has_pins:
        modem.memory.take(SWITCHES_BY_SOFTWARE.copy())
    ether.modems[name] = modem
    pins: ModePins | None = MemoryPins(modem, family.has_aux) if family.has_pins else None
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    port: BytePort = cable.host
    radio = family.make(port, settings=family.settings, pins=pins, on_ready=ready.set_result)
    return Rig(modem, radio, cable, line, ready, spoil)


@asynccontextmanager
async def in_use(*rigs: AnyRig) -> AsyncIterator[None]:
    """The modems run and their radios are listened to; what they raise but `PortGone` is raised."""
    modems = [asyncio.create_task(rig.modem.run()) for rig in rigs]
    uses = [asyncio.create_task(rig.use()) for rig in rigs]
    try:
        yield
    finally:
        for task in (*modems, *uses):
            task.cancel()
        for use in uses:
            with suppress(asyncio.CancelledError):
                await use
        await asyncio.gather(*modems, return_exceptions=True)
