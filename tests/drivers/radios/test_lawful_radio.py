"""A radio that books before it sends, and does not send what the law forbids."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from drivers.errors import AirtimeSpent, DriverConfigError, PortGone, TransientDriverError
from drivers.radios.airtime import lora_airtime_s
from drivers.radios.base import Heard
from drivers.radios.law import BANDS, HOUR_S, Band, Budget
from drivers.radios.lawful import LawfulRadio, Spent, open_lawful_radio
from drivers.radios.ledger import AirtimeLedger, open_ledger
from drivers.radios.site import RadioSettings
from runtime.clock import UNKNOWN_ERROR_MS, ClockSource, Reading
from sim.air.judge import Judge
from sim.air.lora import LoraSettings
from sim.air.regions import REGIONS
from sim.clock import Run
from sim.memory import MemoryCable
from tests.inline_threads import use_inline_threads

CHINA, AMERICA = BANDS["CN470"][0], BANDS["US915"][0]
EUROPE = next(band for band in BANDS["EU868"] if band.erp_dbm == 27.0)
TIGHT = Band("EU433", 433_050_000, 434_790_000, 10.0, budget=Budget(1.0, HOUR_S))


class LoopClock:
    """The event loop's time and nothing else."""

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()

    def read(self) -> Reading:
        now_ms = int(self.monotonic_s() * 1000)
        return Reading(now_ms, now_ms, 1, ClockSource.UNSET, UNKNOWN_ERROR_MS)


@dataclass
class FakeRadio:
    """Sends in the time it takes; hears one frame."""

    spreading_factor: int = 9
    identity: str | None = "fake"
    max_frame_bytes: int = 255
    lag_s: float = 0.1
    gap_s: float = 0.05
    fails: bool = False
    sent: list[tuple[bytes, float]] = field(default_factory=list)

    def airtime_s(self, frame_bytes: int) -> float:
        return lora_airtime_s(frame_bytes, self.spreading_factor, 125_000)

    async def send(self, frame: bytes) -> None:
        if self.fails:
            raise PortGone("unplugged")
        await asyncio.sleep(self.airtime_s(len(frame)))
        self.sent.append((frame, asyncio.get_running_loop().time()))

    async def heard(self) -> AsyncIterator[Heard]:
        yield Heard(b"hello", -90, None, 0.0)


def make(radio: FakeRadio, band: Band, path: Path) -> tuple[LawfulRadio, AirtimeLedger]:
    use_inline_threads()
    ledger = open_ledger(path / "airtime.db", LoopClock())
    return LawfulRadio(radio, band, ledger), ledger


