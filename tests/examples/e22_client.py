"""A stranger's EByte E22 on a serial line, written from the maker's manual: nothing of ours in it.

It blocks and keeps its times by the wall clock, as such scripts do.
"""

import time
from collections.abc import Callable

import serial

NORMAL, CONFIGURATION = 0b00, 0b10  # M1 and M0
READ_ALL = bytes([0xC1, 0x00, 0x09])
SETTLE_S = 0.1


class ByCommand:
    """The mode of a module on a USB stick: REG1 bit 4 was set once."""

    def __init__(self, line: serial.Serial) -> None:
        self._line = line

    def __call__(self, mode: int) -> None:
        self._line.write(bytes([0xC0, 0xC1, 0xC2, 0xC3, 0x02, mode]))
        if self._line.read(5) != bytes([0xC1, 0xC2, 0xC3, 0x02, mode]):
            raise OSError("the module does not switch")


class Modem:
    """A module whose mode is set by `switch`."""

    def __init__(self, line: serial.Serial, switch: Callable[[int], None]) -> None:
        self._line, self._switch = line, switch

    def registers(self) -> bytes:
        """All nine, the key as zero."""
        return self._configure(READ_ALL)

    def set(self, registers: bytes) -> None:
        """Keep these nine registers."""
        self._configure(bytes([0xC0, 0x00, 0x09]) + registers)

    def send(self, data: bytes) -> None:
        """One packet, to whoever listens."""
        self._line.write(data)
        self._line.flush()
        time.sleep(SETTLE_S)  # silence ends a packet

    def receive(self) -> tuple[bytes, int]:
        """The next packet and its strength in dBm; REG3 bit 7 must be on."""
        data = self._line.read(1)
        while more := self._line.read(self._line.in_waiting):
            data += more
            time.sleep(SETTLE_S)  # a packet comes in one burst
        return data[:-1], data[-1] - 256

    def _configure(self, command: bytes) -> bytes:
        self._switch(CONFIGURATION)
        time.sleep(SETTLE_S)
        self._line.write(command)
        answer = self._line.read(12)
        self._switch(NORMAL)
        time.sleep(SETTLE_S)
        if answer[:3] != READ_ALL:
            raise OSError(f"the module answers {answer.hex(' ')}")
        return answer[3:]
