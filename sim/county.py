"""A whole county on this machine: broker, gateway and terminals as processes, devices on ptys.

Every terminal reaches the broker through a `LinkProxy`, so that its link can be cut. What the demo
and the system tests do to a county, they do through this.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from drivers.radios.site import RadioSettings
from gateway.cli import take_roster
from gateway.store.sqlite import DATABASE
from provisioning.broker import MOSQUITTO_CONF
from provisioning.bundle import create_county, create_terminal
from provisioning.layout import GATEWAY_TOML, TERMINAL_TOML, CountyFolder
from provisioning.plans import CountyPlan, DevicePlan, Point, TerminalPlan
from sim.county_air import CountyAir
from sim.devices.burst import play
from sim.devices.gnss import SimGnss
from sim.devices.gnss_replay import replay
from sim.devices.idreader import SimIdReader
from sim.devices.line import DeviceLine, PacedLine
from sim.expose import ExposedPty
from sim.faults import Fault, FaultyLine, clean
from sim.http_events import get_json
from sim.people import SimPerson, write_roster_csv
from sim.ports import free_port
from sim.processes import MUSTER, Process, mosquitto
from sim.wire import LinkProxy
from sim.witness import Witness

UP_LIMIT_S = 30.0
POLL_S = 0.05
READER_BAUD = 115200
GATEWAY = "gateway"  # the node's name
LOOPBACK = "lo"  # the network interface every Linux has
DATA = "data"  # in every node's folder
HILLS = (30.05, 103.5)  # a made-up county; its points lie a few kilometres apart
POINT_STEP_DEG = 0.04
TARGET_MINUTES = 2  # the squeezed time of a demo
LORA_AFTER_S = 3.0  # likewise: how long the network has to be away
TOWNS = (
    Point("qingshan", "青山镇", "Qingshan"),
    Point("shiqiao", "石桥镇", "Shiqiao"),
    Point("liuhe", "柳河乡", "Liuhe"),
    Point("dongling", "东岭镇", "Dongling"),
    Point("baisha", "白沙乡", "Baisha"),
    Point("longquan", "龙泉镇", "Longquan"),
    Point("nanshan", "南山乡", "Nanshan"),
    Point("xihu", "西湖镇", "Xihu"),
)


def towns(count: int) -> tuple[Point, ...]:
    """Assembly points with names, at least one."""
    more = (Point(f"point-{n}", f"第{n}集结点", f"Point {n}") for n in range(len(TOWNS) + 1, 100))
    return (*TOWNS, *more)[:count]


@dataclass(frozen=True, slots=True)
class Setting:
    """What kind of county to make."""

    folder: Path
    """A new folder, on a real disk."""
    points: Sequence[Point]
    people: Sequence[SimPerson]
    web_port: int
    poll_s: float
    """How often the card readers look for a card."""
    is_paced: bool
    """Whether device lines are as slow as real ones."""
    recordings: Sequence[Path] = ()
    """Recordings of real receivers to play, one per terminal in turn; none: made-up fixes."""
    lanes: int = 1
    """Terminals of each point; more than one agree on this machine's loopback network."""
    has_gnss: bool = True
    """Whether the terminals have a satellite receiver."""
    radio_seed: int | None = None
    """Gives everybody a LoRa modem on an air with this seed; None: the county has no radio."""
    reader_fault: Fault = clean
    """What happens to what the card readers say."""
    data: Mapping[str, Path] = field(default_factory=dict)
    """By node: an existing folder for its data, on another disk than `folder`."""
    programs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By node: what is started in place of `muster`, with the same arguments."""


@dataclass(slots=True)
class Post:
    """One assembly point: its terminal, its devices, its link, and who looks at its screen."""

    node: str
    point: Point
    process: Process
    folder: Path
    """The terminal's own."""
    reader: SimIdReader
    reader_cable: ExposedPty
    link: LinkProxy
    witness: Witness
    web_port: int


