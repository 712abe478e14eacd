"""What an operator asks for: a county, a terminal. Checked here, before a key is made."""

import os
import pwd
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

from drivers.errors import DriverConfigError
from drivers.panel import PINS
from drivers.panel.board import Board, load_board
from drivers.radios.opening import check_law
from drivers.radios.site import RadioSettings, RegionName
from drivers.registry import GNSS, PORT_SCHEMES, RADIOS, READERS, Driver, choose
from protocol.ids import parse_name
from provisioning.errors import BadPlan

Mode = Literal["real", "drill", "test"]

MUSTER_TITLES: dict[Mode, tuple[str, str]] = {
    "real": ("应急集结", "Muster"),
    "drill": ("集结演练", "Muster drill"),
    "test": ("系统测试", "System test"),
}


INTERFACE = r"[^\s/:]{1,15}"  # what Linux takes for a name


class Point(Struct, frozen=True, forbid_unknown_fields=True):
    """An assembly point."""

    name: str
    title_zh: str
    title_en: str


EXAMPLE_POINT = Point("town-hall", "镇政府", "Town hall")


USUAL_RADIO: Mapping[RegionName, tuple[float, int]] = {
    "CN470": (471.125, 17),
    "EU868": (868.125, 13),
    "EU433": (434.125, 10),
    "US915": (915.125, 22),
}
"""Region -> frequency in MHz and power in dBm that an E22 has, and may use there."""


@dataclass(frozen=True)
class CountyPlan:
    """A county to be made."""

    name: str = "demo"
    title_zh: str = "演示县"
    title_en: str = "Demo county"
    broker_hosts: Sequence[str] = ("127.0.0.1",)
    """Every address the broker is reached at; nodes use the first."""
    broker_port: int = 8883
    gateway: str = "gateway"
    points: Sequence[Point] = (EXAMPLE_POINT,)
    mode: Mode = "drill"
    target_percent: int = 90
    target_minutes: int = 60
    web_port: int = 8080
    broker_user: str | None = None
    """Who runs the broker and must own its files; `None` is the user who provisions."""
    radio: RadioSettings | None = None
    """The gateway's; terminals are set alike."""

    def check(self) -> None:
        """Raises `Malformed` for a bad name and `BadPlan` for anything else."""
        for name in (self.name, self.gateway, *(point.name for point in self.points)):
            parse_name(name)
        if not self.broker_hosts:
            raise BadPlan("the broker needs an address")
        if not self.points:
            raise BadPlan("a county has at least one assembly point")
        if len({point.name for point in self.points}) < len(self.points):
            raise BadPlan("two assembly points have the same name")
        check_radio(self.radio)

    @property
    def broker_owner(self) -> str:
        """The user the broker's files belong to."""
        return self.broker_user or pwd.getpwuid(os.geteuid()).pw_name


@dataclass(frozen=True)
class DevicePlan:
    """A device of a terminal: its driver and its port."""

    kind: str
    port: str
    poll_s: float | None = None
    """How often a reader looks for a card; `None`: as often as its driver thinks right."""

    def check(self, role: Mapping[str, Driver]) -> None:
        """Raises `BadPlan` for a driver or a kind of port there is not."""
        try:
            choose(role, self.kind)
        except DriverConfigError as error:
            raise BadPlan(str(error)) from error
        if urlsplit(self.port).scheme not in PORT_SCHEMES:
            schemes = ", ".join(PORT_SCHEMES)
            raise BadPlan(
                f"port {self.port!r}: expected one of {schemes}, such as serial:///dev/..."
            )


FIRST_USB_READER = DevicePlan("sdt", "serial:///dev/ttyUSB0?baud=115200")


def profile_of(board: str) -> Board:
    """The board profile of this name; raises `BadPlan`, for a wrong one with its line."""
    try:
        return load_board(board)
    except DriverConfigError as error:
        raise BadPlan(str(error)) from error


@dataclass(frozen=True)
class TerminalPlan:
    """A terminal to be made."""

    name: str
    point: str
    lane: int = 1
    readers: tuple[DevicePlan, ...] = (FIRST_USB_READER,)
    gnss: DevicePlan | None = None
    board: str | None = None
    """A board profile of hw/; `None` is a terminal without lights and buzzer."""
    pins: str = "lgpio"
    """Where they are, as `drivers.panel.PINS` says."""
    neighbours: str | None = None
    """The network interface where the other terminals of the point are; `None`: there are none."""
    web_port: int = 8081
    broker_port: int | None = None
    """Where this terminal finds the broker, when a tunnel lies between; `None`: the county's."""
    radio: RadioSettings | None = None
    lora_after_s: float | None = None
    """How long the network may be away before LoRa takes over; `None`: the terminal's default."""

    def check(self) -> None:
        """Raises `Malformed` for a bad name and `BadPlan` for anything else."""
        parse_name(self.name)
        if not self.readers:
            raise BadPlan("a terminal needs a reader")
        for reader in self.readers:
            reader.check(READERS)
        if self.gnss is not None:
            self.gnss.check(GNSS)
        if self.board is not None:
            profile_of(self.board)
        if self.neighbours is not None and re.fullmatch(INTERFACE, self.neighbours) is None:
            raise BadPlan(f"neighbours {self.neighbours!r}: expected an interface, such as eth0")
        if re.match(PINS, self.pins) is None:
            raise BadPlan(f"pins {self.pins!r}: expected lgpio, mock or pigpio://HOST:PORT")
        check_radio(self.radio)


def check_radio(radio: RadioSettings | None) -> None:
    """Raises `BadPlan` for a modem there is not, and for what it may not do by law."""
    if radio is None:
        return
    DevicePlan(radio.kind, radio.port).check(RADIOS)
    try:
        check_law(radio, Path())
    except DriverConfigError as error:
        raise BadPlan(str(error)) from error
