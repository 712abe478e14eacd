"""Seeded trouble on a line, for any simulated device."""

from collections.abc import Callable, Iterator, Mapping
from random import Random
from types import MappingProxyType

from sim.devices.line import DeviceLine

Fault = Callable[[bytes, Random], Iterator[bytes]]
"""What becomes of one write of a device: the pieces that arrive."""

DAMAGE_CHANCE = 0.25  # bad enough to hit most reads somewhere, mild enough to get through
NOISE_MAX_BYTES = 20


def clean(data: bytes, _random: Random) -> Iterator[bytes]:
    """Everything arrives at once."""
    yield data


def one_byte_at_a_time(data: bytes, _random: Random) -> Iterator[bytes]:
    """Everything arrives, each byte on its own."""
    for value in data:
        yield bytes([value])


def line_noise(data: bytes, random: Random) -> Iterator[bytes]:
    """Garbage comes first."""
    yield random.randbytes(random.randint(1, NOISE_MAX_BYTES)) + data


def torn(data: bytes, random: Random) -> Iterator[bytes]:
    """Now and then the tail is lost."""
    if random.random() < DAMAGE_CHANCE:
        data = data[: random.randrange(len(data))]
    yield data


def bit_flip(data: bytes, random: Random) -> Iterator[bytes]:
    """Now and then one bit is wrong."""
    if random.random() < DAMAGE_CHANCE:
        damaged = bytearray(data)
        damaged[random.randrange(len(data))] ^= 1 << random.randrange(8)
        data = bytes(damaged)
    yield data


FAULTS: Mapping[str, Fault] = MappingProxyType(
    {fault.__name__: fault for fault in (clean, one_byte_at_a_time, line_noise, torn, bit_flip)}
)


class FaultyLine:
    """A line on which everything the device sends goes through a fault."""

    def __init__(self, line: DeviceLine, fault: Fault, seed: int) -> None:
        self._line, self.fault, self._random = line, fault, Random(seed)

    async def read(self) -> bytes:
        """See `DeviceLine.read`; the way from the host stays clean."""
        return await self._line.read()

    async def write(self, data: bytes) -> None:
        """See `DeviceLine.write`."""
        for piece in self.fault(data, self._random):
            if piece:
                await self._line.write(piece)
