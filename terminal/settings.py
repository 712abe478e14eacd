"""What an operator may set on a terminal: `terminal.toml`. Folders are relative to that file."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from protocol.fields import NameText
from runtime.config import BrokerSettings, PortNumber

MAX_READERS = 8  # USB ports of a Pi and a hub
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
