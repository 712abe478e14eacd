"""`sim`: simulated devices on this machine, one command each."""

from collections.abc import Mapping
from types import MappingProxyType

import click

from runtime.lazy_cli import LazyGroup

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "air": "sim.cli_air:air",
        "e22": "sim.cli_e22:e22",
        "gnss": "sim.cli_gnss:gnss",
        "panel": "sim.cli_panel:panel",
        "ups": "sim.cli_ups:ups",
        "idreader": "sim.cli_idreader:idreader",
        "meshtastic": "sim.cli_meshtastic:meshtastic",
        "mrz": "sim.cli_mrz:mrz",
        "pcsc": "sim.cli_pcsc:pcsc",
        "pn532": "sim.cli_pn532:pn532",
        "rak3172": "sim.cli_rak3172:rak3172",
        "scanner": "sim.cli_scanner:scanner",
        "tell": "sim.cli_tell:tell",
    }
)


@click.group(cls=LazyGroup, lazy=COMMANDS)
def sim() -> None:
    """Simulated devices, for training, demos and tests."""


if __name__ == "__main__":
    sim()
