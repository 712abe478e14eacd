"""The push buttons of a panel."""

from collections.abc import Callable
from functools import partial

from drivers.panel.board import Button, ButtonPins
from drivers.panel.contact import Contact
from drivers.panel.debounce import Press
from drivers.panel.pins import Header

SETTLE_S = 0.02  # hw/panel.md 3: contacts of push buttons bounce for up to 10 ms, old ones longer
HOLD_S = 1.0  # longer than any knock of an elbow, shorter than a gloved hand's patience


HELD = frozenset({Button.UNDO, Button.PAUSE})
"""What takes something away acts only when held; the others act when pressed."""


class Buttons:
    """Calls `on_button` once per press, in the event loop."""

    def __init__(
        self, pins: ButtonPins, header: Header, on_button: Callable[[Button], None]
    ) -> None:
        self.contacts = [
            Contact(
                getattr(pins, button.value),
                header,
                partial(press, button),
                partial(on_button, button),
            )
            for button in Button
        ]


def press(button: Button, is_down: bool) -> Press:
    """The logic of one button that is up or down now."""
    return Press(is_down, settle_s=SETTLE_S, hold_s=HOLD_S if button in HELD else 0.0)
