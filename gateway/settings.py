"""What an operator may set on a gateway: `gateway.toml`. Folders are relative to that file."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from drivers.radios.site import RadioSettings
from protocol.downlink import Minutes, Percent
from protocol.fields import NameText, Text
from protocol.keys import Identity, decode_identity
from protocol.limits import MAX_POINTS
from runtime.config import BrokerSettings, ConfigError, PortNumber, read_needed


class WebSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The county's pages."""

    port: PortNumber = 8080
    host: str = "127.0.0.1"


class PointSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """An assembly point."""

    name: NameText
    title_zh: Text
    title_en: Text


class ActivationSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The muster this gateway runs; its number and start are drawn when it is first seen."""

    title_zh: Text
    title_en: Text
    mode: Literal["real", "drill", "test"]
    target_percent: Percent = 90
    target_minutes: Minutes = 60


class GatewaySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of `gateway.toml`."""

    county: NameText
    node: NameText
    title_zh: str
    title_en: str
    broker: BrokerSettings
    points: Annotated[tuple[PointSettings, ...], Meta(min_length=1, max_length=MAX_POINTS)]
    activation: ActivationSettings
    web: WebSettings = WebSettings()
    radio: RadioSettings | None = None
    identity: Path = Path("identity")
    enrolments: Path = Path("enrolments")
    revocations: Path = Path("badges.revoked")
    data: Path = Path("data")

    def __post_init__(self) -> None:
        """Refuse two points of one name."""
        names = [point.name for point in self.points]
        if len(set(names)) != len(names):
            raise ValueError("two points have the same name")


def load_identity(config: Path, settings: GatewaySettings) -> Identity:
    """The gateway's own keys. Raises `ConfigError` or `ProtocolError`."""
    folder = config.parent / settings.identity
    identity = decode_identity(read_needed(folder / "node.identity"))
    if (identity.county, identity.node) != (settings.county, settings.node):
        raise ConfigError(f"{config}: {folder} is another node's identity")
    return identity
