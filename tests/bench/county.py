"""A provisioned county for the benchmarks: broker and gateway as real processes, TLS as shipped."""

import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from gateway.cli import take_roster
from provisioning.broker import MOSQUITTO_CONF
from provisioning.bundle import create_county, create_terminal
from provisioning.layout import GATEWAY_TOML, CountyFolder
from provisioning.plans import CountyPlan, DevicePlan, Point, TerminalPlan
from sim.people import SimPerson, make_people, write_roster_csv
from sim.ports import free_port
from tests.broker_process import BrokerProcess

PEOPLE = 2000  # a township's muster several times over
POINT = Point("qingshan", "青山镇", "Qingshan")
TERMINAL = "qingshan-1"
READY_LIMIT_S = 30.0
STOP_LIMIT_S = 10.0
POLL_S = 0.02


class BenchCounty:
    """One county in `folder`, with one terminal of which only the folder exists."""

    def __init__(self, folder: Path) -> None:
        self.paths = CountyFolder(folder / "county")
        self.web_port = free_port()
        self.people: list[SimPerson] = make_people(1, PEOPLE, [POINT.name])
        now = datetime.now(UTC)
        plan = CountyPlan(points=(POINT,), broker_port=free_port(), web_port=self.web_port)
        create_county(self.paths.folder, plan, now)
        self.gateway_config = self.paths.gateway / GATEWAY_TOML
        roster = folder / "roster.csv"
        write_roster_csv(roster, self.people)
        take_roster(self.gateway_config, roster.read_bytes())

    def add_terminal(self, reader_port: str, web_port: int, reader_poll_s: float = 0.5) -> Path:
        """Provision the terminal; returns its folder."""
        plan = TerminalPlan(
            TERMINAL,
            POINT.name,
            readers=(DevicePlan("sdt", reader_port, reader_poll_s),),
            web_port=web_port,
        )
        return create_terminal(self.paths.folder, plan, datetime.now(UTC))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Broker and gateway are up inside the block."""
        command = muster("gateway", "run", "--config", str(self.gateway_config))
        with (
            BrokerProcess(self.paths.broker / MOSQUITTO_CONF),
            process(command, self.paths.folder / "gateway.log"),
        ):
            wait_for_page(self.web_port, "/healthz")
            yield

    def folded(self) -> int:
        """How many records the county's board has taken into account."""
        return msgspec.json.decode(fetch(self.web_port, "/api/v1/board"), type=_Board).stored


class _Board(msgspec.Struct):
    stored: int


def muster(*arguments: str) -> list[str]:
    """The command line of one of our programs."""
    return [sys.executable, "-m", "muster", *arguments]


@contextmanager
def process(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs inside the block and is asked to stop at its end."""
    with log.open("ab") as words:
        running = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=words, stderr=words, start_new_session=False
        )
    try:
        yield running
    finally:
        running.send_signal(signal.SIGTERM)
        try:
            running.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def fetch(port: int, path: str) -> bytes:
    """One page from loopback. Raises `OSError` while nobody answers."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=STOP_LIMIT_S) as answer:
        body: bytes = answer.read()
    return body


def wait_for_page(port: int, path: str, poll_s: float = POLL_S) -> None:
    """Return when a page answers. Raises `TimeoutError`."""
    deadline_s = time.monotonic() + READY_LIMIT_S
    while time.monotonic() < deadline_s:
        try:
            fetch(port, path)
        except OSError:
            time.sleep(poll_s)
        else:
            return
    raise TimeoutError(f"nothing answered on port {port}")
