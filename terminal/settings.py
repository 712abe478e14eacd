"""What an operator may set on a terminal: `terminal.toml`. Folders are relative to that file."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from protocol.fields import NameText
from runtime.config import BrokerSettings, PortNumber

PollSeconds = Annotated[float, Meta(ge=0.001, le=5)]


class ReaderSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The card reader: a driver of `drivers.registry.READERS` on a port."""

    port: str
    kind: str = "sdt"
    poll_s: PollSeconds = 0.5


class GnssSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The satellite receiver: a driver of `drivers.registry.GNSS` on a port."""

    port: str
    kind: str = "nmea"


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
    reader: ReaderSettings
    gnss: GnssSettings | None = None
    panel: PanelSettings | None = None
    lane: Annotated[int, Meta(ge=1, le=99)] = 1
    identity: Path = Path("identity")
    data: Path = Path("data")
