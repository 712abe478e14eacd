"""What the commands of simulated modems share: on which air one is, where, and its name there."""

import asyncio
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from sim.air.antenna import Antenna, OnSignal
from sim.air.client import RemoteAntenna, join_air
from sim.air.medium import AirError
from sim.air.server import Address
from sim.air.terrain import Place

_OPTIONS = (
    click.option("--air", "air_at", metavar="SOCKET|PORT", help="Where `muster sim air` is."),
    click.option("--name", help="Of its antenna, as the terrain's file calls it."),
    click.option("--place", type=(float, float), help="Metres east and north of any point."),
)


class AirSeat:
    """Where an antenna shall be, as the user said it; `require` before the modem runs."""

    def __init__(
        self, air_at: str | None, name: str | None, place: tuple[float, float] | None
    ) -> None:
        self._air_at, self._name, self._place = air_at, name, place
        self._attached: RemoteAntenna | None = None
        self._is_attached = asyncio.Event()

    def require(self) -> str:
        """The antenna's name. Raises `click.UsageError` if air or name is missing."""
        if self._air_at is None or self._name is None:
            raise click.UsageError("a modem needs --air and --name")
        return self._name

    async def attach(self, on_signal: OnSignal) -> Antenna:
        """Attach the antenna. Raises `click.ClickException`."""
        place = None if self._place is None else Place(*self._place)
        try:
            self._attached = await join_air(self._address, self._name or "", on_signal, place)
        except OSError as error:
            raise click.ClickException(f"no air at {self._air_at}: {error}") from error
        except AirError as error:
            raise click.ClickException(f"the air does not take it: {error}") from error
        self._is_attached.set()
        return self._attached

    async def until_lost(self) -> None:
        """Wait until the air is gone, and raise `click.ClickException`."""
        await self._is_attached.wait()
        if self._attached is not None:
            await self._attached.lost.wait()
        raise click.ClickException("the air is gone")

    @property
    def _address(self) -> Address:
        said = self._air_at or ""
        return int(said) if said.isascii() and said.isdigit() else Path(said)


def air_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a click command the options of an antenna; it receives them as `seat`."""

    @wraps(command)
    def with_options(
        *,
        air_at: str | None,
        name: str | None,
        place: tuple[float, float] | None,
        **others: Any,  # the command's own options
    ) -> None:
        command(seat=AirSeat(air_at, name, place), **others)

    decorated: Callable[..., None] = with_options
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated
