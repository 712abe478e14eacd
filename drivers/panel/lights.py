"""Lights: one at a time, on for as long as a verdict is shown."""

from gpiozero import LED, Factory
from msgspec import structs

from drivers.panel.board import LightPins


class Lights:
    """The verdict lights of a panel."""

    def __init__(self, pins: LightPins, factory: Factory) -> None:
        self._lights = {
            name: LED(pin, pin_factory=factory, initial_value=False)
            for name, pin in structs.asdict(pins).items()
        }

    def show(self, name: str | None) -> None:
        """Light the one of this name (`accepted`, `look`, `stop`), or none."""
        for each, light in self._lights.items():
            if each == name:
                light.on()
            else:
                light.off()

    def close(self) -> None:
        """Switch everything off and free the pins."""
        for light in self._lights.values():
            light.close()
