"""One connection to a real mosquitto: sessions, acknowledgements, cuts, refusals, farewells."""

import asyncio
import contextlib
import shutil
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from protocol.topics import Down, Up, all_down, all_up, down, up
from provisioning.bundle import create_county, create_terminal
from provisioning.layout import IDENTITY, CountyFolder
from provisioning.plans import CountyPlan, TerminalPlan
from runtime.backoff import Backoff
from runtime.clock import SystemClock, TimeFloor
from runtime.mqtt import MqttConnection, MqttOptions, Will
from runtime.tls import client_context
from sim.ports import free_port
from tests.broker_process import BrokerProcess

pytestmark = pytest.mark.daemon

COUNTY, GATEWAY, TERMINAL = "demo", "gateway", "t1"
RECORDS = up(COUNTY, TERMINAL, Up.RECORDS)
STATE = up(COUNTY, TERMINAL, Up.STATE)
LIMIT_S = 15.0
RETRY_S = 0.05


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> CountyFolder:
    folder = tmp_path_factory.mktemp("mqtt") / "county"
    now = datetime.now(UTC)
    create_county(folder, CountyPlan(broker_port=free_port()), now)
    create_terminal(folder, TerminalPlan(TERMINAL, "town-hall"), now)
    return CountyFolder(folder)


@pytest.fixture
def broker(county: CountyFolder) -> Iterator[BrokerProcess]:
    with BrokerProcess(county.broker / "mosquitto.conf") as process:
        yield process


