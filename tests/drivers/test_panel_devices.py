"""Lights, tones and board profiles, on gpiozero's mock pins."""

import asyncio
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import DriverConfigError
from drivers.panel.board import BuzzerPin, LightPins, load_board, pin_factory
from drivers.panel.lights import Lights
from drivers.panel.tones import Beeper, Tone
from protocol.verdict import SIGNS, Verdict
from sim.clock import Run
from terminal.panel import NOT_RECORDED, Panel
from terminal.settings import PanelSettings

PROFILES = sorted(
    entry.name.removesuffix(".toml")
    for entry in resources.files("hw").iterdir()
    if entry.name.endswith(".toml")
)
PINS = LightPins(accepted=5, look=6, stop=13)
GOOD = """
[lights]
accepted = 5
look = 6
stop = 13
[buzzer]
pin = 19
kind = "active"
"""


@pytest.fixture
def factory() -> Iterator[Any]:
    made: Any = pin_factory("mock")
    yield made
    made.close()


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`board.toml`, to be written by the test."""
    monkeypatch.setattr(resources, "files", lambda _package: tmp_path)
    return tmp_path / "board.toml"


def lit(factory: Any, pins: LightPins = PINS) -> list[str]:
    return [name for name in ("accepted", "look", "stop") if factory.pin(getattr(pins, name)).state]


def test_there_are_profiles() -> None:
    assert "pi-4b" in PROFILES


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_loads_and_keeps_off_reserved_pins(name: str) -> None:
    board = load_board(name)
    pins = {board.lights.accepted, board.lights.look, board.lights.stop, board.buzzer.pin}
    assert len(pins) == 4
    assert not pins & {0, 1, 2, 3, 14, 15, 17, 18, 24, 25}  # hw/wiring.md


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("= 19", "= 99"), [r"\$\.buzzer\.pin"]),
        (GOOD.replace("= 5", "= 1"), [r"\$\.lights\.accepted"]),
        (GOOD.replace("= 19", "= 13"), ["share a pin"]),
        (GOOD.replace("stop = 13", "stop = 6"), ["share a pin"]),
        (GOOD.replace("look =", "lok ="), ["lok", r"\$\.lights"]),
        (GOOD.replace('"active"', '"loud"'), [r"\$\.buzzer\.kind"]),
        (GOOD.replace("stop = 13\n", ""), ["stop"]),
        (GOOD + "[siren]\npin = 20\n", ["siren"]),
        ("not toml", ["line 1"]),
    ],
)
def test_a_wrong_profile_is_named_with_what_is_wrong(
    profile: Path, text: str, words: list[str]
) -> None:
    profile.write_text(text)
    for word in [r"hw/board\.toml", *words]:
        with pytest.raises(DriverConfigError, match=word):
            load_board("board")


def test_a_profile_that_does_not_exist_is_named() -> None:
    with pytest.raises(DriverConfigError, match=r"hw/pi-99\.toml"):
        load_board("pi-99")


def test_a_machine_without_pins_is_told_and_gets_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "gpiozero.pins.lgpio", None)
    with pytest.raises(DriverConfigError, match="lgpio"):
        pin_factory("lgpio")


def test_one_light_at_a_time(factory: Any) -> None:
    lights = Lights(PINS, factory)
    assert lit(factory) == []
    for name in ("accepted", "look", "stop", "accepted"):
        lights.show(name)
        assert lit(factory) == [name]
    lights.show(None)
    assert lit(factory) == []
    lights.show("stop")
    lights.close()
    assert lit(factory) == []


def test_an_active_buzzer_sounds_and_falls_silent(run: Run, factory: Any) -> None:
    async def main() -> list[int]:
        beeper = Beeper(BuzzerPin(19, "active"), factory)
        pin = factory.pin(19)
        beeper.play([Tone(1800, 0.1, 0.1), Tone(1800, 0.2, 0.1)])
        heard = []
        for _ in range(6):
            await asyncio.sleep(0.09)
            heard.append(round(pin.state))
        beeper.close()
        return heard

    assert run(main()) == [1, 0, 1, 1, 0, 0]


def test_a_tonal_buzzer_has_the_pitch_it_is_asked_for(run: Run, factory: Any) -> None:
    async def main() -> list[tuple[int | None, float]]:
        beeper = Beeper(BuzzerPin(19, "tonal"), factory)
        pin = factory.pin(19)
        beeper.play([Tone(1800, 0.1, 0.1), Tone(2400, 0.1, 0.1)])
        heard = []
        for _ in range(4):
            await asyncio.sleep(0.099)
            heard.append((pin.frequency, pin.state))
        beeper.close()
        return heard

    assert run(main()) == [(1800, 0.5), (1800, 0.0), (2400, 0.5), (2400, 0.0)]


def test_a_new_pattern_cuts_the_old_one_short(run: Run, factory: Any) -> None:
    async def main() -> None:
        beeper = Beeper(BuzzerPin(19, "active"), factory)
        pin = factory.pin(19)
        beeper.play([Tone(1800, 60, 0.1)])
        await asyncio.sleep(1)
        assert pin.state
        beeper.play([Tone(1800, 0.1, 0.1)])
        await asyncio.sleep(0.15)
        assert not pin.state
        await asyncio.sleep(100)
        assert not pin.state
        beeper.close()

    run(main())


def test_closing_silences_in_the_middle_of_a_sound(run: Run, factory: Any) -> None:
    async def main() -> None:
        beeper = Beeper(BuzzerPin(19, "active"), factory)
        beeper.play([Tone(1800, 60, 0.1)])
        await asyncio.sleep(1)
        beeper.close()
        assert not factory.pin(19).state
        await asyncio.sleep(100)

    run(main())


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("verdict", Verdict)
def test_a_panel_says_every_verdict_by_light_and_tone(
    run: Run, name: str, verdict: Verdict
) -> None:
    async def main() -> None:
        panel = Panel(PanelSettings(name, "mock"))
        factory: Any = panel._factory
        board = load_board(name)
        panel.show(verdict)
        assert lit(factory, board.lights) == [SIGNS[verdict].light]
        await asyncio.sleep(0.01)
        assert factory.pin(board.buzzer.pin).state
        await asyncio.sleep(2)
        assert not factory.pin(board.buzzer.pin).state
        panel.show(None)
        assert lit(factory, board.lights) == []
        panel.close()

    run(main())


def test_what_was_not_recorded_has_a_sound_of_its_own_and_no_light(run: Run) -> None:
    async def main() -> None:
        panel = Panel(PanelSettings("pi-4b", "mock"))
        factory: Any = panel._factory
        panel.show(Verdict.ACCEPTED)
        panel.show_not_recorded()
        assert lit(factory) == []
        await asyncio.sleep(0.01)
        assert factory.pin(19).state
        panel.close()

    run(main())
    assert NOT_RECORDED not in [signs.tone for signs in SIGNS.values()]
