"""`county.toml`, and what is derived from it: the settings of a gateway and of a terminal.

Paths in the settings are relative to the file, so that a node's folder can be moved whole.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from drivers.radios.site import RadioSettings
from provisioning.errors import NoSuchCounty
from provisioning.layout import DATA, ENROLMENTS, IDENTITY, CountyFolder
from provisioning.plans import MUSTER_TITLES, CountyPlan, DevicePlan, Point, TerminalPlan
from provisioning.toml_text import Table, Value, encode_toml
from runtime.config import load_config


class CountyBroker(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the county's broker is reached; nodes use the first address."""

    hosts: tuple[str, ...]
    port: int


class County(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of `county.toml`: what later terminals are made from."""

    county: str
    title_zh: str
    title_en: str
    gateway: str
    broker: CountyBroker
    points: tuple[Point, ...]
    radio: RadioSettings | None = None
    """The gateway's."""


def county_of(plan: CountyPlan) -> County:
    """The county a plan describes."""
    return County(
        plan.name,
        plan.title_zh,
        plan.title_en,
        plan.gateway,
        CountyBroker(tuple(plan.broker_hosts), plan.broker_port),
        tuple(plan.points),
        plan.radio,
    )


def load_county(folder: Path) -> County:
    """Read `county.toml`. Raises `NoSuchCounty` or `ConfigError`."""
    path = CountyFolder(folder).county_toml
    if not path.exists():
        raise NoSuchCounty(f"{folder} holds no county; make one: muster provision county {folder}")
    return load_config(path, County)


def county_toml(county: County) -> bytes:
    """The text of `county.toml`."""
    return encode_toml(
        "The county. `muster provision terminal` reads this file.\n"
        "A new assembly point goes here and into gateway/gateway.toml.",
        {
            "county": county.county,
            "title_zh": county.title_zh,
            "title_en": county.title_en,
            "gateway": county.gateway,
        },
        {
            "broker": {"hosts": county.broker.hosts, "port": county.broker.port},
            **_radio(county.radio),
            "points": _points(county),
        },
    )


def gateway_toml(county: County, plan: CountyPlan) -> bytes:
    """The text of `gateway.toml`."""
    title_zh, title_en = MUSTER_TITLES[plan.mode]
    return encode_toml(
        "The county's gateway. Folders are relative to this file.",
        {
            "county": county.county,
            "node": county.gateway,
            "title_zh": county.title_zh,
            "title_en": county.title_en,
            "identity": IDENTITY,
            "enrolments": ENROLMENTS,
            "data": DATA,
        },
        {
            "broker": _broker(county),
            "web": {"port": plan.web_port},
            "activation": {
                "title_zh": title_zh,
                "title_en": title_en,
                "mode": plan.mode,
                "target_percent": plan.target_percent,
                "target_minutes": plan.target_minutes,
            },
            **_radio(county.radio),
            "points": _points(county),
        },
    )


def terminal_toml(county: County, plan: TerminalPlan) -> bytes:
    """The text of `terminal.toml`."""
    tables: dict[str, Table | Sequence[Table]] = {
        "broker": {**_broker(county), "port": plan.broker_port or county.broker.port},
        "web": {"port": plan.web_port},
        "readers": [_device(reader) for reader in plan.readers],
    }
    if plan.gnss is not None:
        tables["gnss"] = _device(plan.gnss)
    if plan.board is not None:
        tables["panel"] = {"board": plan.board, "pins": plan.pins}
    if plan.neighbours is not None:
        tables["neighbours"] = {"interface": plan.neighbours}
    tables.update(_radio(plan.radio))
    if plan.lora_after_s is not None:
        tables["uplink"] = {"lora_after_s": plan.lora_after_s}
    return encode_toml(
        f"Terminal {plan.name}. Folders are relative to this file.",
        {
            "county": county.county,
            "node": plan.name,
            "point": plan.point,
            "lane": plan.lane,
            "identity": IDENTITY,
            "data": DATA,
        },
        tables,
    )


def _broker(county: County) -> Table:
    return {"host": county.broker.hosts[0], "port": county.broker.port}


def _radio(radio: RadioSettings | None) -> dict[str, Table]:
    """Its table, without what is left to the driver."""
    if radio is None:
        return {}
    values = {name: getattr(radio, name) for name in radio.__struct_fields__}
    given = {name: value for name, value in values.items() if value is not None}
    if radio.measured is not None:
        given["measured"] = str(radio.measured)
    return {"radio": given}


def _points(county: County) -> list[Table]:
    return [msgspec.to_builtins(point) for point in county.points]


def _device(plan: DevicePlan) -> Table:
    table: dict[str, Value] = {"kind": plan.kind, "port": plan.port}
    if plan.poll_s is not None:
        table["poll_s"] = plan.poll_s
    return table
