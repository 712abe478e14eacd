"""The edge process of `end_to_end`: the terminal's own outbox, uplink and link, without a screen.

`python -m tests.bench.edge FOLDER DATA HOW PER_MESSAGE COUNT` sends COUNT records, waits until a
verified receipt has emptied the outbox, and prints the seconds that took. HOW is `backlog`
(sealed before the clock starts) or `live` (appended by several callers while sending).
"""

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from protocol.keys import Identity, decode_identity
from runtime.backoff import Backoff
from runtime.clock import SystemClock, TimeFloor
from runtime.config import load_config
from runtime.tls import client_context
from terminal.bulletins import BulletinBook
from terminal.county import County
from terminal.credentials import Credentials
from terminal.links.mqtt import MqttLink
from terminal.outbox import Outbox
from terminal.revocations import RevocationBook
from terminal.roster import RosterBook
from terminal.settings import TerminalSettings
from terminal.station import Station
from terminal.uplink import RESEND_FIRST_S, RESEND_LIMIT_S, Uplink
from terminal.view import LinkState
from tests.bench.county import PEOPLE, POINT
from tests.bench.records import bodies, fill_outbox

OUTBOX = "outbox.db"
POLL_S = 0.002
CALLERS = 64  # that append at once in a `live` run


class Edge:
    """A terminal's way to the county, and its clock."""

    def __init__(self, folder: Path, data: Path, identity: Identity, per_message: int) -> None:
        settings = load_config(folder / "terminal.toml", TerminalSettings)
        clock = SystemClock(TimeFloor(data / "time-floor"))
        self.outbox = Outbox(data / OUTBOX, identity.county, identity.node, identity.peers)
        self.uplink = Uplink(
            self.outbox,
            identity.signing_key,
            Backoff(RESEND_FIRST_S, RESEND_LIMIT_S, Random()),
            clock.monotonic_s,
            records_per_envelope=per_message,
        )
        credentials = Credentials(identity.county_key, identity.badge_issuers)
        self.county = County(
            identity,
            RosterBook(data, identity),
            BulletinBook(data, identity),
            RevocationBook(data, identity),
            Station(settings.point, settings.lane, credentials),
            self.uplink,
            clock,
            lambda: None,
        )
        self.link = MqttLink(
            identity,
            settings.broker,
            tls=lambda: client_context(folder / "identity", clock),
            listener=self.county,
        )

    async def until_up(self) -> None:
        """Wait for the broker."""
        await _until(lambda: self.county.link is LinkState.UP)

    async def until_settled(self, captured: int) -> None:
        """Wait until `captured` records were appended and all are receipted."""
        await _until(lambda: self._is_settled(captured))

    def _is_settled(self, captured: int) -> bool:
        depth = self.outbox.depth
        return depth.captured >= captured and not depth.waiting


async def measure(edge: Edge, appending: list[bytes], count: int) -> float:
    """Seconds until `count` records are receipted, of which `appending` are not made yet."""
    link = asyncio.create_task(edge.link.run())
    await edge.until_up()
    start_s = time.perf_counter()
    uplink = asyncio.create_task(edge.uplink.run(edge.link.send_envelope))
    if appending:
        _append_from_threads(edge, appending)
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


async def _until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110  # the outbox has no event, and must not get one for this
        await asyncio.sleep(POLL_S)


async def _run(folder: Path, data: Path, how: str, per_message: int, count: int) -> float:
    identity = decode_identity((folder / "identity" / "node.identity").read_bytes())
    records = bodies(count, PEOPLE, POINT.name)
    data.mkdir()  # noqa: ASYNC240  # nothing runs yet
    if how == "backlog":
        fill_outbox(data / OUTBOX, identity, records)
    edge = Edge(folder, data, identity, per_message)
    return await measure(edge, records if how == "live" else [], count)


def main(folder: str, data: str, how: str, per_message: str, count: str) -> None:
    """See the module."""
    print(asyncio.run(_run(Path(folder), Path(data), how, int(per_message), int(count))))


if __name__ == "__main__":
    main(*sys.argv[1:])
