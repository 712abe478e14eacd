"""What a simulated modem sees of the air, be it in its own process or in another."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from sim.air.hearing import Hearing, Outcome
from sim.air.lora import LoraSettings, noise_floor_dbm, total_dbm

_RSSI_STEPS_PER_DB = 2  # SX126x packet status: half a dB, and a quarter
_SNR_STEPS_PER_DB = 4


@dataclass(frozen=True, slots=True)
class Signal:
    """What a modem's chip reports at the end of a frame; `frame` is None after a CRC error.

    `rssi_dbm` is all power in the channel, noise included, so it does not fall below the floor;
    both figures have the steps of an SX126x.
    """

    frame: bytes | None = field(repr=False)
    rssi_dbm: float
    snr_db: float


OnSignal = Callable[[Signal], None]
"""Called when a frame has been received whole or damaged."""


class Antenna(Protocol):
    """One modem's way to the air.

    The calls that take time on the air return when it is over. A modem that does what no radio
    can do (listening to the channel while it transmits) gets `AirError`; one whose air is in
    another process gets `ConnectionError` when that is gone.
    """

    async def listen(self, settings: LoraSettings | None) -> None:
        """Receive such frames from now on, also after each transmission; None: nothing."""

    async def transmit(self, frame: bytes, settings: LoraSettings) -> None:
        """Send a frame; returns when its last symbol is out."""

    async def channel_dbm(self, settings: LoraSettings) -> float:
        """The power in the channel at this moment."""

    async def cad(self, settings: LoraSettings) -> bool:
        """Whether such chirps are on the air; takes as long as the chip's detection."""

    async def close(self) -> None:
        """The modem is gone; what it is sending goes on to its end."""


def signal(hearing: Hearing) -> Signal | None:
    """What the listener's chip reports of a hearing; None: it noticed nothing."""
    if not hearing.noticed:
        return None
    floor_dbm = noise_floor_dbm(hearing.transmission.settings.bandwidth_hz)
    received = hearing.outcome is Outcome.RECEIVED
    return Signal(
        frame=hearing.transmission.frame if received else None,
        rssi_dbm=_stepped(total_dbm(hearing.rssi_dbm, floor_dbm), _RSSI_STEPS_PER_DB),
        snr_db=_stepped(hearing.snr_db, _SNR_STEPS_PER_DB),
    )


def _stepped(value: float, steps: int) -> float:
    return round(value * steps) / steps
