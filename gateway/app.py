"""The gateway process: the only file that builds its objects and connects them."""

import asyncio
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from gateway.bulletins import Bulletins
from gateway.county_radio import CountyRadio
from gateway.downlink import Downlink
from gateway.fleet import Fleet
from gateway.intake import Admitted, Incoming, Intake
from gateway.links.courier import CourierInbox
from gateway.links.mqtt import Arrived, MqttLink
from gateway.live import Board
from gateway.radio import UpFrame
from gateway.registry import Registry
from gateway.revocations import RevocationFile
from gateway.roster_orders import RosterOrders
from gateway.running import points_of, start_activation
from gateway.settings import GatewaySettings, load_identity
from gateway.store.base import StoreError
from gateway.store.bulletins import BulletinStore
from gateway.store.rosters import RosterStore
from gateway.store.sqlite import DATABASE, SqliteLedger
from gateway.view import BoardView
from gateway.web.site import board_app
from protocol.errors import ProtocolError
from protocol.health import unpack_heartbeat
from protocol.topics import Down
from runtime.clock import SystemClock, TimeFloor
from runtime.config import load_config
from runtime.feed import Feed
from runtime.service import run_until_stopped
from runtime.tls import client_context
from runtime.web.server import serve

log = logging.getLogger(__name__)

REFRESH_S = 0.2  # the board changes at most five times a second
IDLE_REFRESH_S = 1.0  # ages and states of terminals move on even when nobody comes
FILES_POLL_S = 1.0  # others import rosters, enrol terminals and revoke badges
STORE_RETRY_S = 1.0
MAX_BYTES_PER_COMMIT = 256 * 1024  # 2000 check-ins, 20 ms: less than a person notices
QUARANTINE_SHOWN = 5  # of the latest messages that could not be admitted
FOLD_SLICE = 250  # entries folded before the event loop gets its turn: 2 ms
FOLD_WHILE_ADMITTING = 1000  # per refresh: a backlog is stored and receipted first, then shown


