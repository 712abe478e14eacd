"""The air by the event loop's clock, in one process."""

import asyncio
from functools import partial

import pytest

from sim.air.air import CAD_SYMBOLS, Air
from sim.air.antenna import Signal
from sim.air.hearing import Hearing, Outcome
from sim.air.lora import LoraSettings, airtime_s, symbol_s
from sim.air.medium import AirError, Medium
from sim.air.terrain import HIDDEN, Link, Terrain
from sim.clock import Run

SF9 = LoraSettings(frequency_hz=471_100_000, spreading_factor=9, power_dbm=17)


def now_s() -> float:
    return asyncio.get_running_loop().time()


def ignore(_signal: Signal) -> None:
    pass


def test_a_frame_takes_its_airtime_and_arrives_at_its_end(run: Run) -> None:
    async def main() -> None:
        air = Air(Medium(Terrain(level_db=100)))
        heard: list[tuple[float, Signal]] = []
        sender = air.attach("t1", ignore)
        gateway = air.attach("gw", lambda signal: heard.append((now_s(), signal)))
        await gateway.listen(SF9)
        await asyncio.sleep(1)
        await sender.transmit(bytes(51), SF9)
        assert now_s() == pytest.approx(1.328704)
        ((at_s, signal),) = heard
        assert at_s == pytest.approx(1.328704)
        assert signal == Signal(bytes(51), -83.0, 34.0)

    run(main())


@pytest.mark.parametrize(
    ("loss_db", "rssi_dbm", "snr_db"), [(107, -90, 27), (134, -114, 0), (146, -117, -12)]
)
def test_figures_as_an_sx126x_reports_them(
    run: Run, loss_db: float, rssi_dbm: float, snr_db: float
) -> None:
    """Packet RSSI holds the noise as well, so it stays near the floor; SNR goes on below it."""

    async def main() -> None:
        air = Air(Medium(Terrain(level_db=loss_db)))
        heard: list[Signal] = []
        await air.attach("gw", heard.append).listen(SF9)
        await air.attach("t1", ignore).transmit(b"x", SF9)
        assert heard == [Signal(b"x", rssi_dbm, snr_db)]

    run(main())


def test_a_collision_is_a_crc_error_and_everybody_hears_of_it(run: Run) -> None:
    async def main() -> None:
        hearings: list[Hearing] = []
        hidden = {("t1", "t2"): HIDDEN}
        air = Air(Medium(Terrain(links=hidden, level_db=100)), witness=hearings.append)
        heard: list[Signal] = []
        await air.attach("gw", heard.append).listen(SF9)
        one, two = air.attach("t1", ignore), air.attach("t2", ignore)

        async def later() -> None:
            await asyncio.sleep(0.1)
            await two.transmit(b"two", SF9)

        await asyncio.gather(one.transmit(bytes(20), SF9), later())
        assert [signal.frame for signal in heard] == [None]
        at_gw = [h.outcome for h in hearings if h.listener == "gw"]
        assert at_gw == [Outcome.COLLISION, Outcome.HELD]
        assert len(hearings) == 4

    run(main())


def test_cad_takes_time_and_tells_when_to_wait(run: Run) -> None:
    async def main() -> None:
        air = Air(Medium(Terrain(level_db=100)))
        one, two = air.attach("t1", ignore), air.attach("t2", ignore)
        assert await two.cad(SF9) is False
        assert now_s() == pytest.approx(CAD_SYMBOLS * symbol_s(SF9))
        sending = asyncio.create_task(one.transmit(bytes(20), SF9))
        await asyncio.sleep(0.01)
        assert await two.cad(SF9) is True
        assert await two.channel_dbm(SF9) == pytest.approx(-83, abs=0.01)
        await sending
        assert await two.cad(SF9) is False

    run(main())


def test_a_modem_answers_from_its_callback(run: Run) -> None:
    """The air may be used again while it is telling."""

    async def main() -> None:
        air = Air(Medium(Terrain(level_db=100)))
        tasks: list[asyncio.Task[None]] = []
        heard: list[bytes | None] = []

        def answer(_signal: Signal) -> None:
            tasks.append(asyncio.create_task(gateway.transmit(b"answer", SF9)))

        gateway = air.attach("gw", answer)
        terminal = air.attach("t1", lambda signal: heard.append(signal.frame))
        await gateway.listen(SF9)
        await terminal.listen(SF9)
        await terminal.transmit(b"question", SF9)
        await asyncio.gather(*tasks)
        assert now_s() == pytest.approx(airtime_s(SF9, 8) + airtime_s(SF9, 6))
        assert heard == [b"answer"]

    run(main())


def test_a_modem_that_retunes_in_its_callback_does_not_stop_the_others(run: Run) -> None:
    async def main() -> None:
        air = Air(Medium(Terrain(level_db=100)))
        heard: list[str] = []

        def once(name: str, _signal: Signal) -> None:
            heard.append(name)
            air.detach(name)

        for name in ("g1", "g2"):
            air.attach(name, partial(once, name))
            air.listen(name, SF9)
        await air.attach("t1", ignore).transmit(b"x", SF9)
        assert heard == ["g1", "g2"]

    run(main())


def test_what_has_begun_is_sent_though_the_caller_gives_up(run: Run) -> None:
    async def main() -> None:
        air = Air(Medium(Terrain(level_db=100)))
        heard: list[Signal] = []
        await air.attach("gw", heard.append).listen(SF9)
        sender = air.attach("t1", ignore)
        sending = asyncio.create_task(sender.transmit(bytes(20), SF9))
        await asyncio.sleep(0.05)
        sending.cancel()
        with pytest.raises(AirError, match="transmitting already"):
            await sender.transmit(b"x", SF9)
        await sender.close()
        await asyncio.sleep(1)
        assert [signal.frame for signal in heard] == [bytes(20)]

    run(main())


def a_lossy_hour(run: Run, seed: int) -> list[tuple[str, str, float, Outcome]]:
    async def main() -> list[tuple[str, str, float, Outcome]]:
        hearings: list[Hearing] = []
        terrain = Terrain(
            links={("t1", "t2"): Link(path_loss_db=130)}, level_db=100, loss_chance=0.2
        )
        air = Air(Medium(terrain, seed=seed), witness=hearings.append)

        async def chatter(name: str, every_s: float) -> None:
            antenna = air.attach(name, ignore)
            await antenna.listen(SF9)
            while now_s() < 3600:
                await asyncio.sleep(every_s)
                if not await antenna.cad(SF9):
                    await antenna.transmit(bytes(40), SF9)

        await asyncio.gather(chatter("t1", 7.1), chatter("t2", 8.3), chatter("gw", 9.7))
        return [
            (h.transmission.sender, h.listener, h.transmission.end_s, h.outcome) for h in hearings
        ]

    return run(main())


def test_the_same_seed_is_the_same_hour(run: Run) -> None:
    assert a_lossy_hour(run, 1) == a_lossy_hour(run, 1)
    assert a_lossy_hour(run, 1) != a_lossy_hour(run, 2)
