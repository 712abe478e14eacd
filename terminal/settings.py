"""What an operator may set on a terminal: `terminal.toml`. Folders are relative to that file."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from drivers.gnss.rules import MAX_SPEED_MPS
from drivers.panel import PINS
from drivers.radios.site import RadioSettings
from protocol.errors import BadSignature
from protocol.fields import NameText
from protocol.keys import Identity, Peer, decode_identity
from runtime.config import BrokerSettings, ConfigError, PortNumber, read_needed

MAX_READERS = 8  # USB ports of a Pi and a hub
SpeedMps = Annotated[float, Meta(gt=0, le=1000)]
LatitudeDeg = Annotated[float, Meta(ge=-90, le=90)]
LongitudeDeg = Annotated[float, Meta(ge=-180, le=180)]
PinsText = Annotated[str, Meta(pattern=PINS)]
MulticastGroup = Annotated[str, Meta(pattern=r"\A2(2[4-9]|3[0-9])(\.[0-9]{1,3}){3}\Z")]
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


class NeighbourSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The other terminals of the same point, if there are any."""

    interface: str | None = None
    """The local network they are on, such as `eth0` or `wlan0`; None: radio only."""
    group: MulticastGroup = "239.255.77.84"  # of the addresses for use within a site, RFC 2365
    port: PortNumber = 7784


class UplinkSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How records find the county."""

    lora_after_s: Annotated[float, Meta(ge=0, le=3600)] = 120
    """How long the gateway may be out of reach by network before LoRa takes over."""


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
    uplink: UplinkSettings = UplinkSettings()
    neighbours: NeighbourSettings | None = None
    lane: Annotated[int, Meta(ge=1, le=99)] = 1
    identity: Path = Path("identity")
    data: Path = Path("data")


def load_identity(config: Path, settings: TerminalSettings) -> Identity:
    """The terminal's own keys. Raises `ConfigError` or `ProtocolError`."""
    folder = config.parent / settings.identity
    identity = decode_identity(read_needed(folder / "node.identity"))
    if (identity.county, identity.node) != (settings.county, settings.node):
        raise ConfigError(f"{config}: {folder} is another node's identity")
    return identity


def gateway_of(identity: Identity) -> Peer:
    """Whose word counts. Raises `BadSignature` when the identity file names nobody."""
    if not identity.peers:
        raise BadSignature("the identity file names no gateway: provision this terminal again")
    return identity.peers[0]
