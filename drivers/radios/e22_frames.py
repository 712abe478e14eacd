"""Registers and commands of EByte E22 and E220 modems. Pure; layouts: hw/e22.md 2 to 5."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Final, Protocol

from drivers.errors import DriverConfigError
from drivers.radios.e22_settings import ModemSettings

BAUD = 9600
AIR_RATES_BPS: Final = (300, 1200, 2400, 4800, 9600, 19200, 38400, 62500)
POWERS_DBM: Mapping[int, tuple[int, ...]] = MappingProxyType(
    {22: (22, 17, 13, 10), 30: (30, 27, 24, 21)}
)
CHANNEL_HZ = 1_000_000
BANDS_HZ: Final = ((410_125_000, 83), (850_125_000, 80))
"""Channel 0 and the last channel of each model."""

BAD_FORMAT = b"\xff\xff\xff"
_WRITE_KEPT, _READ, _WRITE_VOLATILE = 0xC0, 0xC1, 0xC2
_ANSWER = 0xC1
_SWITCH = b"\xc0\xc1\xc2\xc3\x02"
_SWITCHED = b"\xc1\xc2\xc3\x02"
_PRODUCT_AT, _PRODUCT_BYTES = 0x80, 7
_UART_9600_8N1 = 3 << 5
_SWITCHES_BY_SOFTWARE = 1 << 4
_RSSI_BYTE = 1 << 7
_LISTENS_FIRST = 1 << 4
_WAKE_PERIOD = 3  # as delivered; without meaning in normal mode
_KEY_BYTES = 2


class Mode(IntEnum):
    """Where M1 and M0 put an E22; the value is the pins' and the software command's."""

    NORMAL = 0b00
    WAKE_ON_RADIO = 0b01
    CONFIGURATION = 0b10
    SLEEP = 0b11


class Dialect(Protocol):
    """How one family of modems is spoken to while it is in configuration mode. Pure and total."""

    @property
    def name(self) -> str:
        """The family, for log lines."""

    @property
    def packet_bytes(self) -> int:
        """The most that travels as one packet."""

    @property
    def config_pins(self) -> int:
        """Levels of M1 and M0, as a number of two bits."""

    @property
    def has_rssi(self) -> bool:
        """Whether each packet is followed by an RSSI byte."""

    @property
    def can_switch_by_software(self) -> bool:
        """Whether a command can do what the pins do."""

    @property
    def identify(self) -> bytes:
        """The command that asks who the modem is."""

    def identity(self, received: bytes) -> str | None:
        """What it answered to that; None: nothing of the kind."""

    def registers(self, settings: ModemSettings, *, by_software: bool) -> bytes:
        """All registers as they should be. Raises `DriverConfigError` for what it cannot do."""

    @property
    def read(self) -> bytes:
        """The command that reads all registers."""

    def found(self, received: bytes) -> bytes | None:
        """The registers in an answer to `read`, behind any junk; None: not there or not whole."""

    def write(self, registers: bytes) -> bytes:
        """The command that sets all registers, for good."""

    def refresh(self, registers: bytes) -> bytes:
        """The command for those that cannot be read back, until power goes; empty: none."""

    def agrees(self, found: bytes, wanted: bytes) -> bool:
        """Whether all that can be read and matters is as wanted."""


@dataclass(frozen=True, slots=True)
class RegisterDialect:
    """E22 and E220: registers with addresses, a command with its first and its number."""

    name: str
    packet_bytes: int
    config_pins: int
    has_network: bool
    can_switch_by_software: bool
    same_air_rates_below: int
    """Air rates of a lower code than this do not exist on the model."""
    has_rssi: bool = True

    @property
    def _count(self) -> int:
        return 9 if self.has_network else 8

    @property
    def identify(self) -> bytes:
        """See `Dialect.identify`."""
        return bytes([_READ, _PRODUCT_AT, _PRODUCT_BYTES])

    def identity(self, received: bytes) -> str | None:
        """See `Dialect.identity`."""
        data = _behind(bytes([_ANSWER, _PRODUCT_AT, _PRODUCT_BYTES]), _PRODUCT_BYTES, received)
        return None if data is None else f"{self.name} {data.hex()}"

    def registers(self, settings: ModemSettings, *, by_software: bool) -> bytes:
        """See `Dialect.registers`."""
        power = code_of(settings.power_dbm, POWERS_DBM.get(settings.module_dbm, ()), "dBm")
        air = code_of(settings.air_bps, AIR_RATES_BPS, "bit/s of air rate")
        if air < self.same_air_rates_below:
            raise DriverConfigError(f"{self.name}: no air rate of {settings.air_bps} bit/s")
        if settings.network and not self.has_network:
            raise DriverConfigError(f"{self.name}: it knows no networks, only a key")
        network = [_in_range(settings.network, 0xFF, "network")] if self.has_network else []
        return bytes(
            [
                *_in_range(settings.address, 0xFFFF, "address").to_bytes(2, "big"),
                *network,
                _UART_9600_8N1 | air,
                power | (_SWITCHES_BY_SOFTWARE if by_software else 0),
                channel_of(settings.frequency_hz),
                _RSSI_BYTE | (_LISTENS_FIRST if settings.listens_first else 0) | _WAKE_PERIOD,
                *_in_range(settings.key, 0xFFFF, "key").to_bytes(_KEY_BYTES, "big"),
            ]
        )

    @property
    def read(self) -> bytes:
        """See `Dialect.read`."""
        return bytes([_READ, 0, self._count])

    def found(self, received: bytes) -> bytes | None:
        """See `Dialect.found`."""
        return _behind(bytes([_ANSWER, 0, self._count]), self._count, received)

    def write(self, registers: bytes) -> bytes:
        """See `Dialect.write`."""
        return bytes([_WRITE_KEPT, 0, self._count]) + registers

    def refresh(self, registers: bytes) -> bytes:
        """See `Dialect.refresh`: the key."""
        at = self._count - _KEY_BYTES
        return bytes([_WRITE_VOLATILE, at, _KEY_BYTES]) + registers[at:]

    def agrees(self, found: bytes, wanted: bytes) -> bool:
        """See `Dialect.agrees`: bits without a meaning, wake on radio and the key do not matter."""
        network = [0xFF] if self.has_network else []
        matters = [0xFF, 0xFF, *network, 0xFF, 0xF3, 0xFF, 0xF0, 0, 0]
        triples = zip(found, wanted, matters, strict=True)
        return all((is_ ^ should_be) & mask == 0 for is_, should_be, mask in triples)


E22: Final = RegisterDialect(
    name="E22",
    packet_bytes=240,
    config_pins=0b10,
    has_network=True,
    can_switch_by_software=True,
    same_air_rates_below=0,
)
E220: Final = RegisterDialect(
    name="E220",
    packet_bytes=200,
    config_pins=0b11,
    has_network=False,
    can_switch_by_software=False,
    same_air_rates_below=2,
)


def switch_command(mode: Mode) -> bytes:
    """What puts an E22 without pins into `mode`."""
    return _SWITCH + bytes([mode])


def has_switched(received: bytes, mode: Mode) -> bool:
    """Whether it says that it did."""
    return _SWITCHED + bytes([mode]) in received


def channel_of(frequency_hz: int) -> int:
    """The channel of a frequency. Raises `DriverConfigError` if no model has one there."""
    for first_hz, last in BANDS_HZ:
        channel, beside = divmod(frequency_hz - first_hz, CHANNEL_HZ)
        if beside == 0 and 0 <= channel <= last:
            return channel
    raise DriverConfigError(
        f"{frequency_hz} Hz is no channel: 410.125 to 493.125 or 850.125 to 930.125 MHz, by 1 MHz"
    )


def code_of(value: int, choices: tuple[int, ...], unit: str) -> int:
    """The place of `value` among `choices`. Raises `DriverConfigError`, naming them."""
    if value not in choices:
        raise DriverConfigError(f"no {value} {unit} on this modem; there are: {choices}")
    return choices.index(value)


def _in_range(value: int, last: int, name: str) -> int:
    if not 0 <= value <= last:
        raise DriverConfigError(f"{name} {value}: 0 to {last}")
    return value


def _behind(head: bytes, count: int, received: bytes) -> bytes | None:
    at = received.find(head)
    data = received[at + len(head) :][:count]
    return data if at >= 0 and len(data) == count else None
