"""Gives satellite time to chronyd, through the socket of a SOCK reference clock (hw/time.md).

Only what is trusted is given: chronyd cannot know that a receiver is spoofed.
"""

import logging
import socket
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drivers.errors import DriverConfigError

log = logging.getLogger(__name__)

MAGIC = 0x534F434B  # "SOCK"
SAMPLE = struct.Struct("@qqdiiii")
"""timeval (two 64-bit words), offset, pulse, leap, padding, magic: chrony's struct sock_sample."""
WORD_BYTES = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FRESH_S = 3.0
"""A time that lay about for longer, because this program was held up, is not given."""


class ChronySocket:
    """One reference clock of chronyd, which may come and go; a time that finds it gone is lost.

    `wall_ns` is the clock chronyd disciplines. Raises `DriverConfigError` on a 32-bit system, whose
    datagram has another shape.
    """

    def __init__(
        self,
        path: Path,
        *,
        monotonic_s: Callable[[], float],
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        if struct.calcsize("@l") != WORD_BYTES:
            raise DriverConfigError("a chrony socket needs a 64-bit system")
        self._path = str(path)
        self._monotonic_s, self._wall_ns = monotonic_s, wall_ns
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._is_heard: bool | None = None

    def give(self, utc: datetime, received_mono_s: float) -> bool:
        """Say that it was `utc` at that monotonic time; whether chronyd was there to hear it."""
        age_s = self._monotonic_s() - received_mono_s
        if not 0.0 <= age_s < FRESH_S:
            return False
        return self._send(pack_sample(utc, self._wall_ns() - round(age_s * 1e9)))

    def close(self) -> None:
        """Free the socket; chronyd's own stays."""
        self._socket.close()

    def _send(self, sample: bytes) -> bool:
        try:
            self._socket.sendto(sample, self._path)
        except OSError as error:  # not running, not allowed, or asleep with a full queue
            self._tell(is_heard=False, reason=error.strerror)
            return False
        self._tell(is_heard=True, reason=None)
        return True

    def _tell(self, *, is_heard: bool, reason: str | None) -> None:
        if self._is_heard is is_heard:
            return
        self._is_heard = is_heard
        if is_heard:
            log.info("chrony takes satellite time")
        else:
            log.warning("chrony does not take satellite time: %s", reason)


def pack_sample(utc: datetime, wall_ns: int) -> bytes:
    """The datagram that says: it was `utc` when the system's clock said `wall_ns`."""
    seconds, nanoseconds = divmod(wall_ns, 10**9)
    microseconds = nanoseconds // 1000
    system = _EPOCH + timedelta(seconds=seconds, microseconds=microseconds)
    offset_s = (utc - system).total_seconds()
    return SAMPLE.pack(seconds, microseconds, offset_s, 0, 0, 0, MAGIC)
