"""The panel as the terminal uses it: shows verdicts, hears buttons, comes and goes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image

from drivers.errors import DriverConfigError, PortGone
from drivers.panel.board import Button
from drivers.panel.face import Face, draw, find_typeface
from protocol.health import DeviceHealth
from protocol.verdict import SIGNS, Verdict
from runtime.config import ConfigError, load_config
from sim.clock import Run
from terminal import panel as panel_module
from terminal.display import Display
from terminal.panel import NOT_RECORDED, UNDONE, Panel
from terminal.settings import PanelSettings
from tests.headers import MockPins
from tests.inline_threads import use_no_threads

BUZZER, CONFIRM, TAMPER = 19, 16, 26


@dataclass
class Stand:
    """A panel at work, and what it told."""

    panel: Panel
    pins: MockPins
    buttons: list[Button] = field(default_factory=list)
    tampers: list[bool] = field(default_factory=list)
    health: list[DeviceHealth] = field(default_factory=list)


@asynccontextmanager
async def at_work(refusals: int = 0) -> AsyncIterator[Stand]:
    pins = MockPins()
    pins.refusals = refusals
    stand: Stand

    def changed() -> None:
        stand.health.append(stand.panel.health)

    buttons: list[Button] = []
    tampers: list[bool] = []
    panel = Panel(
        PanelSettings("pi-4b", "pigpio://127.0.0.1:8888"),  # `open_at` is asked instead
        on_button=buttons.append,
        on_tamper=tampers.append,
        changed=changed,
        open_at=pins.open,
    )
    stand = Stand(panel, pins, buttons, tampers)
    running = asyncio.create_task(panel.run())
    await asyncio.sleep(0.01)
    try:
        yield stand
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_its_light_and_its_tone(run: Run, verdict: Verdict) -> None:
    async def main() -> None:
        async with at_work() as stand:
            stand.panel.show(verdict)
            assert stand.pins.lit() == [SIGNS[verdict].light]
            await asyncio.sleep(0.01)
            assert stand.pins.pin(BUZZER).state
            await asyncio.sleep(2)
            assert not stand.pins.pin(BUZZER).state
            stand.panel.show(None)
            assert stand.pins.lit() == []

    run(main())


@pytest.mark.parametrize("notice", [NOT_RECORDED, UNDONE], ids=["not recorded", "undone"])
def test_what_is_no_verdict_sounds_like_none_and_has_no_light(
    run: Run, notice: panel_module.Notice
) -> None:
    async def main() -> None:
        async with at_work() as stand:
            stand.panel.show(Verdict.ACCEPTED)
            if notice is UNDONE:
                stand.panel.show_undone()
            else:
                stand.panel.show_not_recorded()
            assert stand.pins.lit() == []
            await asyncio.sleep(0.01)
            assert stand.pins.pin(BUZZER).state

    run(main())
    assert notice.tone not in [signs.tone for signs in SIGNS.values()]
    assert notice.shape not in [signs.shape for signs in SIGNS.values()]


def test_buttons_and_enclosure_are_heard_and_a_press_is_answered(run: Run) -> None:
    async def main() -> None:
        async with at_work() as stand:
            assert stand.panel.enclosure_is_open is True  # mock pins float high: the loop is open
            stand.pins.pin(TAMPER).drive_low()
            await asyncio.sleep(3)
            assert stand.panel.enclosure_is_open is False
            assert stand.tampers == [True, False]
            stand.pins.pin(CONFIRM).drive_low()
            await asyncio.sleep(0.03)
            assert stand.pins.pin(BUZZER).state
            await asyncio.sleep(1)
            assert stand.buttons == [Button.CONFIRM]

    run(main())


def test_pins_that_are_missing_at_the_start_are_used_when_they_come(run: Run) -> None:
    async def main() -> None:
        async with at_work(refusals=3) as stand:
            stand.panel.show(Verdict.STOP)  # nobody sees it yet
            assert stand.panel.health is DeviceHealth.MISSING
            await asyncio.sleep(30)
            assert stand.health == [DeviceHealth.MISSING, DeviceHealth.READY]
            assert stand.pins.lit() == ["stop"]
            assert not stand.pins.pin(BUZZER).state  # a sound out of time would mislead

    run(main())


def test_pins_that_go_are_missed_and_used_again(run: Run) -> None:
    async def main() -> None:
        async with at_work() as stand:
            stand.panel.show(Verdict.LOOK)
            stand.pins.lose()
            stand.panel.show(Verdict.ACCEPTED)  # must not raise
            stand.pins.refusals = 1
            await asyncio.sleep(0.01)
            assert stand.health[-1] is DeviceHealth.MISSING
            assert stand.panel.enclosure_is_open is None
            await asyncio.sleep(30)
            assert stand.pins.opened == 2
            assert stand.panel.health is DeviceHealth.READY
            assert stand.pins.lit() == ["accepted"]
            assert stand.tampers == [True, True]

    run(main())


def test_ending_leaves_the_panel_dark_and_silent(run: Run) -> None:
    async def main() -> None:
        async with at_work() as stand:
            stand.panel.show(Verdict.STOP)
            await asyncio.sleep(0.1)
            assert stand.pins.pin(BUZZER).state
        assert stand.pins.lit() == []
        assert not stand.pins.pin(BUZZER).state

    run(main())


def test_a_profile_of_another_board_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_name: str, _board: object) -> None:
        raise DriverConfigError("another board")

    monkeypatch.setattr(panel_module, "check_model", refuse)
    Panel(PanelSettings("pi-4b", "mock"))
    with pytest.raises(DriverConfigError, match="another board"):
        Panel(PanelSettings("pi-4b", "lgpio"))


class FakeOled:
    """Keeps what it is shown."""

    name = "oled"

    def __init__(self) -> None:
        self.shown: list[Image.Image] = []
        self.is_gone = False

    async def show(self, image: Image.Image) -> None:
        if self.is_gone:
            raise PortGone("cable")
        self.shown.append(image)

    async def close(self) -> None:
        pass


def test_the_display_says_the_latest_and_rests_on_the_number(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_no_threads(monkeypatch, "terminal.display")
    typeface = find_typeface(None)
    idle = Face(number="126/180", line="等待 8")
    verdict = Face(SIGNS[Verdict.LOOK].shape, "请核对", line="三连")
    oled = FakeOled()
    states: list[str] = []

    async def open_at(_url: str) -> FakeOled:
        oled.is_gone = False
        return oled

    async def main() -> None:
        display = Display("i2c:///dev/i2c-1?address=0x3c", "ssd1306", None, open_at=open_at)  # type: ignore[arg-type]  # a fake
        display.set_idle(idle)
        running = asyncio.create_task(display.run(lambda state, _why: states.append(state.value)))
        await asyncio.sleep(0.1)
        display.show(verdict)
        display.set_idle(idle)
        await asyncio.sleep(0.1)
        display.rest()
        await asyncio.sleep(0.1)
        assert oled.shown == [draw(face, typeface) for face in (idle, verdict, idle)]
        oled.is_gone = True
        await asyncio.sleep(30)
        assert oled.shown[-1] == draw(idle, typeface)
        assert states == ["ready", "missing", "ready"]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run(main())


def test_a_panel_shows_the_same_word_and_shape_on_its_display(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for language, words, lane in (("zh-Hans", "word_zh", "3通道"), ("en", "word_en", "Lane 3")):
        panel = Panel(PanelSettings("pi-4b", "mock", display="sh1106", language=language))  # type: ignore[arg-type]  # a literal
        shown: list[Face] = []
        assert panel._display is not None
        monkeypatch.setattr(panel._display, "show", shown.append)
        for verdict, signs in SIGNS.items():
            panel.show(verdict, "line")
            assert shown.pop() == Face(signs.shape, getattr(signs, words), line="line")
        panel.show(Verdict.ALREADY, "line", 3)
        assert shown.pop().line == f"{lane} line"
        panel.show(Verdict.ALREADY, "", 3)
        assert shown.pop().line == lane
        panel.show_not_recorded()
        assert shown.pop().shape == NOT_RECORDED.shape


@pytest.mark.parametrize(
    ("pins", "is_good"),
    [
        ("lgpio", True),
        ("mock", True),
        ("pigpio://127.0.0.1:8888", True),
        ("pigpio://panel.local:1", True),
        ("pigpio://127.0.0.1", False),
        ("pigpio://:8888", False),
        ("native", False),
    ],
)
def test_what_may_be_said_of_pins(tmp_path: Path, pins: str, is_good: bool) -> None:
    path = tmp_path / "panel.toml"
    path.write_text(f'board = "pi-4b"\npins = "{pins}"\n')
    if is_good:
        assert load_config(path, PanelSettings).pins == pins
    else:
        with pytest.raises(ConfigError):
            load_config(path, PanelSettings)