def test_it_is_the_radio_with_the_laws_longest_frame(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        radio, ledger = make(FakeRadio(), CHINA, tmp_path)
        assert (radio.identity, radio.max_frame_bytes) == ("fake", 197)
        assert radio.airtime_s(51) == pytest.approx(0.3287, abs=1e-4)
        assert [heard.frame async for heard in radio.heard()] == [b"hello"]
        for size in (0, 198):
            with pytest.raises(ValueError, match="1 to 197"):
                radio.airtime_s(size)
            with pytest.raises(ValueError, match="1 to 197"):
                await radio.send(bytes(size))
        ledger.close()

    run(main())


@pytest.mark.parametrize(
    ("spreading_factor", "longest_bytes"), [(7, 255), (8, 222), (9, 116), (10, 115), (12, 115)]
)
def test_where_airtime_is_rationed_frames_are_no_longer_than_slots_should_be(
    run: Run, tmp_path: Path, spreading_factor: int, longest_bytes: int
) -> None:
    async def main() -> None:
        radio, ledger = make(FakeRadio(spreading_factor), EUROPE, tmp_path)
        assert radio.max_frame_bytes == longest_bytes
        ledger.close()

    run(main())


def test_where_nothing_is_counted_it_is_shown_all_the_same(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        radio, ledger = make(FakeRadio(), CHINA, tmp_path)
        for _ in range(10):
            await radio.send(bytes(197))
        assert radio.free_at_s(197) == asyncio.get_running_loop().time()
        assert radio.spent == Spent(sum([radio.airtime_s(197)] * 10), None, HOUR_S)
        ledger.close()

    run(main())


def test_a_frame_over_budget_is_not_sent_and_may_be_when_it_says(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        modem = FakeRadio()
        radio, ledger = make(modem, TIGHT, tmp_path)
        await asyncio.gather(radio.send(bytes(51)), radio.send(bytes(51)), radio.send(bytes(51)))
        with pytest.raises(AirtimeSpent, match="used up for 36") as caught:
            await radio.send(bytes(51))
        assert len(modem.sent) == 3
        assert caught.value.free_at_s == radio.free_at_s(51)
        assert radio.free_at_s(1) == caught.value.free_at_s
        assert radio.spent == Spent(sum([radio.airtime_s(51)] * 3), 1.0, HOUR_S)
        await asyncio.sleep(caught.value.free_at_s - asyncio.get_running_loop().time())
        await radio.send(bytes(51))
        assert modem.sent[-1][1] - modem.sent[0][1] > HOUR_S
        ledger.close()

    run(main())


def test_frames_given_at_once_do_not_share_a_budget(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        modem = FakeRadio()
        radio, ledger = make(modem, TIGHT, tmp_path)
        outcomes = await asyncio.gather(
            *(radio.send(bytes(51)) for _ in range(6)), return_exceptions=True
        )
        assert len(modem.sent) == 3
        assert [type(each) for each in outcomes[3:]] == [AirtimeSpent] * 3
        ledger.close()

    run(main())


def test_it_is_on_the_disk_before_it_is_on_the_air(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        modem = FakeRadio()
        radio, ledger = make(modem, TIGHT, tmp_path)
        sending = asyncio.create_task(radio.send(bytes(51)))
        await asyncio.sleep(0.01)
        assert modem.sent == []
        with sqlite3.connect(tmp_path / "airtime.db") as other:
            ((booked_s,),) = other.execute("SELECT sum(airtime_s) FROM spent")
        other.close()
        assert booked_s == radio.airtime_s(51)
        await sending
        ledger.close()

    run(main())


def test_what_cannot_be_booked_is_not_sent(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        modem = FakeRadio()
        radio, ledger = make(modem, CHINA, tmp_path)
        ledger.close()
        with pytest.raises(TransientDriverError, match="ledger cannot be written"):
            await radio.send(bytes(51))
        assert modem.sent == []

    run(main())


def test_a_frame_that_may_have_been_sent_counts(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        modem = FakeRadio(fails=True)
        radio, ledger = make(modem, TIGHT, tmp_path)
        with pytest.raises(PortGone):
            await radio.send(bytes(51))
        modem.fails = False
        cancelled = asyncio.create_task(radio.send(bytes(51)))
        await asyncio.sleep(0.1)
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        assert radio.spent.used_s == 2 * radio.airtime_s(51)
        ledger.close()

    run(main())


def test_a_modem_too_slow_for_the_law_is_refused(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        for radio, band in ((FakeRadio(12), CHINA), (FakeRadio(11), AMERICA)):
            use_inline_threads()
            ledger = open_ledger(tmp_path / "airtime.db", LoopClock())
            with pytest.raises(DriverConfigError, match="no frame is short enough"):
                LawfulRadio(radio, band, ledger)
            ledger.close()

    run(main())


def test_an_american_channel_rests_after_its_dwell(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        modem = FakeRadio(7)
        radio, ledger = make(modem, AMERICA, tmp_path)
        for _ in range(30):
            wait_s = radio.free_at_s(100) - asyncio.get_running_loop().time()
            await asyncio.sleep(max(wait_s, 0))
            await radio.send(bytes(100))
        airtime_s = radio.airtime_s(100)
        for (_, first_s), (_, third_s) in zip(modem.sent, modem.sent[2:], strict=False):
            assert third_s - first_s + airtime_s > 20
        assert modem.sent[-1][1] < 15 * 22
        ledger.close()

    run(main())


def test_the_judge_finds_nothing_in_hours_of_talking_as_much_as_one_may(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        modem, judge = FakeRadio(12), Judge(REGIONS["EU868"])
        tuned = LoraSettings(frequency_hz=868_300_000, spreading_factor=12)
        radio, ledger = make(modem, BANDS["EU868"][2], tmp_path)
        for size in (20, 51, 115) * 30:
            wait_s = radio.free_at_s(size) - asyncio.get_running_loop().time()
            await asyncio.sleep(max(wait_s, 0))
            await radio.send(bytes(size))
        for frame, end_s in modem.sent:
            airtime_s = radio.airtime_s(len(frame))
            assert judge.enter("it", tuned, airtime_s, end_s - airtime_s) == ()
        spent_s = sum(radio.airtime_s(len(frame)) for frame, _ in modem.sent)
        assert spent_s / modem.sent[-1][1] > 0.0095  # and none of it is given away
        ledger.close()

    run(main())


def test_a_sites_radio_comes_with_its_law(run: Run, tmp_path: Path) -> None:
    settings = RadioSettings("e22", "serial:///dev/nobody", "CN470", 471.125, power_dbm=17)

    async def main() -> None:
        ledger = open_ledger(tmp_path / "airtime.db", LoopClock())
        async with open_lawful_radio(
            settings, MemoryCable().host, folder=tmp_path, ledger=ledger
        ) as radio:
            assert str(radio.band) == "CN470 470-510 MHz"
            assert radio.max_frame_bytes == 190  # and 7 of length and the modem's own make 197
        with pytest.raises(DriverConfigError, match="at most 17"):
            async with open_lawful_radio(
                replace(settings, power_dbm=22),
                MemoryCable().host,
                folder=tmp_path,
                ledger=ledger,
            ):
                pass
        ledger.close()

    run(main())
