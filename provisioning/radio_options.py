"""The options `muster provision` takes about a radio, and the settings they make."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, get_args

import click
import msgspec

from drivers.radios.site import (
    EBYTE_KINDS,
    LORA_KINDS,
    MESH_KINDS,
    AirRate,
    RadioSettings,
    RegionName,
)
from provisioning.errors import BadPlan
from provisioning.plans import USUAL_RADIO

# What nodes must have in common to hear each other, by the kind of modem.
_SHARED = (
    (EBYTE_KINDS, ("air_bps",)),
    (LORA_KINDS, ("spreading_factor", "bandwidth_khz")),
    (MESH_KINDS, ("preset",)),
)
_OPTIONS = (
    click.option(
        "--radio",
        metavar="KIND=PORT",
        help="A LoRa modem, if there is one, such as e22=serial:///dev/ttyUSB1.",
    ),
    click.option(
        "--region", type=click.Choice(get_args(RegionName)), help="Whose radio law holds."
    ),
    click.option("--frequency-mhz", type=float, help="The radio channel's middle."),
    click.option("--power-dbm", type=int, help="What the modem sends with; with the antenna: law."),
    click.option("--antenna-dbi", type=float, help="The antenna's gain less what its cable loses."),
    click.option("--radio-pins", help="EByte: such as lgpio?m0=22&m1=27&aux=4; else by software."),
    click.option(
        "--air-bps",
        type=click.Choice([str(rate) for rate in get_args(AirRate)]),
        help="EByte: the air rate.",
    ),
    click.option("--spreading-factor", type=click.IntRange(5, 12), help="RAK3172 only."),
)


@dataclass(frozen=True)
class RadioOptions:
    """What the user said about the radio."""

    radio: str | None
    region: RegionName | None
    frequency_mhz: float | None
    power_dbm: int | None
    antenna_dbi: float | None
    radio_pins: str | None
    air_bps: str | None
    spreading_factor: int | None

    def settings(self, shared: RadioSettings | None = None) -> RadioSettings | None:
        """The settings; what was not said is as in `shared`, the county's, or as usual.

        Raises `BadPlan`, for a modem that would not hear the county's, too.
        """
        if self.radio is None:
            if self != RadioOptions(*[None] * len(_OPTIONS)):
                raise BadPlan("options about a radio need --radio KIND=PORT")
            return None
        kind, _, port = self.radio.partition("=")
        region = self.region or (shared.region if shared else None)
        if region is None or not port:
            raise BadPlan(f"--radio {self.radio!r}: expected KIND=PORT, and a --region")
        if shared is not None and shared.region != region:
            raise BadPlan(f"--region {region}: the county's radio is in {shared.region}")
        usual_mhz, usual_dbm = USUAL_RADIO[region]
        table = {
            "kind": kind,
            "port": port,
            "region": region,
            "frequency_mhz": usual_mhz if shared is None else shared.frequency_mhz,
            "power_dbm": usual_dbm,
            **_in_common(shared, kind),
            **self._said(),
        }
        try:
            return msgspec.convert(table, RadioSettings)
        except msgspec.ValidationError as error:
            raise BadPlan(f"the radio: {error}") from error

    def _said(self) -> dict[str, Any]:
        said = {
            "frequency_mhz": self.frequency_mhz,
            "power_dbm": self.power_dbm,
            "antenna_dbi": self.antenna_dbi,
            "pins": self.radio_pins,
            "air_bps": None if self.air_bps is None else int(self.air_bps),
            "spreading_factor": self.spreading_factor,
        }
        return {name: value for name, value in said.items() if value is not None}


def radio_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets them as `radio`."""
    names = RadioOptions.__dataclass_fields__

    @wraps(command)
    def with_radio(**given: Any) -> Any:
        said = RadioOptions(**{name: given.pop(name) for name in names})
        return command(**given, radio=said)

    decorated: Callable[..., Any] = with_radio
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def _in_common(shared: RadioSettings | None, kind: str) -> dict[str, Any]:
    """What a modem of that kind must be set to alike."""
    if shared is None:
        return {}
    for kinds, names in _SHARED:
        if kind in kinds and shared.kind in kinds:
            return {name: value for name in names if (value := getattr(shared, name)) is not None}
    raise BadPlan(f"--radio {kind}: it does not hear the county's {shared.kind}")
