"""What became of a frame, at each radio that was there when it was sent."""

from dataclasses import dataclass, field
from enum import Enum

from sim.air.judge import Breach
from sim.air.lora import LoraSettings


class Outcome(Enum):
    """What became of one frame at one listener."""

    RECEIVED = "received"
    OUT_OF_RANGE = "weaker than the sensitivity"
    NOT_LISTENING = "off, gone, or listening for something else"
    HALF_DUPLEX = "transmitting itself"
    HELD = "held by another frame"
    COLLISION = "another frame was not 6 dB weaker"
    FADED = "lost on this link by chance"


@dataclass(frozen=True, slots=True)
class Transmission:
    """A frame on the air. `number` counts the sender's own, from 1; `breaches` is the judge's."""

    sender: str
    number: int
    frame: bytes = field(repr=False)
    settings: LoraSettings
    start_s: float
    end_s: float
    breaches: tuple[Breach, ...] = ()


@dataclass(frozen=True, slots=True)
class Hearing:
    """One frame at one listener.

    `noticed`: its modem was held by the frame to the end, so it has it or reports a CRC error.
    `rssi_dbm` is the signal alone, -inf where nothing arrives.
    """

    transmission: Transmission
    listener: str
    outcome: Outcome
    noticed: bool
    rssi_dbm: float
    snr_db: float
