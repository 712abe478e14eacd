"""Lights: one at a time, on for as long as a verdict is shown."""

from gpiozero import LED
from msgspec import structs

from drivers.panel.board import LightPins
from drivers.panel.pins import Header


class Lights:
    """The verdict lights of a panel."""

    def __init__(self, pins: LightPins, header: Header) -> None:
        self._header = header
        self._lights: dict[str, LED] = {}
        with header.guard():
            for name, pin in structs.asdict(pins).items():
                self._lights[name] = LED(pin, pin_factory=header.factory, initial_value=False)

    def show(self, name: str | None) -> None:
        """Light the one of this name (`accepted`, `look`, `stop`), or none. Raises `PortGone`."""
        with self._header.guard():
            for each, light in self._lights.items():
                if each == name:
                    light.on()
                else:
                    light.off()

    def close(self) -> None:
        """Switch everything off and free the pins."""
        for light in self._lights.values():
            self._header.release(light.close)
