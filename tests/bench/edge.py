"""The edge process of `end_to_end`: the terminal's own outbox, uplink and link, without a screen.

`python -m tests.bench.edge FOLDER DATA HOW PER_MESSAGE COUNT` sends COUNT records, waits until a
verified receipt has emptied the outbox, and prints the seconds that took. HOW is `backlog`
(sealed before the clock starts) or `live` (appended by several callers while sending).
"""

import asyncio
import sys
import threading
import time
from pathlib import Path
from random import Random

from protocol.keys import Identity, decode_identity
from runtime.backoff import Backoff
from runtime.clock import SystemClock, TimeFloor
from runtime.config import load_config
from runtime.tls import client_context
from terminal.county import County
from terminal.links.mqtt import MqttLink
from terminal.outbox import Outbox
from terminal.roster import RosterBook
from terminal.settings import TerminalSettings
from terminal.station import Station
from terminal.uplink import RESEND_FIRST_S, RESEND_LIMIT_S, Uplink
from terminal.view import LinkState
from tests.bench.county import PEOPLE
from tests.bench.records import bodies, fill_outbox

POLL_S = 0.002
CALLERS = 64  # that append at once in a `live` run


class Edge:
    """A terminal's way to the county, and its clock."""

    def __init__(self, folder: Path, data: Path, identity: Identity, per_message: int) -> None:
        settings = load_config(folder / "terminal.toml", TerminalSettings)
        clock = SystemClock(TimeFloor(data / "time-floor"))
        self.outbox = Outbox(data / "outbox.db", identity.county, identity.node, identity.peers)
        self.uplink = Uplink(
            self.outbox,
            identity.signing_key,
            Backoff(RESEND_FIRST_S, RESEND_LIMIT_S, Random()),
            clock.monotonic_s,
            records_per_envelope=per_message,
        )
        station = Station(settings.point, settings.lane, identity.county_key)
        self.county = County(
            identity, RosterBook(data, identity), station, self.uplink, clock, lambda: None
        )
        self.link = MqttLink(
            identity,
            settings.broker,
            tls=lambda: client_context(folder / "identity", clock),
            listener=self.county,
        )

    async def until_up(self) -> None:
        """Wait for the broker."""
        while self.county.link is not LinkState.UP:
            await asyncio.sleep(POLL_S)

    async def until_settled(self, captured: int) -> None:
        """Wait until `captured` records were appended and all are receipted."""
        while self.outbox.depth.captured < captured or self.outbox.depth.waiting:
            await asyncio.sleep(POLL_S)


async def measure(folder: Path, data: Path, how: str, per_message: int, count: int) -> float:
    """See the module."""
    data.mkdir()
    identity = decode_identity((folder / "identity" / "node.identity").read_bytes())
    settings = load_config(folder / "terminal.toml", TerminalSettings)
    records = bodies(count, PEOPLE, settings.point)
    if how == "backlog":
        fill_outbox(data / "outbox.db", identity, records)
    edge = Edge(folder, data, identity, per_message)
    link = asyncio.create_task(edge.link.run())
    await edge.until_up()
    start_s = time.perf_counter()
    uplink = asyncio.create_task(edge.uplink.run(edge.link.send_envelope))
    if how == "live":
        _append_from_threads(edge, records)
    await edge.until_settled(count)
    took_s = time.perf_counter() - start_s
    for task in (uplink, link):
        task.cancel()
    await asyncio.gather(uplink, link, return_exceptions=True)
    edge.outbox.close()
    return took_s


def _append_from_threads(edge: Edge, records: list[bytes]) -> None:
    loop = asyncio.get_running_loop()

    def caller(share: list[bytes]) -> None:
        for body in share:
            edge.outbox.append(body, 1)
            loop.call_soon_threadsafe(edge.uplink.appended)

    for number in range(CALLERS):
        threading.Thread(target=caller, args=(records[number::CALLERS],), daemon=True).start()


if __name__ == "__main__":
    arguments = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    print(asyncio.run(measure(*arguments)))  # noqa: T201
