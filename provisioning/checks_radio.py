"""Does the modem of a node answer, and take its settings?"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from drivers.device import Look
from drivers.errors import DeviceSilent, DriverConfigError, DriverError
from drivers.radios.site import RadioSettings
from drivers.supervisor import DeviceState, state_after
from provisioning.findings import Finding
from provisioning.layout import GATEWAY_TOML
from provisioning.looks import RADIO, Fitted, judge_look, wrong_setting
from provisioning.radio_at_work import radio_at_work
from runtime.config import ConfigError, load_config

LOOK_S = 20.0  # the longest an EByte modem's driver asks one that does not answer is half of it


class _Node(Struct, frozen=True):
    """The part of `terminal.toml` or `gateway.toml` that says which radio there is."""

    radio: RadioSettings | None = None


async def look_at_radio(radio: RadioSettings, folder: Path) -> Finding:
    """Set up the modem, whose settings lie in `folder`, and let it go."""
    fitted = fitted_radio(radio)
    try:
        async with asyncio.timeout(LOOK_S), radio_at_work(radio, folder) as at_work:
            said = at_work.said
    except DriverConfigError as error:
        return wrong_setting(error)
    except DriverError as error:
        return judge_look(fitted, Look(state_after(error), str(error)))
    except TimeoutError:
        silent = DeviceSilent(f"no sign of life for {LOOK_S:g} s")
        return judge_look(fitted, Look(state_after(silent), str(silent)))
    return judge_look(fitted, Look(DeviceState.READY, said))


def check_gateway_devices(folder: Path) -> Iterator[Finding]:
    """The modem of the gateway whose folder this is, if it has one; at work, it holds the port."""
    try:
        radio = load_config(folder / GATEWAY_TOML, _Node).radio
    except ConfigError as error:
        yield wrong_setting(error)
        return
    if radio is not None:
        yield asyncio.run(look_at_radio(radio, folder))


def fitted_radio(radio: RadioSettings) -> Fitted:
    """What these settings say is there."""
    return Fitted(RADIO, radio.kind, radio.port)
