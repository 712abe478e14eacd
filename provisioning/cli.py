"""`muster provision`: makes a county and its terminals. Badges: `badge_cli`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import click

from provisioning.badge_cli import badge
from provisioning.broker import MOSQUITTO_CONF
from provisioning.bundle import create_county, create_terminal
from provisioning.county import load_county
from provisioning.errors import BadPlan
from provisioning.layout import CountyFolder
from provisioning.one_line import one_line_errors
from provisioning.plans import CountyPlan, DevicePlan, Mode, Point, TerminalPlan, profile_of
from provisioning.radio_options import RadioOptions, radio_options

FOLDER = click.Path(file_okay=False, path_type=Path)
PORT_NUMBER = click.IntRange(1, 65535)
LANE = click.IntRange(1, 99)
MAX_LORA_AFTER_S = 3600  # as `terminal.settings` takes it


@click.group()
def provision() -> None:
    """Make a county, the terminals in it, and the badges of its people."""


provision.add_command(badge)


@provision.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--name", default=CountyPlan.name, show_default=True, help="Name in topics.")
@click.option("--title-zh", default=CountyPlan.title_zh, show_default=True, help="Title, Chinese.")
@click.option("--title-en", default=CountyPlan.title_en, show_default=True, help="Title, English.")
@click.option(
    "--broker-host",
    "broker_hosts",
    multiple=True,
    default=CountyPlan.broker_hosts,
    show_default=True,
    help="Address of the broker; nodes use the first, the certificate names all.",
)
@click.option("--broker-port", type=PORT_NUMBER, default=CountyPlan.broker_port, show_default=True)
@click.option(
    "--gateway", default=CountyPlan.gateway, show_default=True, help="The gateway's name."
)
@click.option(
    "--point",
    "points",
    multiple=True,
    metavar="NAME:标题:TITLE",
    help="An assembly point; without any, one example is made.",
)
@click.option(
    "--mode", type=click.Choice(get_args(Mode)), default=CountyPlan.mode, show_default=True
)
@click.option("--web-port", type=PORT_NUMBER, default=CountyPlan.web_port, show_default=True)
@click.option(
    "--broker-user", help="User that runs mosquitto and shall own its files.  [default: you]"
)
@radio_options
def county(
    *,
    folder: Path,
    name: str,
    title_zh: str,
    title_en: str,
    broker_hosts: Sequence[str],
    broker_port: int,
    gateway: str,
    points: Sequence[str],
    mode: Mode,
    web_port: int,
    broker_user: str | None,
    radio: RadioOptions,
) -> None:
    """Make a county in the new folder DIR: authority, broker, gateway."""
    with one_line_errors():
        plan = CountyPlan(
            name=name,
            title_zh=title_zh,
            title_en=title_en,
            broker_hosts=broker_hosts,
            broker_port=broker_port,
            gateway=gateway,
            points=tuple(_parse_point(text) for text in points) or CountyPlan.points,
            mode=mode,
            web_port=web_port,
            broker_user=broker_user,
            radio=radio.settings(),
        )
        create_county(folder, plan, datetime.now(UTC))
    paths = CountyFolder(folder)
    click.echo(f"Made county {name!r} with {len(plan.points)} assembly point(s) in {folder}")
    click.echo(
        f"  authority  {paths.authority}   keep it secret, keep a copy, never put it on a node"
    )
    click.echo(f"  broker     mosquitto -c {paths.broker / MOSQUITTO_CONF}")
    click.echo(f"  gateway    {paths.gateway}")
    click.echo(f"Next: muster provision terminal {folder} NAME --point {plan.points[0].name}")


@provision.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.argument("name")
@click.option("--point", required=True, help="The assembly point it serves.")
@click.option(
    "--lane",
    type=LANE,
    default=TerminalPlan.lane,
    show_default=True,
    help="Which terminal of the point it is.",
)
@click.option(
    "--neighbours",
    metavar="INTERFACE",
    help="Agree with the other terminals of the point on this network, such as eth0 or wlan0.",
)
@click.option(
    "--reader",
    "readers",
    multiple=True,
    metavar="KIND[=PORT]",
    help="A reader, such as scanner=serial:///dev/ttyACM0; may be given again. "
    "Without a port: where the board has it. Default: an ID card reader, sdt, on /dev/ttyUSB0.",
)
@click.option(
    "--gnss",
    metavar="KIND[=PORT]",
    help="The satellite receiver, if there is one; nmea at the board's usual port, or such as nmea=serial:///dev/serial0?baud=9600.",
)
@click.option("--board", help="Board profile of hw/ for lights and buzzer, such as pi-4b.")
@click.option(
    "--pins",
    default=TerminalPlan.pins,
    show_default=True,
    help="Of the board; or pigpio://HOST:PORT, such as those of `muster sim panel`; or mock.",
)
@click.option("--web-port", type=PORT_NUMBER, default=TerminalPlan.web_port, show_default=True)
@click.option(
    "--lora-after-s",
    type=click.FloatRange(0, MAX_LORA_AFTER_S),
    metavar="SECONDS",
    help="How long the network may be away before LoRa takes over.  [default: 120]",
)
@radio_options
def terminal(
    *,
    folder: Path,
    name: str,
    point: str,
    lane: int,
    neighbours: str | None,
    readers: tuple[str, ...],
    gnss: str | None,
    board: str | None,
    pins: str,
    web_port: int,
    lora_after_s: float | None,
    radio: RadioOptions,
) -> None:
    """Make terminal NAME of the county in DIR, and enrol it at the gateway."""
    with one_line_errors():
        usual = profile_of(board).ports if board is not None else None
        plan = TerminalPlan(
            name=name,
            point=point,
            lane=lane,
            neighbours=neighbours,
            readers=tuple(_device(text, usual.reader if usual else None) for text in readers)
            or TerminalPlan.readers,
            gnss=_device(gnss, usual.gnss if usual else None) if gnss is not None else None,
            board=board,
            pins=pins,
            web_port=web_port,
            radio=radio.settings(load_county(folder.absolute()).radio),
            lora_after_s=lora_after_s,
        )
        made = create_terminal(folder, plan, datetime.now(UTC))
    click.echo(f"Made terminal {name!r} at {point!r} in {made}")
    click.echo(f"  enrolled   {CountyFolder(folder).enrolment(name)}   belongs on the gateway")
    click.echo("  the folder holds its keys: move it to the terminal, leave no copy on the way")
    click.echo(f"Next: muster doctor {made}")


def _parse_point(text: str) -> Point:
    parts = [part.strip() for part in text.split(":")]
    if len(parts) != 3 or not all(parts):
        raise BadPlan(f"--point {text!r}: expected name:标题:English title")
    return Point(*parts)


def _device(text: str, usual_port: str | None) -> DevicePlan:
    """What of it exists is checked with the rest of the plan."""
    kind, separator, port = text.partition("=")
    if not separator and usual_port is None:
        raise BadPlan(f"device {text!r}: expected KIND=PORT, or a --board whose profile has a port")
    return DevicePlan(kind, port or usual_port or "")
