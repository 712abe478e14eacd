"""What a simulated EByte modem remembers, and what it answers in configuration mode.

Written from hw/e22.md 3 to 6. Pure. Not modelled: what the product number says (made up), E32's
reset beyond forgetting what was volatile.
"""

from dataclasses import dataclass
from typing import Protocol

BAD_FORMAT = b"\xff\xff\xff"
BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
PRODUCT = bytes.fromhex("00 22 10 16 0B 00 00")
VERSION = bytes.fromhex("C3 32 45 14")
# hw/e22.md 8: what each air rate is assumed to be in LoRa's terms.
LORA = (
    *((12, 125_000), (10, 125_000), (9, 125_000), (9, 250_000)),
    *((9, 500_000), (7, 500_000), (6, 500_000), (5, 500_000)),
)
E32_FIRST_HZ = 410_000_000
POWERS_DBM = {20: (20, 17, 14, 10), 22: (22, 17, 13, 10), 30: (30, 27, 24, 21)}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the registers mean."""

    address: int
    network: int
    key: int
    baud: int
    spreading_factor: int
    bandwidth_hz: int
    first_hz: int
    """Channel 0."""
    frequency_hz: int
    power_dbm: int
    packet_bytes: int
    has_rssi: bool = False
    is_addressed: bool = False
    listens_first: bool = False
    has_noise_command: bool = False
    switches_by_software: bool = False


class Memory(Protocol):
    """Kept and volatile settings."""

    facts: Facts

    def take(self, pending: bytearray) -> bytes | None:
        """Remove the next whole command; the answer to it. None: wait for more."""

    def power_off(self) -> None:
        """Forget what was volatile."""

    def forget(self) -> None:
        """Be as delivered."""


class RegisterMemory:
    """E22 with nine registers, E220 with eight."""

    def __init__(
        self,
        *,
        packet_sizes: tuple[int, ...],
        has_network: bool,
        slowest_air: int = 0,
        first_hz: int = 410_125_000,
        module_dbm: int = 22,
    ) -> None:
        self._packet_sizes, self._has_network = packet_sizes, has_network
        self._slowest_air, self._first_hz = slowest_air, first_hz
        self._powers_dbm = POWERS_DBM[module_dbm]
        self._delivered = bytes.fromhex("00 00 00 62 00 17 03 00 00")
        if not has_network:
            self._delivered = bytes.fromhex("00 00 62 00 17 03 00 00")
        self.forget()

    def forget(self) -> None:
        """See `Memory.forget`."""
        self._kept = bytearray(self._delivered)
        self.power_off()

    def power_off(self) -> None:
        """See `Memory.power_off`."""
        self.registers = bytearray(self._kept)
        self._understand()

    def take(self, pending: bytearray) -> bytes | None:
        """See `Memory.take`."""
        if pending[0] not in (0xC0, 0xC1, 0xC2):
            pending.clear()
            return BAD_FORMAT
        if len(pending) < 3:
            return None
        command, address, count = pending[:3]
        if command == 0xC1:
            del pending[:3]
            return self._read(address, count)
        if count == 0 or address + count > len(self.registers):
            pending.clear()
            return BAD_FORMAT
        if len(pending) < 3 + count:
            return None
        data = bytes(pending[3 : 3 + count])
        del pending[: 3 + count]
        self.registers[address : address + count] = data
        if command == 0xC0:
            self._kept[address : address + count] = data
        self._understand()
        return bytes([0xC1, address, count]) + data

    def _read(self, address: int, count: int) -> bytes:
        if (address, count) == (0x80, len(PRODUCT)):
            return bytes([0xC1, address, count]) + PRODUCT
        if count == 0 or address + count > len(self.registers):
            return BAD_FORMAT
        shown = self.registers[:-2] + bytes(2)  # the key is never shown
        return bytes([0xC1, address, count]) + shown[address : address + count]

    def _understand(self) -> None:
        its = self.registers
        network = its[2] if self._has_network else 0
        reg0, reg1, channel, reg3, key_high, key_low = its[-6:]
        spreading_factor, bandwidth_hz = LORA[max(reg0 & 7, self._slowest_air)]
        self.facts = Facts(
            address=its[0] << 8 | its[1],
            network=network,
            key=key_high << 8 | key_low,
            baud=BAUDS[reg0 >> 5],
            spreading_factor=spreading_factor,
            bandwidth_hz=bandwidth_hz,
            first_hz=self._first_hz,
            frequency_hz=self._first_hz + channel * 1_000_000,
            power_dbm=self._powers_dbm[reg1 & 3],
            packet_bytes=self._packet_sizes[reg1 >> 6],
            has_rssi=bool(reg3 & 0x80),
            is_addressed=bool(reg3 & 0x40),
            listens_first=bool(reg3 & 0x10),
            has_noise_command=bool(reg1 & 0x20),
            switches_by_software=self._has_network and bool(reg1 & 0x10),
        )


class E32Memory:
    """E32: five bytes, one command for all of them."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """See `Memory.forget`."""
        self._kept = bytes.fromhex("00 00 1A 17 44")
        self.power_off()

    def power_off(self) -> None:
        """See `Memory.power_off`."""
        self._understand(self._kept)

    def take(self, pending: bytearray) -> bytes | None:
        """See `Memory.take`; what is no command is dropped byte by byte, without an answer."""
        while pending and not 0xC0 <= pending[0] <= 0xC4:
            del pending[0]
        if not pending:
            return None
        command = pending[0]
        if command in (0xC0, 0xC2):
            if len(pending) < 6:
                return None
            data = bytes(pending[1:6])
            del pending[:6]
            if command == 0xC0:
                self._kept = data
            self._understand(data)
            return bytes([command]) + data
        if len(pending) < 3:
            return None
        del pending[:3]
        if command == 0xC4:
            self.power_off()
            return b""
        return VERSION if command == 0xC3 else b"\xc2" + self._settings

    def _understand(self, settings: bytes) -> None:
        self._settings = settings
        speed, channel, option = settings[2:]
        spreading_factor, bandwidth_hz = LORA[min(speed & 7, 5)]
        self.facts = Facts(
            address=settings[0] << 8 | settings[1],
            network=0,
            key=0,
            baud=BAUDS[speed >> 3 & 7],
            spreading_factor=spreading_factor,
            bandwidth_hz=bandwidth_hz,
            first_hz=E32_FIRST_HZ,
            frequency_hz=E32_FIRST_HZ + channel * 1_000_000,
            power_dbm=POWERS_DBM[20][option & 3],
            packet_bytes=58,
            is_addressed=bool(option & 0x80),
        )
