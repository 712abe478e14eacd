"""What every radio owes its caller: frames sent, frames heard, the time they take of the air."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Heard:
    """One frame off the air, whole as far as the modem can tell.

    `rssi_dbm` and `snr_db` are None where the modem does not tell. `received_mono_s` is the event
    loop's time when its last byte came in.
    """

    frame: bytes
    rssi_dbm: int | None
    snr_db: float | None
    received_mono_s: float


class Radio(Protocol):
    """A modem on an open port.

    An implementation must: carry any bytes and never interpret them; give out each packet it
    hears once, in order, and nothing twice; drop what is damaged on the way from the modem, in
    silence; set the modem up by itself, and again when somebody else did, or, where a modem is its
    owner's to set, refuse one that is set otherwise.

    `heard` is what drives it: one task iterates over it for as long as the radio is in use, others
    send. It has no sender's address and no acknowledgement: those are in the frames.
    """

    @property
    def identity(self) -> str | None:
        """What the modem says it is, once known."""

    @property
    def max_frame_bytes(self) -> int:
        """The longest frame that travels as one packet."""

    def airtime_s(self, frame_bytes: int) -> float:
        """How long a frame of that length keeps the channel busy, at the modem's settings.

        Measured where a measured table was given, else computed and rather too long.
        Raises `ValueError` for a length `send` would not take.
        """

    @property
    def lag_s(self) -> float:
        """How long, beside its airtime, a frame may take from `send` here to `heard` there.

        Between two modems like this one, on a free channel: lines, modems, listening before talk.
        """

    @property
    def gap_s(self) -> float:
        """How long the channel may be free between two frames sent right after each other."""

    async def send(self, frame: bytes) -> None:
        """Put one frame on the air; returns when it has left it.

        Waits for `heard` to have set the modem up, and for frames given before. Raises
        `ValueError` for an empty or too long frame, `TransientDriverError` when the modem did not
        take it or is gone: it may then have been sent or not. Cancelled while the modem sends,
        it leaves the frame to its fate; the next one waits for it.
        """

    def heard(self) -> AsyncIterator[Heard]:
        """Set the modem up, then yield frames until the port goes; may be iterated once.

        Raises `PortGone` when it does, `DeviceSilent` when nothing that follows the modem's
        protocol answers, `OtherDevice` when something else does, `DeviceRefused` when the modem
        does not take its settings.
        """
