"""How the board itself fares: supply voltage, heat, and the disk that must not lose a record."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path

from drivers.power.disk import Disk, read_disk
from drivers.power.sysfs import number, text

VCGENCMD = ("vcgencmd", "get_throttled")
VCGENCMD_LIMIT_S = 2.0
_PREFIX = "throttled="


class Throttled(IntFlag):
    """What the firmware reports (hw/power.md 4): now, and at some time since the start."""

    UNDER_VOLTAGE = 1 << 0
    CAPPED = 1 << 1
    THROTTLED = 1 << 2
    SOFT_LIMIT = 1 << 3
    HAS_BEEN_UNDER_VOLTAGE = 1 << 16
    HAS_BEEN_CAPPED = 1 << 17
    HAS_BEEN_THROTTLED = 1 << 18
    HAS_BEEN_SOFT_LIMITED = 1 << 19


_ALL = Throttled(sum(Throttled))


@dataclass(frozen=True, slots=True)
class BoardFacts:
    """One look at the board; None: this machine cannot tell.

    `throttled` may know under-voltage alone, where the firmware cannot be asked.
    """

    throttled: Throttled | None
    temperature_c: float | None
    disk: Disk


class BoardHealth:
    """Reads `BoardFacts`. It blocks for as long as files and one small program do: use a thread.

    `data` is the folder whose disk matters; `root` is above `sys` and `proc`.
    """

    def __init__(
        self,
        data: Path,
        *,
        root: Path = Path("/"),
        ask_firmware: Callable[[], str | None] | None = None,
    ) -> None:
        self._data, self._root = data, root
        self._ask_firmware = ask_firmware or ask_vcgencmd

    def read(self) -> BoardFacts:
        """The board now. Raises `OSError` when the data folder is gone."""
        return BoardFacts(
            throttled=self._throttled(),
            temperature_c=self._temperature_c(),
            disk=read_disk(self._data, self._root),
        )

    def _throttled(self) -> Throttled | None:
        answer = self._ask_firmware()
        if answer is not None:
            return parse_throttled(answer)
        for monitor in sorted((self._root / "sys/class/hwmon").glob("hwmon*")):
            if text(monitor / "name") == "rpi_volt":  # the number in hwmonN changes
                alarm = number(monitor / "in0_lcrit_alarm")
                return None if alarm is None else Throttled(bool(alarm))
        return None

    def _temperature_c(self) -> float | None:
        millidegrees = number(self._root / "sys/class/thermal/thermal_zone0/temp")
        return None if millidegrees is None else millidegrees / 1000


def ask_vcgencmd() -> str | None:
    """What the firmware says, or None where it cannot be asked (no Pi, or not in group video)."""
    try:
        asked = subprocess.run(
            VCGENCMD, capture_output=True, text=True, timeout=VCGENCMD_LIMIT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return asked.stdout


def parse_throttled(answer: str) -> Throttled | None:
    """`throttled=0x50005` -> flags; None for anything else. Unknown bits are dropped."""
    answer = answer.strip()
    if not answer.startswith(_PREFIX):
        return None
    try:
        bits = int(answer.removeprefix(_PREFIX), 16)
    except ValueError:
        return None
    return Throttled(bits) & _ALL
