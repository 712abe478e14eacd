"""One frame in one packet of an EByte modem: a length byte before, perhaps an RSSI byte behind.

Pure; time is an argument. hw/e22.md 7 says why.
"""

from dataclasses import dataclass

PACKET_GAP_S = 0.05
LENGTH_BYTES = 1
_COMMANDS = (0xC0, 0xCF)  # a packet must not begin with these


@dataclass(frozen=True, slots=True)
class Packet:
    """A frame as it came, with the raw RSSI byte where the modem adds one."""

    frame: bytes
    rssi: int | None


def pack(frame: bytes) -> bytes:
    """What is written to the modem."""
    length = len(frame)
    for command in _COMMANDS:
        length += length >= command
    return bytes([length]) + frame


def rssi_dbm(rssi: int) -> int:
    """Hw/e22.md 4, manuals of 2020 and later."""
    return rssi - 256


def _frame_bytes(mark: int) -> int | None:
    """The length a first byte tells; None: it is none."""
    if mark == 0 or mark in _COMMANDS:
        return None
    return mark - sum(mark > command for command in _COMMANDS)


class PacketSplitter:
    """Cuts what a modem gives out into packets. A burst that makes no sense is dropped.

    `damaged` counts such bursts.
    """

    def __init__(self, *, longest_bytes: int, has_rssi: bool) -> None:
        self._longest_bytes, self._has_rssi = longest_bytes, has_rssi
        self._pending = bytearray()
        self._fed_s = 0.0
        self._is_lost = False  # nothing in the rest of this burst can be trusted
        self.damaged = 0

    @property
    def ends_at_s(self) -> float | None:
        """When what has begun will count as broken off; None: nothing has."""
        return self._fed_s + PACKET_GAP_S if self._pending or self._is_lost else None

    def feed(self, data: bytes, now_s: float) -> list[Packet]:
        """Take bytes that came at `now_s`; return the packets completed by them."""
        self.give_up(now_s)
        self._fed_s = now_s
        self._pending += data
        packets = []
        while self._pending and not self._is_lost:
            length = _frame_bytes(self._pending[0])
            if length is None or length > self._longest_bytes:
                self._lose()
                break
            end = LENGTH_BYTES + length
            if len(self._pending) < end + self._has_rssi:
                break
            rssi = self._pending[end] if self._has_rssi else None
            packets.append(Packet(bytes(self._pending[LENGTH_BYTES:end]), rssi))
            del self._pending[: end + self._has_rssi]
        if self._is_lost:
            self._pending.clear()
        return packets

    def give_up(self, now_s: float) -> None:
        """Drop what was begun if it was silent for too long."""
        if self.ends_at_s is None or now_s < self.ends_at_s:
            return
        if not self._is_lost:
            self.damaged += 1
        self.clear()

    def clear(self) -> None:
        """Forget what was begun."""
        self._pending.clear()
        self._is_lost = False

    def _lose(self) -> None:
        self._is_lost = True
        self.damaged += 1
