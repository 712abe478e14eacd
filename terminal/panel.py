"""Says a verdict without a screen: its light and its tone, as `protocol.verdict` defines them."""

from drivers.panel.board import load_board, pin_factory
from drivers.panel.lights import Lights
from drivers.panel.tones import Beeper, Tone
from protocol.verdict import SIGNS, Beep, Verdict
from terminal.settings import PanelSettings

NOT_RECORDED = (Beep(350, 0.25), Beep(350, 0.25), Beep(350, 0.25))
"""Three low sounds: the card was read and could not be recorded. No verdict sounds like it."""
UNDONE = (Beep(1800, 0.12), Beep(900, 0.25))
"""A falling pair: the last scan was taken back."""


class Panel:
    """Lights and buzzer of one terminal."""

    def __init__(self, settings: PanelSettings) -> None:
        board = load_board(settings.board)
        self._factory = pin_factory(settings.pins)
        self._lights = Lights(board.lights, self._factory)
        self._beeper = Beeper(board.buzzer, self._factory)

    def show(self, verdict: Verdict | None) -> None:
        """Show a verdict, or put the lights out."""
        if verdict is None:
            self._lights.show(None)
            return
        self._lights.show(SIGNS[verdict].light)
        self._beeper.play(_tones(SIGNS[verdict].tone))

    def show_not_recorded(self) -> None:
        """Nothing was recorded: no light, a sound of its own."""
        self._lights.show(None)
        self._beeper.play(_tones(NOT_RECORDED))

    def show_undone(self) -> None:
        """The last scan was taken back: no light, a sound of its own."""
        self._lights.show(None)
        self._beeper.play(_tones(UNDONE))

    def close(self) -> None:
        """Dark, silent, pins free."""
        self._lights.close()
        self._beeper.close()
        self._factory.close()


def _tones(beeps: tuple[Beep, ...]) -> list[Tone]:
    return [Tone(beep.frequency_hz, beep.length_s, beep.pause_s) for beep in beeps]
