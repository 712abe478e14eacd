"""What goes between a modem's process and the air's: one JSON object a line, UTF-8.

A connection is one antenna, and its first line a `join`. Every line from the modem is answered by
one line, in order, when the thing is done; `signal` lines come between the answers. Frames are
base64. Whoever writes a modem in another language needs no more than this file.

    > {"type":"join","name":"t1","place":{"east_m":0.0,"north_m":250.0}}
    < {"type":"done"}
    > {"type":"listen","settings":{"frequency_hz":471100000,"spreading_factor":9}}
    < {"type":"done"}
    > {"type":"transmit","frame":"AQID","settings":{"frequency_hz":471100000,"spreading_factor":9}}
    < {"type":"done"}
    < {"type":"signal","frame":"BAUG","rssi_dbm":-90.0,"snr_db":27.0}
"""

import msgspec

from sim.air.lora import LoraSettings
from sim.air.terrain import Place

MAX_LINE_BYTES = 4096  # several times the largest: a transmit of 255 bytes


class Join(msgspec.Struct, frozen=True, tag="join"):
    """Be an antenna of this name, here; without a place only the terrain's table knows it."""

    name: str
    place: Place | None = None


class Listen(msgspec.Struct, frozen=True, tag="listen"):
    """See `Antenna.listen`; without settings: nothing."""

    settings: LoraSettings | None = None


class Transmit(msgspec.Struct, frozen=True, tag="transmit"):
    """See `Antenna.transmit`."""

    frame: bytes
    settings: LoraSettings


class Measure(msgspec.Struct, frozen=True, tag="measure"):
    """See `Antenna.channel_dbm`; answered by a level."""

    settings: LoraSettings


class Detect(msgspec.Struct, frozen=True, tag="detect"):
    """See `Antenna.cad`; answered by an activity."""

    settings: LoraSettings


class Done(msgspec.Struct, frozen=True, tag="done"):
    """It is done."""


class Level(msgspec.Struct, frozen=True, tag="level"):
    """The power in the channel."""

    power_dbm: float


class Activity(msgspec.Struct, frozen=True, tag="activity"):
    """Whether chirps were detected."""

    heard: bool


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """No radio can do that, or not now; after a refused join the connection ends."""

    why: str


class Heard(msgspec.Struct, frozen=True, tag="signal"):
    """See `Signal`; without a frame: a CRC error."""

    frame: bytes | None
    rssi_dbm: float
    snr_db: float


Request = Listen | Transmit | Measure | Detect
FromModem = Join | Request
Answer = Done | Level | Activity | Refused
FromAir = Answer | Heard


class MessageError(ValueError):
    """A line that is none of the messages; the connection is worth nothing any more."""


def decode_from_modem(line: bytes) -> FromModem:
    """What a modem says in a line. Raises `MessageError`."""
    try:
        return _FROM_MODEM.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MessageError(f"no message of a modem: {error}") from error


def decode_from_air(line: bytes) -> FromAir:
    """What the air says in a line. Raises `MessageError`."""
    try:
        return _FROM_AIR.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MessageError(f"no message of the air: {error}") from error


def encode(message: FromModem | FromAir) -> bytes:
    """The message as a line."""
    return msgspec.json.encode(message) + b"\n"


_FROM_MODEM: msgspec.json.Decoder[FromModem] = msgspec.json.Decoder(FromModem)
_FROM_AIR: msgspec.json.Decoder[FromAir] = msgspec.json.Decoder(FromAir)