class Gateway:
    """One county's gateway, from configuration to running tasks."""

    def __init__(self, config: Path) -> None:
        self._settings = settings = load_config(config, GatewaySettings)
        base = config.parent
        self._identity = load_identity(config, settings)
        data = base / settings.data
        data.mkdir(parents=True, exist_ok=True)
        self._clock = SystemClock(TimeFloor(data / "time-floor"))
        self._points = points_of(settings)
        self._rosters = RosterStore(data / DATABASE)
        self._ledger = SqliteLedger(data / DATABASE)
        self._reading = SqliteLedger(data / DATABASE)
        self._registry = Registry(base / settings.enrolments, self._identity)
        self._revocations = RevocationFile(base / settings.revocations, self._identity)
        self._orders = RosterOrders(self._rosters, self._points)
        self._intake = Intake(
            self._identity, self._ledger, self._registry.find, self._now_ms, self._orders.find
        )
        self._fleet = Fleet(self._points, time.monotonic())
        self._roster = self._rosters.load(self._points)
        activation = start_activation(self._rosters, settings, self._now_ms())
        self._said = BulletinStore(data / DATABASE)
        self._bulletins = Bulletins(self._identity, self._said, self._rosters, activation)
        self._board = Board(settings, activation, self._roster, self._fleet)
        self._folded = self._duplicates = 0
        self._told_of_quarantine = max(
            (row.number for row in self._reading.quarantine(1)), default=0
        )
        self._is_admitting = False
        self._intake_is_free = asyncio.Lock()
        identity_folder = base / settings.identity
        self._link = MqttLink(
            self._identity,
            settings.broker.host,
            settings.broker.port,
            lambda: client_context(identity_folder, self._clock),
            self,
        )
        self._radio = self._make_radio(base, data)
        self._courier = CourierInbox(data, self._admit_carried)
        self._downlink = Downlink(self._identity, self._link.send_down, activation)
        self._enrol_all()
        self._feed: Feed[BoardView] = Feed(self._view())

    async def run(self) -> None:
        """Serve until the process is asked to stop."""
        web = self._settings.web
        log.info("gateway starts", extra={"port": web.port})
        try:
            await run_until_stopped(
                [
                    self._link.run(),
                    self._courier.run(),
                    self._downlink.run(),
                    self._admit_all(),
                    self._keep_board(),
                    self._watch_files(),
                    serve(board_app(self._feed), web.host, web.port),
                    *(self._radio.works() if self._radio is not None else ()),
                ]
            )
        finally:
            for each in (self._ledger, self._reading, self._rosters, self._said, self._radio):
                if each is not None:
                    each.close()

    def link_up(self) -> None:
        """See `Listener.link_up`: a broker that lost everything gets it all again."""
        self._send_down()

    def health(self, node: str, message: bytes) -> None:
        """See `Listener.health`."""
        peer = self._registry.find(node)
        if peer is None:
            return
        try:
            heartbeat = unpack_heartbeat(message, peer.verify_key)
        except ProtocolError as error:
            log.warning("heartbeat refused: %s", error, extra={"node": node})
            return
        if heartbeat.node == node:
            self._fleet.heartbeat(heartbeat, time.monotonic())

    def state(self, node: str, state: str) -> None:
        """See `Listener.state`."""
        self._fleet.state_said(node, state)

    async def _admit_all(self) -> None:
        while True:
            messages = await self._next_messages()
            self._is_admitting = True
            try:
                admitted = await self._admit([each.incoming for each in messages])
            except StoreError as error:
                # Unacknowledged, the broker keeps them; terminals send again what is lost.
                log.error("%s", error)
                await asyncio.sleep(STORE_RETRY_S)
                for each in messages:
                    self._link.arrived.put_nowait(each)
                continue
            self._answer(messages, admitted)
            self._is_admitting = not self._link.arrived.empty()

    async def _next_messages(self) -> list[Arrived]:
        queue = self._link.arrived
        messages = [await queue.get()]
        size_bytes = len(messages[0].incoming.message)
        while size_bytes < MAX_BYTES_PER_COMMIT and not queue.empty():
            messages.append(queue.get_nowait())
            size_bytes += len(messages[-1].incoming.message)
        return messages

    async def _admit_carried(self, incoming: Sequence[Incoming]) -> Admitted:
        """What came by courier. It was carried: nobody was heard, and answers are carried back."""
        admitted = await self._admit(incoming)
        self._count(admitted)
        return admitted

    async def _admit_frames(self, frames: Sequence[UpFrame]) -> Admitted:
        """What came by radio; its receipts go out with the next schedule."""
        return await self._admit((), frames)

    async def _admit(
        self, incoming: Sequence[Incoming], frames: Sequence[UpFrame] = ()
    ) -> Admitted:
        async with self._intake_is_free:
            admitted = await asyncio.to_thread(self._intake.admit, incoming, frames)
        if self._radio is not None and not frames:
            self._radio.stored(admitted.streams)
        return admitted

    def _answer(self, messages: list[Arrived], admitted: Admitted) -> None:
        now_s = time.monotonic()
        for reply in admitted.replies:
            self._link.answer(reply)
            if reply.is_receipt:
                self._fleet.heard(reply.node, now_s)
        for each in messages:
            each.acknowledge()
        self._count(admitted)

    def _count(self, admitted: Admitted) -> None:
        self._duplicates += admitted.duplicates
        if admitted.quarantined:
            self._tell_of_quarantine(admitted.quarantined)

    def _tell_of_quarantine(self, at_most: int) -> None:
        for row in reversed(self._reading.quarantine(at_most)):
            if row.number > self._told_of_quarantine:  # one that came again keeps its number
                log.warning(
                    "message put into quarantine",
                    extra={"node": row.node, "reason": row.reason.name},
                )
                self._told_of_quarantine = row.number

    async def _keep_board(self) -> None:
        shown, shown_s = -1, 0.0
        while True:
            await self._fold_news()
            now_s = time.monotonic()
            if self._folded != shown or now_s - shown_s >= IDLE_REFRESH_S:
                self._feed.publish(self._view())
                shown, shown_s = self._folded, now_s
            await asyncio.sleep(REFRESH_S)

    async def _fold_news(self) -> None:
        folded = 0
        while entries := self._reading.entries(self._folded, FOLD_SLICE):
            self._board.take(entries)
            self._folded = entries[-1].number
            folded += len(entries)
            if self._is_admitting and folded >= FOLD_WHILE_ADMITTING:
                return
            await asyncio.sleep(0)

    async def _watch_files(self) -> None:
        while True:
            self._tell_bulletin()
            await asyncio.sleep(FILES_POLL_S)
            if self._rosters.version() != self._roster.version:
                self._roster = self._rosters.load(self._points)
                self._orders.refresh()
                self._board.restart(self._roster)
                self._folded = 0
                self._downlink.send(self._registry, self._roster)
            if self._registry.rescan():
                self._enrol_all()
                self._send_down()
            if self._revocations.rescan():
                self._send_revocations()

    def _send_down(self) -> None:
        self._send_revocations()
        self._downlink.send(self._registry, self._roster)
        if self._bulletins.message:
            self._downlink.send_to_all(self._registry, Down.BULLETIN, self._bulletins.message)

    def _send_revocations(self) -> None:
        if self._revocations.message is not None:
            self._downlink.send_to_all(self._registry, Down.REVOCATIONS, self._revocations.message)

    def _tell_bulletin(self) -> None:
        try:
            is_new = self._bulletins.refresh(self._roster, self._now_ms())
        except StoreError as error:
            log.error("%s", error)
            return
        if is_new:
            self._downlink.send_to_all(self._registry, Down.BULLETIN, self._bulletins.message)
            if self._radio is not None:
                self._radio.publish(self._bulletins.number, self._bulletins.radio_message)

    def _make_radio(self, base: Path, data: Path) -> CountyRadio | None:
        if self._settings.radio is None:
            return None
        radio = CountyRadio(
            self._settings.radio,
            base,
            data / DATABASE,
            self._identity,
            self._ledger.radio_state(),
            self._clock,
            self._admit_frames,
            self._count,
        )
        radio.stored(self._intake.streams)
        return radio

    def _enrol_all(self) -> None:
        for peer in self._registry:
            self._fleet.enrol(peer.enrolment)
            if self._radio is not None:
                self._radio.enrol(peer.enrolment)

    def _view(self) -> BoardView:
        return self._board.view(
            self._intake.streams,
            quarantined=self._reading.quarantine_count(),
            quarantine=self._reading.quarantine(QUARANTINE_SHOWN),
            duplicates=self._duplicates,
            now_ms=self._now_ms(),
            now_s=time.monotonic(),
            ended_ms=self._bulletins.ended_ms,
            radio=None if self._radio is None else self._radio.view(),
            by_radio={} if self._radio is None else self._radio.rows(),
        )

    def _now_ms(self) -> int:
        return self._clock.read().wall_ms
