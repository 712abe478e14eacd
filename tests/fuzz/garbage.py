"""What a bad line makes of good traffic, and what was never traffic; seeded."""

from collections.abc import Sequence
from random import Random

from tests.fuzz.row import Traffic

NOISE_BYTES = 3000  # above the longest frame of any device
FRAMES = 6  # of valid traffic in one piece of garbage
HEADS = 200
DAMAGES = 12


def garbage(random: Random, frame: Traffic, head: bytes) -> bytes:
    """Some bytes for a framer to get over: noise, damaged traffic, or heads without bodies."""
    kind = random.choice((_noise, _damaged, _damaged, _heads))
    return kind(random, frame, head)


def pieces(random: Random, data: bytes) -> Sequence[bytes]:
    """The same bytes as a line brings them: some at once, some one by one."""
    largest = random.choice((1, 7, 64, 4096))
    cut: list[bytes] = []
    at = 0
    while at < len(data):
        size = random.randint(1, largest)
        cut.append(data[at : at + size])
        at += size
    return cut


def _noise(random: Random, _frame: object, _head: bytes) -> bytes:
    return random.randbytes(random.randint(1, NOISE_BYTES))


def _heads(random: Random, _frame: object, head: bytes) -> bytes:
    """Beginnings without an end, some cut short."""
    return b"".join(
        head[: random.randint(1, len(head))] + random.randbytes(random.randint(0, 3))
        for _ in range(random.randint(1, HEADS))
    )


def _damaged(random: Random, frame: Traffic, _head: bytes) -> bytes:
    data = bytearray(b"".join(frame(random)[0] for _ in range(random.randint(1, FRAMES))))
    for _ in range(random.randint(1, DAMAGES)):
        at = random.randrange(len(data) + 1)
        match random.randrange(5):
            case 0:
                if at < len(data):
                    data[at] ^= 1 << random.randrange(8)
            case 1:
                del data[at : at + random.randint(1, 40)]
            case 2:
                data[at:at] = random.randbytes(random.randint(1, 40))
            case 3:
                data[at:at] = data[: random.randint(0, 80)]  # said twice
            case _:
                del data[at:]  # torn
        if not data:
            break
    return bytes(data)
