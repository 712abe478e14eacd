"""Everything attached to a terminal, seen as one: how each device does, and what asks for help."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.gnss.trust import Trust
from drivers.power.board import Throttled
from drivers.power.disk import Disk
from drivers.power.ladder import Step
from protocol.health import DeviceHealth, DeviceReport, DeviceRole, PositionTrust
from terminal.attached import Attached
from terminal.position import Position
from terminal.power import PowerWatch
from terminal.settings import TerminalSettings
from terminal.view import ShownReader, Trouble

if TYPE_CHECKING:
    from terminal.panel import Panel

WORN_PERCENT = 90  # of an eMMC's rated life: replace it before the last tenth (hw/power.md)

_TRUST = {
    Trust.UNKNOWN: PositionTrust.UNKNOWN,
    Trust.TRUSTED: PositionTrust.GOOD,
    Trust.STALE: PositionTrust.STALE,
    Trust.SUSPECT: PositionTrust.SUSPECT,
}


@dataclass(frozen=True)
class Equipment:
    """The devices of one terminal. Only looks at them; `app` built them and runs them."""

    settings: TerminalSettings
    readers: Sequence[Attached]
    gnss: Attached
    position: Position
    power: PowerWatch
    panel: "Panel | None"
    radio: Attached | None

    @property
    def position_trust(self) -> PositionTrust:
        """How far the position is believed now."""
        return _TRUST[self.position.quality.position]

    @property
    def enclosure_is_open(self) -> bool | None:
        """By the tamper loop; None without one."""
        return self.panel.enclosure_is_open if self.panel is not None else None

    @property
    def worst_reader(self) -> DeviceHealth:
        """The numbers of `DeviceHealth` rise from ready to fault; all fitted ones count."""
        return max(reader.health for reader in self.readers)

    def shown_readers(self) -> Iterator[ShownReader]:
        """The readers, as the page tells of them."""
        for number, reader in enumerate(self.readers, start=1):
            yield ShownReader(number, reader.name, reader.state)

    def reports(self) -> Iterator[DeviceReport]:
        """How each device that is fitted does, for the county."""
        for reader in self.readers:
            yield DeviceReport(DeviceRole.READER, reader.name, reader.health)
        if self.settings.gnss is not None:
            yield DeviceReport(DeviceRole.GNSS, self.settings.gnss.kind, self.gnss.health)
        if self.settings.panel is not None and self.panel is not None:
            board = self.settings.panel.board
            yield DeviceReport(DeviceRole.PANEL, board, self.panel.health)
            if self.settings.panel.display is not None:
                kind = self.settings.panel.display
                yield DeviceReport(DeviceRole.DISPLAY, kind, self.panel.display_health)
        if self.power.gauge is not None:
            yield DeviceReport(DeviceRole.GAUGE, self.power.gauge.kind, self.power.health)
        if self.settings.radio is not None and self.radio is not None:
            modem = self.settings.radio.kind
            yield DeviceReport(DeviceRole.RADIO, modem, self.radio.health)

    def troubles(self) -> Iterator[Trouble]:
        """What the staff should know, gravest first."""
        board = self.power.board
        if self.power.step is Step.OFF:
            yield Trouble.BATTERY_EMPTY
        elif self.power.step is not Step.NORMAL:
            yield Trouble.BATTERY_LOW
        if board is not None and board.throttled and Throttled.UNDER_VOLTAGE in board.throttled:
            yield Trouble.UNDER_VOLTAGE
        if self.enclosure_is_open:
            yield Trouble.ENCLOSURE_OPEN
        if board is not None and _is_wearing_out(board.disk):
            yield Trouble.DISK_WEARING
        if self.position_trust is PositionTrust.SUSPECT:
            yield Trouble.POSITION_SUSPECT


def _is_wearing_out(disk: Disk) -> bool:
    return disk.is_read_only or bool(disk.errors) or (disk.worn_percent or 0) >= WORN_PERCENT
