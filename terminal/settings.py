"""What an operator may set on a terminal: `terminal.toml`. Folders are relative to that file."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from drivers.gnss.rules import MAX_SPEED_MPS
from protocol.fields import NameText
from runtime.config import BrokerSettings, PortNumber

MAX_READERS = 8  # USB ports of a Pi and a hub
SpeedMps = Annotated[float, Meta(gt=0, le=1000)]
LatitudeDeg = Annotated[float, Meta(ge=-90, le=90)]
LongitudeDeg = Annotated[float, Meta(ge=-180, le=180)]
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
    """Lights and buzzer: a board profile of hw/, on real pins or on gpiozero's mock."""

    board: str
    pins: Literal["lgpio", "mock"] = "lgpio"


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
    lane: Annotated[int, Meta(ge=1, le=99)] = 1
    identity: Path = Path("identity")
    data: Path = Path("data")
