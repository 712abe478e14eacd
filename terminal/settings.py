"""What an operator may set on a terminal: `terminal.toml`. Folders are relative to that file."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from drivers.gnss.rules import MAX_SPEED_MPS
from drivers.panel import PINS
from drivers.radios.site import RadioSettings
from protocol.fields import NameText
from runtime.config import BrokerSettings, PortNumber

MAX_READERS = 8  # USB ports of a Pi and a hub
SpeedMps = Annotated[float, Meta(gt=0, le=1000)]
LatitudeDeg = Annotated[float, Meta(ge=-90, le=90)]
LongitudeDeg = Annotated[float, Meta(ge=-180, le=180)]
PinsText = Annotated[str, Meta(pattern=PINS)]
PollSeconds = Annotated[float, Meta(ge=0.001, le=5)]


class ReaderSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """One reader: a driver of `drivers.registry.READERS` on a port."""

    kind: str
    port: str
    poll_s: PollSeconds | None = None
    """How often the device is asked; None: as often as its driver thinks right."""


class GnssSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The satellite receiver: a driver of `drivers.registry.GNSS` on a port."""

    kind: str
    port: str
    max_speed_mps: SpeedMps = MAX_SPEED_MPS
    """Nothing this terminal stands on is faster; a position that would be is not believed."""
    fixed_site: tuple[LatitudeDeg, LongitudeDeg] | None = None
    """Where a terminal that never moves was surveyed to be, WGS-84."""
    chrony_socket: Path | None = None
    """The SOCK reference clock of a chronyd on this machine (hw/time.md)."""


class PanelSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Lights, buzzer, buttons and tamper loop: a board profile of hw/, on these pins."""

    board: str
    pins: PinsText = "lgpio"
    display: Literal["ssd1306", "sh1106"] | None = None
    """The chip of the small display; None: not fitted. Where it is, the profile says."""
    language: Literal["zh-Hans", "en"] = "zh-Hans"
    """Of the small display."""
    font: Path | None = None
    """A font file for it; None: Debian's fonts-noto-cjk."""


class PowerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The battery gauge: a driver of `drivers.registry.GAUGES` on a port.

    Left out, both are those of the board profile, unless the kernel has a driver for the battery.
    """

    kind: str | None = None
    port: str | None = None
    off_command: tuple[str, ...] = ()
    """Run when the battery is nearly empty, such as `["systemctl", "poweroff"]`; empty: nothing."""


class WebSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The page of the liaison staff."""

    port: PortNumber
    host: str = "127.0.0.1"


class TerminalSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of `terminal.toml`."""

    county: NameText
    node: NameText
    point: NameText
    broker: BrokerSettings
    web: WebSettings
    readers: Annotated[tuple[ReaderSettings, ...], Meta(min_length=1, max_length=MAX_READERS)]
    gnss: GnssSettings | None = None
    panel: PanelSettings | None = None
    power: PowerSettings | None = None
    radio: RadioSettings | None = None
    lane: Annotated[int, Meta(ge=1, le=99)] = 1
    identity: Path = Path("identity")
    data: Path = Path("data")
