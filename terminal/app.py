"""The terminal process: the only file that builds its objects and connects them."""

import asyncio
import logging
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from drivers.panel.board import Button
from drivers.power.board import BoardHealth
from drivers.power.ladder import Step
from drivers.readers.base import CodeRead, ReaderEvent
from protocol.health import HEARTBEAT_INTERVAL_S
from protocol.keys import Identity
from protocol.radio_up import Status as RadioStatus
from runtime.backoff import Backoff
from runtime.clock import SystemClock, TimeFloor
from runtime.config import load_config
from runtime.feed import Feed
from runtime.service import run_until_stopped
from runtime.tls import client_context
from runtime.web.server import serve
from terminal.attached import Attached
from terminal.bulletins import BulletinBook
from terminal.county import County
from terminal.credentials import Credentials
from terminal.equipment import Equipment
from terminal.frame_counters import keep_filled
from terminal.lane import Lane
from terminal.links.courier import CourierInbox
from terminal.links.lan import Lan
from terminal.links.lora_counters import Counters
from terminal.links.mqtt import MqttLink
from terminal.neighbours import Neighbours
from terminal.outbox import OUTBOX, Outbox
from terminal.position import Position
from terminal.power import PowerWatch, gauge_of
from terminal.radio import TerminalRadio
from terminal.revocations import RevocationBook
from terminal.roster import RosterBook
from terminal.seen import SeenBook
from terminal.settings import PanelSettings, TerminalSettings, load_identity
from terminal.station import Station
from terminal.status import Status
from terminal.uplink import RESEND_FIRST_S, RESEND_LIMIT_S, Uplink
from terminal.view import StationView
from terminal.web.site import station_app

if TYPE_CHECKING:
    from terminal.panel import Panel

log = logging.getLogger(__name__)

REFRESH_S = 1.0  # ages and custody numbers tick; a verdict is shown at once


