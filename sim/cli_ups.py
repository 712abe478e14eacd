"""`sim ups`: a battery that drains, shown the way the kernel shows one."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import click

from sim.control import ControlError, ControlSocket, Verb, no_words, one_word
from sim.devices.ups import DRAIN_PERCENT_PER_MIN, FULL_PERCENT, SimBattery
from sim.foreground import run_until_stopped
from sim.power_supply import PowerSupplyTree

UPDATE_S = 1.0


@click.command()
@click.option(
    "--link",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder to create, as /sys/class/power_supply is one.",
)
@click.option(
    "--level", type=click.FloatRange(0, 100), default=FULL_PERCENT, show_default=True, help="In %."
)
@click.option("--on-battery", is_flag=True, help="Begin without mains.")
@click.option(
    "--drain",
    type=click.FloatRange(min=0),
    default=DRAIN_PERCENT_PER_MIN,
    show_default=True,
    help="Percent it loses in a minute without mains.",
)
@click.option("--control", type=click.Path(path_type=Path), help="Socket to create for commands.")
def ups(*, link: Path, level: float, on_battery: bool, drain: float, control: Path | None) -> None:
    """Simulate a battery with a charger.

    A terminal reaches it with `kind = "kernel"` and `port = "sysfs:///..."` under [power]. The
    control socket takes mains on|off, level N, drain RATE, fault on|off, state. Ends on Ctrl-C.
    """
    battery = SimBattery(time.monotonic, percent=level)
    battery.is_on_mains = not on_battery
    battery.drain(drain)
    tree = PowerSupplyTree(link.absolute(), battery)
    try:
        run_until_stopped(_simulate(battery, tree, control))
    except OSError as error:
        raise click.ClickException(str(error)) from error
    click.echo("stopped")


async def _simulate(battery: SimBattery, tree: PowerSupplyTree, control: Path | None) -> None:
    async with AsyncExitStack() as stack:
        stack.callback(tree.remove)
        tree.update()
        if control is not None:
            await stack.enter_async_context(ControlSocket(control, verbs(battery, tree)))
        click.echo(f"battery at sysfs://{tree.root}")
        line = ""
        while True:
            tree.update()
            if (now := said(battery, tree)) != line:
                line = now
                click.echo(line)
            await asyncio.sleep(UPDATE_S)


def verbs(battery: SimBattery, tree: PowerSupplyTree) -> Mapping[str, Verb]:
    """What a control socket may say."""

    def mains(word: str) -> None:
        battery.is_on_mains = _is_on(word)
        tree.update()

    def level(word: str) -> None:
        percent = _number(word)
        if percent > FULL_PERCENT:
            raise ControlError("a level is 0 to 100 percent")
        battery.percent = percent
        tree.update()

    def fault(word: str) -> None:
        tree.is_faulty = _is_on(word)
        tree.update()

    def drain(word: str) -> None:
        battery.drain(_number(word))

    return {
        "mains": one_word(mains),
        "level": one_word(level),
        "drain": one_word(drain),
        "fault": one_word(fault),
        "state": no_words(lambda: said(battery, tree)),
    }


def said(battery: SimBattery, tree: PowerSupplyTree) -> str:
    """One line for people and scripts: `87 %, 3.91 V, on mains`."""
    mains = "on mains" if battery.is_on_mains else "on battery"
    fault = ", no battery seen" if tree.is_faulty else ""
    return f"{int(battery.percent)} %, {battery.volts:.2f} V, {mains}{fault}"


def _is_on(word: str) -> bool:
    if word not in {"on", "off"}:
        raise ControlError("expected on or off")
    return word == "on"


def _number(word: str) -> float:
    try:
        number = float(word)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise ControlError(f"{word!r}: expected a number, not below zero")
    return number
