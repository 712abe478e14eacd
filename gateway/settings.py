"""What an operator may set on a gateway: `gateway.toml`. Folders are relative to that file."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

PortNumber = Annotated[int, Meta(ge=1, le=65535)]
Percent = Annotated[int, Meta(ge=1, le=100)]
Minutes = Annotated[int, Meta(ge=1, le=24 * 60)]


class BrokerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the county's broker listens."""

    host: str
    port: PortNumber = 8883


class WebSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The county's pages."""

    port: PortNumber = 8080
    host: str = "127.0.0.1"


class PointSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """An assembly point."""

    name: str
    title_zh: str
    title_en: str


class ActivationSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The muster this gateway runs; its number and start are drawn when it is first seen."""

    title_zh: str
    title_en: str
    mode: Literal["real", "drill", "test"]
    target_percent: Percent = 90
    target_minutes: Minutes = 60


class GatewaySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of `gateway.toml`."""

    county: str
    node: str
    title_zh: str
    title_en: str
    broker: BrokerSettings
    points: tuple[PointSettings, ...]
    activation: ActivationSettings
    web: WebSettings = WebSettings()
    identity: Path = Path("identity")
    enrolments: Path = Path("enrolments")
    data: Path = Path("data")