class County:
    """`async with County(setting) as county:` - up on entry, gone on exit."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.paths = CountyFolder(setting.folder)
        self.gateway_config = self.paths.gateway / GATEWAY_TOML
        self.air: CountyAir | None = None
        self.posts: dict[str, Post] = {}
        """By name of the point; those of its lanes 2 and up by their node."""
        logs = setting.folder.parent / f"{setting.folder.name}-logs"
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._stack = AsyncExitStack()
        self.broker_port = free_port()
        self.broker = Process(
            "mosquitto",
            mosquitto(self.paths.broker / MOSQUITTO_CONF),
            logs / "mosquitto.log",
        )
        self.gateway = Process(
            GATEWAY,
            self._program(GATEWAY, "gateway", self.gateway_config),
            logs / f"{GATEWAY}.log",
        )

    async def __aenter__(self) -> Self:
        try:
            self._devices.mkdir(parents=True, exist_ok=True)
            if self.setting.radio_seed is not None:
                air = CountyAir(self._devices, self.setting.radio_seed)
                self.air = await self._stack.enter_async_context(air)
            self._provision(await self._modem(GATEWAY))
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    @property
    def ledger(self) -> Path:
        """The gateway's database."""
        return self.paths.gateway / DATA / DATABASE

    async def board(self) -> dict[str, Any]:
        """The county's board as JSON. Raises `OSError` while the gateway is away."""
        board: dict[str, Any] = await get_json(self.setting.web_port, "/api/v1/board")
        return board

    def check(self) -> None:
        """Raise `ProcessDied` if a process ended that nobody killed."""
        for process in (self.broker, self.gateway, *(post.process for post in self.posts.values())):
            process.check()

    async def until_ready(self) -> None:
        """Wait until the board answers and every terminal has its roster and reader."""
        async with asyncio.timeout(UP_LIMIT_S):
            while True:
                self.check()
                try:
                    await self.board()
                except OSError:
                    await asyncio.sleep(POLL_S)
                else:
                    break
        for post in self.posts.values():
            await post.witness.until_ready()

    @property
    def _devices(self) -> Path:
        """Beside the county's folder, which does not exist before it is made."""
        return self.setting.folder.parent / f"{self.setting.folder.name}-devices"

    async def _modem(self, node: str) -> RadioSettings | None:
        return None if self.air is None else await self.air.modem(node)

    def _provision(self, radio: RadioSettings | None) -> None:
        setting, now = self.setting, datetime.now(UTC)
        plan = CountyPlan(
            points=setting.points,
            gateway=GATEWAY,
            broker_port=self.broker_port,
            web_port=setting.web_port,
            mode="drill",
            target_minutes=TARGET_MINUTES,
            radio=radio,
        )
        create_county(setting.folder, plan, now)
        self._place_data(GATEWAY, self.paths.gateway)
        roster = setting.folder / "roster.csv"
        write_roster_csv(roster, setting.people)
        _, result = take_roster(self.gateway_config, roster.read_bytes())
        if result.bad:
            raise ValueError(f"the invented roster has a bad row: {result.bad[0].problem}")

    async def _start(self) -> None:
        for process in (self.broker, self.gateway):
            self._stack.push_async_callback(process.stop)
            await process.start()
        for number, point in enumerate(self.setting.points):
            for lane in range(1, self.setting.lanes + 1):
                await self._start_post(number, point, lane)

    async def _start_post(self, number: int, point: Point, lane: int) -> None:
        node, web_port = f"{point.name}-{lane}", free_port()
        devices = self._devices
        link = await self._stack.enter_async_context(LinkProxy(self.broker_port))
        reader_pty = await self._stack.enter_async_context(ExposedPty(devices / f"{node}-reader"))
        gnss_pty = ExposedPty(devices / f"{node}-gnss")
        folder = create_terminal(
            self.setting.folder,
            TerminalPlan(
                node,
                point.name,
                lane=lane,
                neighbours=LOOPBACK if self.setting.lanes > 1 else None,
                readers=(DevicePlan("sdt", reader_pty.url, self.setting.poll_s),),
                gnss=DevicePlan("nmea", gnss_pty.url) if self.setting.has_gnss else None,
                board="pi-4b",
                pins="mock",
                broker_port=link.port,
                web_port=web_port,
                radio=await self._modem(node),
                lora_after_s=LORA_AFTER_S,
            ),
            datetime.now(UTC),
        )
        self._place_data(node, folder)
        line: DeviceLine = reader_pty
        if self.setting.is_paced:
            line = PacedLine(line, READER_BAUD)
        reader = SimIdReader(FaultyLine(line, self.setting.reader_fault, seed=number))
        process = Process(
            node,
            self._program(node, "terminal", folder / TERMINAL_TOML),
            self._logs / f"{node}.log",
        )
        witness = Witness(node, web_port)
        works = [reader.run(), witness.run()]
        if self.setting.has_gnss:
            await self._stack.enter_async_context(gnss_pty)
            works.append(self._play_gnss(number, gnss_pty))
        for work in works:
            task = asyncio.create_task(work)
            self._stack.push_async_callback(_cancelled, task)
        self.posts[point.name if lane == 1 else node] = Post(
            node, point, process, folder, reader, reader_pty, link, witness, web_port
        )
        self._stack.push_async_callback(process.stop)
        await process.start()

    def _program(self, node: str, role: str, config: Path) -> list[str]:
        program = self.setting.programs.get(node, MUSTER)
        return [*program, role, "run", "--config", str(config)]

    def _place_data(self, node: str, folder: Path) -> None:
        elsewhere = self.setting.data.get(node)
        if elsewhere is not None:
            (folder / DATA).symlink_to(elsewhere, target_is_directory=True)

    async def _play_gnss(self, number: int, line: DeviceLine) -> None:
        recordings = self.setting.recordings
        if recordings:
            await play(replay(recordings[number % len(recordings)], loop=True), line)
            return
        device = SimGnss(
            latitude_deg=HILLS[0] + number * POINT_STEP_DEG,
            longitude_deg=HILLS[1],
            start=datetime.now(UTC),
            seed=number,
        )
        await play(device.bursts(), line)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