class Heard:
    """A handler that notes everything; a message is acknowledged when the test says so."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []
        self.pending: list[Callable[[], None]] = []
        self._changed = asyncio.Event()

    def connected(self, receive_maximum: int) -> None:
        self._note("connected", receive_maximum)

    def disconnected(self, reason: str, *, refused: bool) -> None:
        self._note("disconnected", refused, reason)

    def message(self, topic: str, payload: bytes, acknowledge: Callable[[], None]) -> None:
        self.pending.append(acknowledge)
        self._note("message", topic, payload)

    def published(self, mid: int, *, refused: bool) -> None:
        self._note("published", mid, refused)

    def _note(self, *event: Any) -> None:
        self.events.append(event)
        self._changed.set()

    def all(self, kind: str) -> list[tuple[Any, ...]]:
        return [event[1:] for event in self.events if event[0] == kind]

    async def until(self, kind: str, times: int = 1) -> list[tuple[Any, ...]]:
        """Wait for the `times`th event of a kind; all of them."""
        async with asyncio.timeout(LIMIT_S):
            while len(self.all(kind)) < times:
                self._changed.clear()
                await self._changed.wait()
        return self.all(kind)


class Client:
    """A connection at work, and what it heard."""

    def __init__(self, connection: MqttConnection, heard: Heard) -> None:
        self.connection, self.heard = connection, heard
        self.publish = connection.publish
        self.task = asyncio.create_task(connection.run())

    async def stop(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task


@contextlib.asynccontextmanager
async def client(
    county: CountyFolder, node: str, *, port: int | None = None, **changes: Any
) -> AsyncIterator[Client]:
    folder = county.gateway if node == GATEWAY else county.terminal(TERMINAL)
    options: dict[str, Any] = {
        "client_id": node,
        "host": "127.0.0.1",
        "port": port or broker_port(county),
        "tls": partial(context, folder / IDENTITY),
        **changes,
    }
    heard = Heard()
    made = Client(
        MqttConnection(MqttOptions(**options), heard, Backoff(RETRY_S, 2 * RETRY_S, Random(1))),
        heard,
    )
    try:
        yield made
    finally:
        await made.stop()


def context(identity: Path) -> ssl.SSLContext:
    return client_context(identity, SystemClock(TimeFloor(identity / "time-floor")))


def broker_port(county: CountyFolder) -> int:
    return BrokerProcess(county.broker / "mosquitto.conf").port


GATEWAY_WISHES: dict[str, Any] = {
    "subscriptions": (all_up(COUNTY),),
    "manual_ack": True,
    "session_expiry_s": 60,
    "receive_maximum": 100,
}


LINGER_S = 5.0


def go(main: Coroutine[Any, Any, None]) -> None:
    """Run, and hold that no thread outlives it for long: nobody joins one that connects."""
    before = set(threading.enumerate())
    asyncio.run(main)
    for thread in set(threading.enumerate()) - before:
        thread.join(LINGER_S)
        assert not thread.is_alive()


def test_a_message_arrives_and_is_confirmed(county: CountyFolder, broker: BrokerProcess) -> None:
    async def main() -> None:
        async with client(county, GATEWAY, **GATEWAY_WISHES) as gateway:
            await gateway.heard.until("connected")
            async with client(county, TERMINAL) as terminal:
                ((granted,),) = await terminal.heard.until("connected")
                assert granted == 20  # max_inflight_messages of our broker's configuration
                mid = terminal.publish(RECORDS, b"one")
                assert await terminal.heard.until("published") == [(mid, False)]
            assert await gateway.heard.until("message") == [(RECORDS, b"one")]

    go(main())
    assert broker.log


@pytest.mark.usefixtures("broker")
def test_what_was_not_acknowledged_comes_again_and_what_was_does_not(
    county: CountyFolder,
) -> None:
    async def main() -> None:
        async with client(county, GATEWAY, **GATEWAY_WISHES) as gateway:
            await gateway.heard.until("connected")
            async with client(county, TERMINAL) as terminal:
                await terminal.heard.until("connected")
                for payload in (b"kept", b"dropped"):
                    terminal.publish(RECORDS, payload)
                await gateway.heard.until("message", 2)
                gateway.heard.pending[0]()
                late = gateway.heard.pending[1]
                await asyncio.sleep(0)
            async with client(county, TERMINAL) as terminal:  # a round trip: the ack is through
                await terminal.heard.until("connected")
        late()  # too late: its connection is gone, and so must nothing happen
        async with client(county, GATEWAY, **GATEWAY_WISHES) as again:
            assert await again.heard.until("message") == [(RECORDS, b"dropped")]
            again.heard.pending[0]()
            await asyncio.sleep(0)

    go(main())


def test_a_broker_that_dies_is_found_again_when_it_is_back(
    county: CountyFolder, broker: BrokerProcess
) -> None:
    async def main() -> None:
        async with client(county, TERMINAL) as terminal:
            await terminal.heard.until("connected")
            await asyncio.to_thread(broker.kill)
            assert (await terminal.heard.until("disconnected"))[0][0] is False
            assert not terminal.connection.is_up
            with pytest.raises(ConnectionError):
                terminal.publish(RECORDS, b"x")
            await terminal.heard.until("disconnected", 4)
            assert not any(refused for refused, _ in terminal.heard.all("disconnected"))
            await asyncio.to_thread(broker.start)
            await terminal.heard.until("connected", 2)
            assert terminal.connection.is_up
            terminal.publish(RECORDS, b"x")
            await terminal.heard.until("published")

    go(main())


@pytest.mark.usefixtures("broker")
def test_a_certificate_of_another_county_is_refused(county: CountyFolder, tmp_path: Path) -> None:
    create_county(tmp_path / "other", CountyPlan(), datetime.now(UTC))
    other = CountyFolder(tmp_path / "other").gateway / IDENTITY

    impostor = tmp_path / "impostor"  # trusts our broker, which does not trust it
    shutil.copytree(other, impostor)
    shutil.copy(county.gateway / IDENTITY / "ca.pem", impostor)

    async def main() -> None:
        for identity in (impostor, other):  # refused there, refused here
            tls = partial(context, identity)
            async with client(county, GATEWAY, tls=tls) as refused:
                found = await refused.heard.until("disconnected", 2)
                assert all(was_refused for was_refused, _ in found)
                assert not refused.heard.all("connected")

    go(main())


@pytest.mark.usefixtures("broker")
def test_a_publish_outside_ones_topics_is_reported(county: CountyFolder) -> None:
    async def main() -> None:
        async with client(county, TERMINAL) as terminal:
            await terminal.heard.until("connected")
            mid = terminal.publish(up(COUNTY, "t2", Up.RECORDS), b"x")
            assert await terminal.heard.until("published") == [(mid, True)]

    go(main())


@pytest.mark.usefixtures("broker")
@pytest.mark.parametrize(("is_planned", "said"), [(True, b"offline"), (False, b"lost")])
def test_a_farewell_when_it_goes_and_a_will_when_it_vanishes(
    county: CountyFolder, is_planned: bool, said: bytes
) -> None:
    async def main() -> None:
        will = Will(STATE, b"lost", delay_s=0)
        async with client(county, GATEWAY, **GATEWAY_WISHES) as gateway:
            await gateway.heard.until("connected")
            async with client(county, TERMINAL, will=will, farewell=b"offline") as terminal:
                await terminal.heard.until("connected")
                if not is_planned:
                    attempt = terminal.connection._client
                    assert attempt is not None
                    held = attempt.socket()
                    assert held is not None
                    cast("ssl.SSLSocket", held).shutdown(socket.SHUT_RDWR)
                    await gateway.heard.until("message")
            assert (await gateway.heard.until("message"))[0] == (STATE, said)

    go(main())


@pytest.mark.usefixtures("broker")
@pytest.mark.parametrize("size_bytes", [20_000, 200_000])
def test_long_messages_come_whole_over_tls(county: CountyFolder, size_bytes: int) -> None:
    """More than one TLS record: bytes that are decrypted already never wake the selector."""
    payloads = [bytes([number]) * size_bytes for number in range(10)]
    topics = [down(COUNTY, TERMINAL, Down.ROSTER, part) for part in range(10)]

    async def main() -> None:
        async with client(county, GATEWAY) as gateway:
            await gateway.heard.until("connected")
            for topic, payload in zip(topics, payloads, strict=True):
                gateway.publish(topic, payload, retain=True)
            await gateway.heard.until("published", 10)
            wishes: dict[str, Any] = {"subscriptions": (all_down(COUNTY, TERMINAL),)}
            async with client(county, TERMINAL, **wishes) as terminal:
                found = dict(await terminal.heard.until("message", 10))
            assert found == dict(zip(topics, payloads, strict=True))
            for topic in topics:
                gateway.publish(topic, b"", retain=True)
            await gateway.heard.until("published", 20)

    go(main())


def test_nobody_there_is_a_disconnection_and_no_refusal(county: CountyFolder) -> None:
    async def main() -> None:
        async with client(county, TERMINAL, port=free_port()) as lonely:
            found = await lonely.heard.until("disconnected", 3)
            assert not any(refused for refused, _ in found)

    go(main())


@pytest.mark.usefixtures("broker")
def test_a_connection_that_comes_too_late_is_closed(county: CountyFolder) -> None:
    """Cancelled while a thread is in the handshake, which nothing can interrupt."""
    entered, release = threading.Event(), threading.Event()
    made: list[ssl.SSLSocket] = []

    def slow() -> ssl.SSLContext:
        usual = context(county.terminal(TERMINAL) / IDENTITY)
        wrap = usual.wrap_socket

        def wrap_late(*args: Any, **options: Any) -> ssl.SSLSocket:
            entered.set()
            assert release.wait(LIMIT_S)
            made.append(wrap(*args, **options))
            return made[0]

        usual.wrap_socket = wrap_late  # type: ignore[method-assign]
        return usual

    async def main() -> None:
        async with client(county, TERMINAL, tls=slow):
            assert await asyncio.to_thread(entered.wait, LIMIT_S)
        release.set()

    go(main())
    assert made[0].fileno() == -1


@pytest.mark.usefixtures("broker")
def test_nothing_is_left_behind(county: CountyFolder) -> None:
    """No task, no watched socket, no timer, whenever it is cancelled."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for wait_s in (0.0, 0.001, 0.01, None):
            async with client(county, TERMINAL) as terminal:
                if wait_s is None:
                    await terminal.heard.until("connected")
                else:
                    await asyncio.sleep(wait_s)
            assert asyncio.all_tasks() == {asyncio.current_task()}
            await loop.shutdown_default_executor()
            loop._default_executor = None  # type: ignore[attr-defined]
            loop._executor_shutdown_called = False  # type: ignore[attr-defined]
            watched = loop._selector.get_map()  # type: ignore[attr-defined]
            assert len(watched) == 1  # the loop's own pipe
            assert not [timer for timer in loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]

    go(main())
