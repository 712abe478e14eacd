"""u-blox's binary packets, as far as they tell of jamming and spoofing (hw/gnss-nmea.md, 6).

They come on the same line as the sentences. Both framers get every byte and neither takes one away
from the other, so a damaged packet, or noise that looks like the head of a long one, cannot cost a
sentence.
"""

from dataclasses import dataclass

from drivers.gnss.base import Antenna, SelfReport

SYNC = b"\xb5\x62"
MAX_PAYLOAD_BYTES = 1024
"""The two that are read have 12 to 60; a longer claim is noise, or of no use to us."""

_HEAD_BYTES = 6  # sync, class, number, length (little-endian)
_CHECKSUM_BYTES = 2

SEC_SIG = (0x27, 0x09)
MON_HW = (0x0A, 0x09)
_SEC_SIG_V1_BYTES = 12
_SEC_SIG_V2_HEAD_BYTES = 4
_MON_HW_BYTES = 60
_ANTENNA = {2: Antenna.OK, 3: Antenna.SHORT, 4: Antenna.OPEN}
_INDICATED = 2  # of both states: 0 unknown, 1 no, 2 and 3 yes


@dataclass(frozen=True, slots=True)
class UbxFrame:
    """One packet with a right checksum: (class, number), and what it carries."""

    message: tuple[int, int]
    payload: bytes


class UbxFramer:
    """Bytes in, checksummed packets out. No I/O and no clock; holds at most one packet."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[UbxFrame]:
        """Return the packets that `data` completes. Never raises."""
        self._pending += data
        frames: list[UbxFrame] = []
        while (start := self._pending.find(SYNC)) >= 0:
            del self._pending[:start]
            if len(self._pending) < _HEAD_BYTES:
                return frames
            payload_end = _HEAD_BYTES + int.from_bytes(self._pending[4:_HEAD_BYTES], "little")
            end = payload_end + _CHECKSUM_BYTES
            if payload_end - _HEAD_BYTES > MAX_PAYLOAD_BYTES:
                del self._pending[: len(SYNC)]
            elif len(self._pending) < end:
                return frames
            elif (
                _checksum(self._pending[len(SYNC) : payload_end]) == self._pending[payload_end:end]
            ):
                message = (self._pending[2], self._pending[3])
                frames.append(UbxFrame(message, bytes(self._pending[_HEAD_BYTES:payload_end])))
                del self._pending[:end]
            else:
                del self._pending[: len(SYNC)]  # a real one may begin inside
        self._pending = self._pending[-1:] if self._pending.endswith(SYNC[:1]) else bytearray()
        return frames


def read_report(frame: UbxFrame) -> SelfReport | None:
    """Read what is understood; None for every other packet, length or version. Never raises."""
    if frame.message == MON_HW and len(frame.payload) == _MON_HW_BYTES:
        return _mon_hw(frame.payload)
    if frame.message == SEC_SIG and len(frame.payload) >= _SEC_SIG_V2_HEAD_BYTES:
        return _sec_sig(frame.payload)
    return None


def _mon_hw(payload: bytes) -> SelfReport:
    return SelfReport(
        jammed=_verdict(payload[22] >> 2 & 3),
        jam_indicator=payload[45],
        antenna=_ANTENNA.get(payload[20]),
    )


def _sec_sig(payload: bytes) -> SelfReport | None:
    """States count only where the detector is switched on: bit 0 of each."""
    version = payload[0]
    if version == 1 and len(payload) == _SEC_SIG_V1_BYTES:
        jam, spoof = payload[4], payload[8]
    elif version in {2, 3}:
        jam, spoof = payload[1], payload[1] >> 3
    else:
        return None
    return SelfReport(
        jammed=_verdict(jam >> 1 & 3) if jam & 1 else None,
        spoofed=_verdict(spoof >> 1 & 7) if spoof & 1 else None,
    )


def _verdict(state: int) -> bool | None:
    return state >= _INDICATED if state else None


def _checksum(covered: bytes | bytearray) -> bytes:
    """The eight-bit Fletcher sums over class, number, length and payload."""
    first = second = 0
    for byte in covered:
        first = (first + byte) & 0xFF
        second = (second + first) & 0xFF
    return bytes((first, second))
