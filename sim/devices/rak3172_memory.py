"""What a simulated RAK3172 keeps, and how it reads what it is given.

Written from hw/rak3172.md 2 and 3. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sim.air.lora import LoraSettings

SPLIT_HZ = 600_000_000  # the -L board up to here, the -H board above
P2P, LORAWAN, FSK = 0, 1, 2
WORK_MODES = {P2P: "LoRa P2P", LORAWAN: "LoRaWAN", FSK: "FSK"}
DELIVERED_SYNC_WORD = 0x1424
BUFFER_BYTES = 2047

_FREQUENCIES_HZ = range(150_000_000, 960_000_001)
_SPREADING_FACTORS = range(5, 13)
_CODING_RATES = range(4)
_PREAMBLES = range(5, 65536)
_POWERS_DBM = range(5, 23)
_BANDWIDTH_CODES = {**{code: code for code in range(10)}, 125: 0, 250: 1, 500: 2}
_BANDWIDTHS_HZ = {0: 125_000, 1: 250_000, 2: 500_000}  # the air knows no narrower ones
_DIGITS = 10
_FOR_NOW = "1"
_RUBBING_OUT = b"\x08\x7f"
_RUBBED_OUT = b"\x08\x20\x08"
_ENDS = b"\r\n"


@dataclass(frozen=True, slots=True)
class P2pSettings:
    """The six numbers of `AT+P2P`; bandwidth and coding rate are codes."""

    frequency_hz: int
    spreading_factor: int = 7
    bandwidth: int = 0
    coding_rate: int = 0
    preamble_symbols: int = 8
    power_dbm: int = 14

    def __str__(self) -> str:
        return (
            f"{self.frequency_hz}:{self.spreading_factor}:{self.bandwidth}:{self.coding_rate}"
            f":{self.preamble_symbols}:{self.power_dbm}"
        )


class Memory:
    """The flash, and what `AT+P2P` was given for now only. As delivered at first."""

    def __init__(self, is_high_band: bool) -> None:
        self.is_high_band = is_high_band
        self.forget()

    def forget(self) -> None:
        """Be as delivered."""
        self.work_mode = LORAWAN
        self.sync_word = DELIVERED_SYNC_WORD
        self.listens_first = self.encrypts = self.has_echo = False
        self.for_now: P2pSettings | None = None
        self._kept = P2pSettings(868_000_000 if self.is_high_band else 470_000_000)

    @property
    def p2p(self) -> P2pSettings:
        """The settings in use."""
        return self.for_now or self._kept

    @property
    def lora(self) -> LoraSettings | None:
        """How the radio is set; None: as no air here knows it."""
        p2p = self.p2p
        if self.work_mode != P2P or p2p.bandwidth not in _BANDWIDTHS_HZ:
            return None
        return LoraSettings(
            frequency_hz=p2p.frequency_hz,
            spreading_factor=p2p.spreading_factor,
            bandwidth_hz=_BANDWIDTHS_HZ[p2p.bandwidth],
            coding_rate=p2p.coding_rate + 1,
            preamble_symbols=p2p.preamble_symbols,
            power_dbm=float(p2p.power_dbm),
            sync_word=self.sync_word,
        )

    def take_p2p(self, settings: P2pSettings, *, is_for_now: bool) -> None:
        """Set the six numbers."""
        if is_for_now:
            self.for_now = settings
        else:
            self._kept, self.for_now = settings, None


class Console:
    """What the host types, until a command has come to its end."""

    def __init__(self) -> None:
        self._typed = bytearray()

    def take(self, value: int, *, has_echo: bool) -> tuple[bytes, bytes | None]:
        """One byte: what the modem sends for it, and the command it ends."""
        if value in _ENDS:
            command = bytes(self._typed).partition(b"\0")[0]
            self._typed.clear()
            return b"\n\r" if command and has_echo else b"", command or None
        if value in _RUBBING_OUT:
            if not self._typed:
                return b"", None
            del self._typed[-1]
            return _RUBBED_OUT, None
        if len(self._typed) >= BUFFER_BYTES:
            return b"", None
        self._typed.append(value)
        return bytes([value]) if has_echo else b"", None

    def clear(self) -> None:
        """Forget the unfinished command."""
        self._typed.clear()


def number(text: str) -> int | None:
    """A decimal number as the modem reads one; None: it is none."""
    if not text or len(text) > _DIGITS or not (text.isascii() and text.isdigit()):
        return None
    return int(text) if text == "0" or int(text) else None


def p2p_settings(words: Sequence[str], *, is_high_band: bool) -> tuple[P2pSettings, bool] | None:
    """What `AT+P2P=` sets, and whether for now only; None: it is a mistake."""
    *numbers, last = words if len(words) == 7 else (*words, "0")
    if len(numbers) != 6 or last not in ("0", _FOR_NOW):
        return None
    values = [number(each) for each in numbers]
    if None in values:
        return None
    frequency_hz, factor, bandwidth, coding_rate, preamble, power_dbm = (v or 0 for v in values)
    fits = (
        frequency_hz in _FREQUENCIES_HZ
        and (frequency_hz > SPLIT_HZ) == is_high_band
        and factor in _SPREADING_FACTORS
        and bandwidth in _BANDWIDTH_CODES
        and coding_rate in _CODING_RATES
        and preamble in _PREAMBLES
        and power_dbm in _POWERS_DBM
    )
    if not fits:
        return None
    code = _BANDWIDTH_CODES[bandwidth]
    settings = P2pSettings(frequency_hz, factor, code, coding_rate, preamble, power_dbm)
    return settings, last == _FOR_NOW
