"""The county's radio put together: what may not be legal does not start, and what the desk sees."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from drivers.errors import DriverConfigError, PortGone
from drivers.port import Closable
from drivers.radios.airtime import lora_airtime_s
from drivers.radios.base import Heard
from drivers.radios.law import BANDS
from drivers.radios.lawful import LawfulRadio
from drivers.radios.ledger import LEDGER_FILE, AirtimeLedger
from drivers.radios.opening import OnReady
from drivers.radios.site import RadioSettings
from drivers.supervisor import DeviceState, OnState
from drivers.supervisor import Run as UseModem
from gateway import county_radio
from gateway.county_radio import CountyRadio
from gateway.intake import Admitted
from gateway.radio import UpFrame
from gateway.store.base import NO_RADIO
from gateway.view import RadioView
from protocol.frames import FrameSealer
from protocol.radio_keys import Direction, link_key
from protocol.radio_up import Fare, HeardNode, Progress, Status, UpKind
from runtime.clock import SystemClock, TimeFloor
from sim.clock import Run
from tests.inline_threads import use_inline_threads
from tests.parties import Parties
from tests.quick_disk import quick_disk

EPOCH = 77
SITE = RadioSettings("rak3172", "tcp:127.0.0.1:1", "CN470", 471.1, 17)
AWAY = RadioView(False, "", "", 0.0, None, 0.0, 0, 0)


@dataclass
class Modem:
    """Hears what it is given; sends at once."""

    frames: Sequence[bytes]
    identity: str | None = "fake v1"
    max_frame_bytes: int = 197
    lag_s: float = 0.1
    gap_s: float = 0.05
    sent: list[bytes] = field(default_factory=list)

    def airtime_s(self, frame_bytes: int) -> float:
        return lora_airtime_s(frame_bytes, 9, 125_000)

    async def send(self, frame: bytes) -> None:
        await asyncio.sleep(self.airtime_s(len(frame)))
        self.sent.append(frame)

    async def heard(self) -> AsyncIterator[Heard]:
        for frame in self.frames:
            yield Heard(frame, -91, -3.0, asyncio.get_running_loop().time())
        await asyncio.Event().wait()


class Port:
    """Of no use but to be closed."""

    async def close(self) -> None:
        """See `Closable.close`."""


class County:
    """A gateway's radio with one terminal enrolled; commits whatever comes."""

    def __init__(self, folder: Path, settings: RadioSettings = SITE) -> None:
        parties = Parties()
        self.terminal = parties.terminal("t1")
        self._counter = 0
        self.admitted: list[Admitted] = []
        self.radio = CountyRadio(
            settings,
            folder,
            folder / "gateway.db",
            parties.gateway,
            NO_RADIO,
            SystemClock(TimeFloor(folder / "floor")),
            self._admit,
            self.admitted.append,
        )
        self.radio.enrol(parties.peer(self.terminal).enrolment)

    def status(self, status: Status) -> bytes:
        key = link_key(self.terminal.radio_key, Direction.UP, self.terminal.radio_address, EPOCH)
        self._counter += 1
        content = Progress(0, 0).pack() + status.pack()
        return FrameSealer(key).seal(UpKind.STATUS, self._counter, content, names_epoch=True)

    async def _admit(self, frames: Sequence[UpFrame]) -> Admitted:
        return Admitted(statuses=[(each.node, STATUS) for each in frames])


HEARD = (HeardNode(0, -80, 3), HeardNode(99, -85, 1))
STATUS = Status(8, 60, Fare.READER_READY, 78, 1, 0, 2, HEARD)


@pytest.fixture(autouse=True)
def _quick_disk() -> Iterator[None]:
    with quick_disk():
        yield


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"power_dbm": 22}, "e.r.p."),
        ({"frequency_mhz": 868.3}, "no band"),
        ({"spreading_factor": 12}, "choose a faster one"),
    ],
)
def test_a_modem_that_is_not_legal_does_not_start_and_leaves_nothing_behind(
    tmp_path: Path, change: Mapping[str, object], why: str
) -> None:
    with pytest.raises(DriverConfigError, match=why):
        County(tmp_path, replace(SITE, **change))
    assert not (tmp_path / LEDGER_FILE).exists()


def test_without_a_modem_the_desk_shows_that_there_is_none(tmp_path: Path) -> None:
    county = County(tmp_path)
    assert county.radio.view() == AWAY
    assert county.radio.rows() == {}
    county.radio.close()


def test_with_a_modem_the_desk_shows_what_it_is_and_who_is_heard(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    county = County(tmp_path)
    frame = county.status(STATUS)
    modem = Modem([frame, frame, b"of another county"])
    unplug = asyncio.Event()

    async def keep_open(
        _url: str, use: UseModem[Closable], *, on_state: OnState, **_others: object
    ) -> None:
        def ready(detail: str) -> None:
            on_state(DeviceState.READY, detail)

        using = asyncio.ensure_future(use(Port(), ready))
        await unplug.wait()
        using.cancel()
        on_state(DeviceState.MISSING, str(PortGone("unplugged")))

    @asynccontextmanager
    async def opened(
        _settings: RadioSettings,
        _port: Closable,
        *,
        folder: Path,
        ledger: AirtimeLedger,
        on_ready: OnReady,
    ) -> AsyncIterator[LawfulRadio]:
        assert folder == tmp_path
        on_ready("fake v1")
        yield LawfulRadio(modem, BANDS["CN470"][0], ledger)

    monkeypatch.setattr(county_radio, "keep_open", keep_open)
    monkeypatch.setattr(county_radio, "open_lawful_radio", opened)

    async def main() -> None:
        use_inline_threads()
        works = [asyncio.ensure_future(work) for work in county.radio.works()]
        await asyncio.sleep(30)
        view = county.radio.view()
        assert (view.is_ready, view.identity, view.band) == (True, "fake v1", "CN470 470-510 MHz")
        assert (view.foreign, view.replayed, view.allowed_s) == (1, 1, None)
        assert view.used_s > 0
        assert len(modem.sent) == 1, "what came again got its receipt"
        row = county.radio.rows()["t1"]
        assert (row.rssi_dbm, row.snr_db, row.frames) == (-91, -3.0, 1)
        assert (row.waiting, row.battery_percent) == (8, 78)
        assert [(each.node, each.rssi_dbm) for each in row.hears] == [("gateway", -80)]
        assert [each.statuses for each in county.admitted] == [[("t1", STATUS)]]
        unplug.set()
        await asyncio.sleep(1)
        assert county.radio.view() == RadioView(False, "", "", 0.0, None, 0.0, 1, 1)
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)

    run(main())
    county.radio.close()
