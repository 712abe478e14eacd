"""Muster's front door: `muster terminal|gateway|provision|device|sim|...`, loaded when used."""

from collections.abc import Mapping
from types import MappingProxyType

import click

from runtime.lazy_cli import LazyGroup
from runtime.release import VERSION

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "courier": "courier.cli:courier",
        "demo": "sim.cli_demo:demo",
        "device": "terminal.device_cli:device",
        "doctor": "provisioning.doctor:doctor",
        "gateway": "gateway.cli:gateway",
        "provision": "provisioning.cli:provision",
        "radio": "provisioning.radio_cli:radio",
        "sim": "sim.cli:sim",
        "terminal": "terminal.cli:terminal",
    }
)


@click.group(cls=LazyGroup, lazy=COMMANDS)
@click.version_option(VERSION)
def main() -> None:
    """Muster (集结): people called together, counted on the spot, known to the county."""


if __name__ == "__main__":
    main()