class Terminal:
    """One assembly point's terminal, from configuration to running tasks."""

    def __init__(self, config: Path) -> None:
        self._settings = settings = load_config(config, TerminalSettings)
        self._folder = config.parent
        keys, data = config.parent / settings.identity, config.parent / settings.data
        data.mkdir(parents=True, exist_ok=True)
        identity = load_identity(config, settings)
        self._undo_asked, self._battery_is_empty = asyncio.Event(), asyncio.Event()
        self._clock = clock = SystemClock(TimeFloor(data / "time-floor"))
        self._position = Position(clock, settings.gnss)
        self._outbox = Outbox(data / OUTBOX, identity.county, identity.node, identity.peers)
        credentials = Credentials(identity.county_key, identity.badge_issuers)
        station = Station(settings.point, settings.lane, credentials)
        seen_book = SeenBook(identity)
        station.remember(seen_book.read(self._outbox.marks()))
        self._panel = self._make_panel(settings.panel)
        self._counters = Counters()
        self._neighbours = self._make_neighbours(station, identity)
        self._lan = self._make_lan()
        self._lane = Lane(
            station,
            self._outbox,
            seen_book,
            clock,
            self._panel,
            self._publish,
            self._neighbours,
        )
        self._uplink = Uplink(
            self._outbox,
            identity.signing_key,
            Backoff(RESEND_FIRST_S, RESEND_LIMIT_S, Random()),
            clock.monotonic_s,
        )
        rosters, revocations = RosterBook(data, identity), RevocationBook(data, identity)
        county = County(
            identity,
            rosters,
            BulletinBook(data, identity),
            revocations,
            station,
            self._uplink,
            clock,
            self._publish,
        )
        self._link = MqttLink(
            identity,
            settings.broker,
            tls=lambda: client_context(keys, clock),
            listener=county,
        )
        self._radio = self._make_radio(data, identity, county, station)
        self._courier = CourierInbox(data, county)
        self._readers = [
            Attached(reader.kind, self._publish, number=number)
            for number, reader in enumerate(settings.readers, start=1)
        ]
        self._gnss = Attached(
            "satellite receiver", self._publish, is_fitted=settings.gnss is not None
        )
        self._power = PowerWatch(
            gauge_of(settings.power, self._panel.board.gauge if self._panel else None),
            BoardHealth(data),
            changed=self._publish,
            on_step=self._on_power,
        )
        equipment = Equipment(
            settings,
            self._readers,
            self._gnss,
            self._position,
            self._power,
            self._panel,
            self._radio.modem if self._radio is not None else None,
        )
        self._status = Status(
            settings,
            identity,
            clock=clock,
            outbox=self._outbox,
            station=station,
            lane=self._lane,
            county=county,
            equipment=equipment,
            neighbours=self._neighbours,
            radio=self._radio,
        )
        self._feed: Feed[StationView] = Feed(self._status.view())

    async def run(self) -> None:
        """Serve until the process is asked to stop."""
        settings, web = self._settings, self._settings.web
        work = [
            *(
                attached.read_cards(reader, self._present)
                for attached, reader in zip(self._readers, settings.readers, strict=True)
            ),
            self._link.run(),
            self._courier.run(),
            self._uplink.run(self._link.send_envelope),
            self._send_heartbeats(),
            self._refresh(),
            self._power.run(),
            self._undo_when_asked(),
            self._switch_off_when_empty(),
            serve(station_app(self._feed), web.host, web.port),
        ]
        if settings.gnss is not None:
            work.append(
                self._gnss.read_fixes(settings.gnss, self._position.take, self._clock.monotonic_s)
            )
        if self._panel is not None:
            work.append(self._panel.run())
        if self._radio is not None:
            work += self._radio.works()
        if self._neighbours is not None or self._radio is not None:
            work.append(keep_filled(self._counters, self._outbox.reserve_counters))
        if self._lan is not None:
            work.append(self._lan.run())
        log.info("terminal starts", extra={"port": web.port})
        try:
            await run_until_stopped(work, is_well=lambda: not self._lane.is_stuck())
        finally:
            self._outbox.close()
            if self._radio is not None:
                self._radio.close()
            self._lane.close()
            self._position.close()

    async def _present(self, event: ReaderEvent) -> None:
        if isinstance(event, CodeRead) and self._courier.take_code(event.text):
            return
        if await self._lane.present(event):
            self._appended()

    def _appended(self) -> None:
        self._uplink.appended()
        if self._lan is not None:
            self._lan.news()
        if self._radio is not None:
            self._radio.link.appended()

    async def _send_heartbeats(self) -> None:
        while True:
            self._link.send_heartbeat(self._status.heartbeat())
            await asyncio.sleep(HEARTBEAT_INTERVAL_S)

    async def _refresh(self) -> None:
        while True:
            self._publish()
            await asyncio.sleep(REFRESH_S)

    def _publish(self) -> None:
        view = self._status.view()
        if self._panel is not None:
            self._panel.rest_on(view)
        self._feed.publish(view)

    def _make_panel(self, settings: PanelSettings | None) -> "Panel | None":
        if settings is None:
            return None
        from terminal.panel import Panel  # noqa: PLC0415  # gpiozero: a tenth of the start, 5 MiB

        return Panel(
            settings,
            on_button=self._on_button,
            on_tamper=self._on_tamper,
            changed=self._publish,
        )

    def _make_neighbours(self, station: Station, identity: Identity) -> Neighbours | None:
        if self._settings.neighbours is None:
            return None
        neighbours = Neighbours(
            station,
            self._clock,
            group_radio_key=identity.group_radio_key,
            address=identity.radio_address,
            epoch=self._outbox.origin.epoch,
            next_counter=self._counters.take,
        )
        station.neighbourhood = neighbours
        return neighbours

    def _make_radio(
        self, data: Path, identity: Identity, county: County, station: Station
    ) -> TerminalRadio | None:
        settings = self._settings
        if settings.radio is None:
            return None
        return TerminalRadio(
            settings.radio,
            self._folder,
            data,
            identity,
            self._outbox,
            self._counters,
            self._uplink,
            county,
            station,
            self._clock,
            lora_after_s=settings.uplink.lora_after_s,
            status=self._radio_status,
            tellings=self._neighbours,
            changed=self._publish,
        )

    def _radio_status(self) -> RadioStatus:
        return self._status.by_radio()

    def _make_lan(self) -> Lan | None:
        settings = self._settings.neighbours
        if self._neighbours is None or settings is None or settings.interface is None:
            return None
        return Lan(settings, settings.interface, self._neighbours, self._clock)

    def _on_button(self, button: Button) -> None:
        if button is Button.CONFIRM:
            self._lane.dismiss()
        elif button is Button.PAUSE:
            self._lane.toggle_pause()
        else:
            self._undo_asked.set()

    async def _undo_when_asked(self) -> None:
        while True:
            await self._undo_asked.wait()
            self._undo_asked.clear()
            if await self._lane.undo():
                self._appended()

    def _on_tamper(self, is_open: bool) -> None:
        level = logging.WARNING if is_open else logging.INFO
        log.log(level, "the enclosure is %s", "open" if is_open else "closed")
        self._publish()

    def _on_power(self, step: Step) -> None:
        if step is Step.OFF:
            self._battery_is_empty.set()

    async def _switch_off_when_empty(self) -> None:
        """Every record is on the disk already; what remains is to stop before the power does."""
        await self._battery_is_empty.wait()
        command = self._settings.power.off_command if self._settings.power else ()
        if not command:
            log.error("the battery is nearly empty, and no off_command is set")
            return
        log.error("the battery is nearly empty: switching off")
        try:
            process = await asyncio.create_subprocess_exec(*command)
        except OSError as error:
            log.error("cannot switch off: %s", error.strerror)
            return
        await process.wait()
