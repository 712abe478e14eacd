"""Settings and commands of EByte E32 modems. Pure; layouts: hw/e22.md 6."""

from dataclasses import dataclass
from typing import Final

from drivers.errors import DriverConfigError
from drivers.radios.e22_frames import CHANNEL_HZ, code_of
from drivers.radios.e22_settings import ModemSettings

AIR_RATES_BPS: Final = (300, 1200, 2400, 4800, 9600, 19200)
POWERS_DBM: Final = (20, 17, 14, 10)
FIRST_HZ, LAST_CHANNEL = 410_000_000, 31
_KEPT, _VOLATILE = 0xC0, 0xC2
_VERSION_HEAD = b"\xc3\x32"
_UART_9600_8N1 = 3 << 3
_PUSH_PULL = 1 << 6
_CORRECTS_ERRORS = 1 << 2
_BYTES = 5


@dataclass(frozen=True, slots=True)
class E32Dialect:
    """A `Dialect` of one command with everything in it."""

    name: str = "E32"
    packet_bytes: int = 58
    config_pins: int = 0b11
    has_rssi: bool = False
    can_switch_by_software: bool = False
    identify: bytes = b"\xc3\xc3\xc3"
    read: bytes = b"\xc1\xc1\xc1"

    def identity(self, received: bytes) -> str | None:
        """See `Dialect.identity`."""
        at = received.find(_VERSION_HEAD)
        said = received[at + len(_VERSION_HEAD) :][:2]
        return f"{self.name} {said.hex()}" if at >= 0 and len(said) == 2 else None

    def registers(self, settings: ModemSettings, *, by_software: bool) -> bytes:
        """See `Dialect.registers`."""
        channel, beside = divmod(settings.frequency_hz - FIRST_HZ, CHANNEL_HZ)
        if beside or not 0 <= channel <= LAST_CHANNEL:
            raise DriverConfigError(
                f"{settings.frequency_hz} Hz is no channel: 410 to 441 MHz, by 1 MHz"
            )
        if settings.listens_first or settings.network or settings.key or by_software:
            raise DriverConfigError("E32: it cannot listen first, and has no network, key, or mode")
        if not 0 <= settings.address <= 0xFFFF:
            raise DriverConfigError(f"address {settings.address}: 0 to 65535")
        air = code_of(settings.air_bps, AIR_RATES_BPS, "bit/s of air rate")
        power = code_of(settings.power_dbm, POWERS_DBM, "dBm")
        return settings.address.to_bytes(2, "big") + bytes(
            [_UART_9600_8N1 | air, channel, _PUSH_PULL | _CORRECTS_ERRORS | power]
        )

    def found(self, received: bytes) -> bytes | None:
        """See `Dialect.found`: the last whole one, junk comes first."""
        for at in range(len(received) - 1 - _BYTES, -1, -1):
            if received[at] in (_KEPT, _VOLATILE):
                return received[at + 1 :][:_BYTES]
        return None

    def write(self, registers: bytes) -> bytes:
        """See `Dialect.write`."""
        return bytes([_KEPT]) + registers

    def refresh(self, registers: bytes) -> bytes:  # noqa: ARG002  # see `Dialect.refresh`
        """See `Dialect.refresh`: there is nothing that cannot be read."""
        return b""

    def agrees(self, found: bytes, wanted: bytes) -> bool:
        """See `Dialect.agrees`: the wake time does not matter."""
        matters = (0xFF, 0xFF, 0xFF, 0x1F, 0xC7)
        triples = zip(found, wanted, matters, strict=True)
        return all((is_ ^ should_be) & mask == 0 for is_, should_be, mask in triples)


E32: Final = E32Dialect()
