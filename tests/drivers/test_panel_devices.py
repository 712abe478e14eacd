"""Lights, tones, buttons and tamper loop, on gpiozero's mock pins."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

import pytest

from drivers.errors import DriverConfigError, PortGone
from drivers.panel.board import Button, BuzzerPin, LightPins, load_board
from drivers.panel.buttons import HOLD_S
from drivers.panel.front import LOOK_S, Front
from drivers.panel.lights import Lights
from drivers.panel.pins import open_pins
from drivers.panel.tones import Beeper, Tone
from sim.clock import Run
from tests.headers import MockPins

PINS = LightPins(accepted=5, look=6, stop=13)
BOARD = load_board("pi-4b")
CONFIRM, UNDO, TAMPER = 16, 20, 26


def test_a_machine_without_pins_is_told_and_gets_no_other(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lgpio", None)
    with pytest.raises(DriverConfigError, match="lgpio"):
        run(open_pins("lgpio"))


def test_pins_that_mean_nothing_are_refused(run: Run) -> None:
    with pytest.raises(DriverConfigError, match="gpio4"):
        run(open_pins("gpio4"))


def test_one_light_at_a_time(run: Run) -> None:
    async def main() -> None:
        pins = MockPins()
        lights = Lights(PINS, await pins.open())
        assert pins.lit() == []
        for name in ("accepted", "look", "stop", "accepted"):
            lights.show(name)
            assert pins.lit() == [name]
        lights.show(None)
        assert pins.lit() == []
        lights.show("stop")
        lights.close()
        assert pins.lit() == []

    run(main())


def test_an_active_buzzer_sounds_and_falls_silent(run: Run) -> None:
    async def main() -> list[int]:
        pins = MockPins()
        beeper = Beeper(BuzzerPin(19, "active"), await pins.open())
        beeper.play([Tone(1800, 0.1, 0.1), Tone(1800, 0.2, 0.1)])
        heard = []
        for _ in range(6):
            await asyncio.sleep(0.09)
            heard.append(round(pins.pin(19).state))
        beeper.close()
        return heard

    assert run(main()) == [1, 0, 1, 1, 0, 0]


def test_a_tonal_buzzer_has_the_pitch_it_is_asked_for(run: Run) -> None:
    async def main() -> list[tuple[int | None, float]]:
        pins = MockPins()
        beeper = Beeper(BuzzerPin(19, "tonal"), await pins.open())
        beeper.play([Tone(1800, 0.1, 0.1), Tone(2400, 0.1, 0.1)])
        heard = []
        for _ in range(4):
            await asyncio.sleep(0.099)
            heard.append((pins.pin(19).frequency, pins.pin(19).state))
        beeper.close()
        return heard

    assert run(main()) == [(1800, 0.5), (1800, 0.0), (2400, 0.5), (2400, 0.0)]


def test_a_new_pattern_cuts_the_old_one_short(run: Run) -> None:
    async def main() -> None:
        pins = MockPins()
        beeper = Beeper(BuzzerPin(19, "active"), await pins.open())
        beeper.play([Tone(1800, 60, 0.1)])
        await asyncio.sleep(1)
        assert pins.pin(19).state
        beeper.play([Tone(1800, 0.1, 0.1)])
        await asyncio.sleep(0.15)
        assert not pins.pin(19).state
        await asyncio.sleep(100)
        assert not pins.pin(19).state
        beeper.close()

    run(main())


def test_closing_silences_in_the_middle_of_a_sound(run: Run) -> None:
    async def main() -> None:
        pins = MockPins()
        beeper = Beeper(BuzzerPin(19, "active"), await pins.open())
        beeper.play([Tone(1800, 60, 0.1)])
        await asyncio.sleep(1)
        beeper.close()
        assert not pins.pin(19).state
        await asyncio.sleep(100)

    run(main())


class Operator:
    """A front on mock pins, and what it told."""

    def __init__(self) -> None:
        self.pins = MockPins()
        self.told: list[tuple[float, Button | bool]] = []

    def tell(self, what: Button | bool) -> None:
        self.told.append((round(asyncio.get_running_loop().time(), 2), what))


def use(
    run: Run, scenario: Callable[[Operator], Awaitable[None]], *, closed: bool = True
) -> Operator:
    operator = Operator()

    async def main() -> None:
        header = await operator.pins.open()
        pin = operator.pins.pin(TAMPER)
        if closed:  # a closed loop wins over the pull that the driver sets
            pin._set_pull = lambda pull: setattr(pin, "_pull", pull)
        front = Front(BOARD, header, operator.tell, operator.tell)
        watching = asyncio.create_task(front.watch())
        await scenario(operator)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        front.close()
        await header.close()

    run(main())
    return operator


def test_buttons_act_once_and_the_grave_ones_when_held(run: Run) -> None:
    async def scenario(operator: Operator) -> None:
        await asyncio.sleep(1)
        operator.pins.pin(CONFIRM).drive_low()
        await asyncio.sleep(0.1)
        operator.pins.pin(CONFIRM).drive_high()
        await asyncio.sleep(0.9)
        operator.pins.pin(UNDO).drive_low()
        await asyncio.sleep(0.5)
        operator.pins.pin(UNDO).drive_high()
        await asyncio.sleep(0.5)
        operator.pins.pin(UNDO).drive_low()
        await asyncio.sleep(2)
        operator.pins.pin(UNDO).drive_high()
        await asyncio.sleep(1)

    assert use(run, scenario).told == [
        (0.0, False),
        (1.02, Button.CONFIRM),
        (3.02 + HOLD_S, Button.UNDO),
    ]


def test_the_enclosure_is_told_at_the_start_and_when_it_changes(run: Run) -> None:
    async def scenario(operator: Operator) -> None:
        await asyncio.sleep(1)
        operator.pins.pin(TAMPER).drive_high()
        await asyncio.sleep(1)
        operator.pins.pin(TAMPER).drive_low()
        await asyncio.sleep(3)

    assert use(run, scenario).told == [(0.0, False), (1.03, True), (4.0, False)]


def test_an_enclosure_opened_while_off_is_told_at_once(run: Run) -> None:
    async def scenario(_operator: Operator) -> None:
        await asyncio.sleep(100)

    assert use(run, scenario, closed=False).told == [(0.0, True)]


def test_a_lost_edge_is_made_good_within_a_second(run: Run) -> None:
    async def scenario(operator: Operator) -> None:
        await asyncio.sleep(0.5)
        pin = operator.pins.pin(TAMPER)
        pin._state = True  # the level changes, and nobody is told
        await asyncio.sleep(LOOK_S)

    (start, after) = use(run, scenario).told
    assert start == (0.0, False)
    assert after[1] is True
    assert after[0] <= 0.5 + LOOK_S


def test_pins_that_go_end_the_watch(run: Run) -> None:
    async def main() -> None:
        pins = MockPins()
        front = Front(BOARD, await pins.open(), lambda _b: None, lambda _o: None)
        watching = asyncio.create_task(front.watch())
        await asyncio.sleep(0.5)
        pins.lose()
        with pytest.raises(PortGone):
            await watching
        with pytest.raises(PortGone):
            front.light("stop")
        front.close()

    run(main())
