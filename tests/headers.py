"""Pins for tests: gpiozero's mock ones, behind the same `Header` as real ones."""

from typing import Any

from drivers.errors import PortGone
from drivers.panel.pins import Header, open_pins


class MockPins:
    """Opens mock pins, as often as asked; `pin(n)` is a pin of those opened last."""

    def __init__(self) -> None:
        self.header: Header | None = None
        self.refusals = 0
        self.opened = 0

    async def open(self, _where: str = "mock") -> Header:
        if self.refusals:
            self.refusals -= 1
            raise PortGone("nobody there")
        self.opened += 1
        self.header = await open_pins("mock")
        return self.header

    def pin(self, number: int) -> Any:
        assert self.header is not None
        return self.header.factory.pin(number)

    def lit(self) -> list[str]:
        """Which lights of our profiles are on."""
        lights = {"accepted": 5, "look": 6, "stop": 13}
        return [name for name, number in lights.items() if self.pin(number).state]

    def lose(self) -> None:
        """The pins stop answering."""
        assert self.header is not None

        def fail() -> None:
            raise PinsBroken

        self.header._trouble = (PinsBroken,)
        try:
            with self.header.guard():
                fail()
        except PortGone:
            pass


class PinsBroken(Exception):
    """What the library of broken pins raises."""
