"""A row of the readers' contract: a driver, its simulated device, and what can be promised."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Protocol

from drivers.port import BytePort
from drivers.readers.base import CardRead, CardReader, CardTrouble, CodeRead, ReaderEvent
from sim.devices.line import DeviceLine
from sim.memory import MemoryCable


class SimReader(Protocol):
    """The hand with the card, code or tag, and the device it is held to."""

    def present(self, thing: Any) -> None: ...
    def remove(self) -> None: ...
    async def run(self) -> None: ...


class Cable(Protocol):
    """What joins a driver and its device."""

    @property
    def host(self) -> BytePort: ...
    @property
    def device(self) -> DeviceLine: ...
    def unplug(self) -> None: ...


async def memory_cable() -> Cable:
    return MemoryCable()


@dataclass(frozen=True)
class Thing:
    """What the hand presents, what it must be read as, and what of it nobody may see."""

    given: Any
    reads_as: str
    secrets: tuple[str, ...]


class Promise(Enum):
    """What a reader can promise on a bad line; it follows from the redundancy of its device."""

    READ = auto()  # everything is read, once and in order: the driver can ask again
    HONEST = auto()  # what is read is right; instead of the rest there is a trouble: check digits
    TOTAL = auto()  # no exception and nothing in the log: a wrong text looks like a right one


BAD_LINES = ("line_noise", "torn", "bit_flip")


@dataclass(frozen=True)
class Kind:
    """One row. A line that loses and adds nothing is READ for every reader.

    The last of `deck` is the first again.
    """

    driver: Callable[[BytePort], CardReader]
    device: Callable[[DeviceLine], SimReader]
    deck: Sequence[Thing]
    promises: Mapping[str, Promise] = field(
        default_factory=lambda: dict.fromkeys(BAD_LINES, Promise.TOTAL)
    )
    cable: Callable[[], Coroutine[Any, Any, Cable]] = memory_cable
    has_bytes_one_by_one: bool = True  # its cable can tear an answer so, as a serial line does
    is_quick: bool = True  # an hour of its virtual time takes a moment


def told(event: ReaderEvent) -> str | None:
    """What an event names, for comparing with `Thing.reads_as`; None for a trouble."""
    if isinstance(event, CardTrouble):
        return None
    if isinstance(event, CardRead):
        return event.number
    if isinstance(event, CodeRead):
        return event.text
    return event.uid.hex() if event.text is None else event.text
