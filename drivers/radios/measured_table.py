"""The file `muster radio calibrate` leaves: how long frames of some sizes were on the air."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from drivers.errors import DriverConfigError
from drivers.radios.airtime import MeasuredAirtime
from runtime.config import ConfigError, load_config
from runtime.files import write_atomic

_Size = Annotated[int, Meta(ge=1, le=255)]
_Seconds = Annotated[float, Meta(gt=0, le=60)]


class MeasuredTable(Struct, frozen=True, forbid_unknown_fields=True):
    """What was measured, of which modem, at which air rate.

    It counts for that kind and rate only. AUX was seen to stay low until the air was free, or there
    would be no table.
    """

    kind: str
    air_bps: int
    points: Annotated[tuple[tuple[_Size, _Seconds], ...], Meta(min_length=2)]
    """Frame bytes and seconds, both rising."""

    def __post_init__(self) -> None:
        """Refuse points that do not rise."""
        MeasuredAirtime(self.points)

    @property
    def airtime(self) -> MeasuredAirtime:
        """The airtime of any size."""
        return MeasuredAirtime(self.points)


def load_table(path: Path, kind: str, air_bps: int) -> MeasuredTable:
    """Read a table. Raises `DriverConfigError` if there is none, or it is of other settings."""
    try:
        table = load_config(path, MeasuredTable)
    except ConfigError as error:
        raise DriverConfigError(str(error)) from error
    if (table.kind, table.air_bps) != (kind, air_bps):
        raise DriverConfigError(
            f"{path} was measured with {table.kind} at {table.air_bps} bit/s; "
            "measure again: muster radio calibrate"
        )
    return table


def save_table(path: Path, table: MeasuredTable, comment: str) -> None:
    """Write a table under a line of comment. Raises `OSError`."""
    points = ",\n".join(f"  [{size}, {time_s:.4f}]" for size, time_s in table.points)
    write_atomic(
        path,
        f"# {comment}\nkind = {msgspec.json.encode(table.kind).decode()}\n"
        f"air_bps = {table.air_bps}\npoints = [\n{points},\n]\n".encode(),
    )
