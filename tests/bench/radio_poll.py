"""The plainest scheme that is not a contest: the gateway asks one terminal after the other.

A poll says which frames the gateway has and grants up to `GRANT` more; a terminal that says nothing
is asked again in the next round. The gateway knows who has a backlog and how long it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sim.air.lora import LoraSettings, airtime_s
from tests.bench.radio_channel import GATEWAY, Channel, Modem
from tests.bench.radio_peers import Delivery

POLL_BYTES = 31
GRANT = 5
_MARGIN_S = 0.02
_FRAMES_OF_SILENCE = 2  # the first may be lost
_POLL, _DATA = 1, 2
_HELD = slice(2, 10)  # a bitmap of 64 frames


@dataclass(slots=True)
class PolledSender:
    """A terminal with a backlog of frames, which speaks when it is asked."""

    address: int
    backlog: int
    frame_bytes: int
    _burst: list[int] = field(default_factory=list)

    def heard(self, frame: bytes, now_s: float) -> None:  # noqa: ARG002  # Station's signature
        """A poll of its own."""
        if frame[0] == _POLL and frame[1] == self.address:
            held = int.from_bytes(frame[_HELD], "big")
            missing = [number for number in range(self.backlog) if not held >> number & 1]
            self._burst = missing[:GRANT]

    def next_transmission(self, now_s: float) -> bytes | None:  # noqa: ARG002  # likewise
        """The next frame of what was granted."""
        if not self._burst:
            return None
        number = self._burst.pop(0)
        head = bytes([_DATA, self.address, number, len(self._burst)])
        return head.ljust(self.frame_bytes, b"\0")

    def wake_at_s(self) -> float | None:
        """It waits to be asked."""
        return None


class PollingGateway:
    """Asks everybody who has something left, in turns."""

    def __init__(
        self,
        terminals: int,
        backlog: int,
        settings: LoraSettings,
        modem: Modem,
        frame_bytes: int,
    ) -> None:
        self.held: list[set[int]] = [set() for _ in range(terminals)]
        self._backlog = backlog
        self._frame_s = modem.send_lag_s + airtime_s(settings, frame_bytes)
        self._modem = modem
        self._asked = terminals - 1
        self._has_asked = False
        self._until_s = 0.0

    @property
    def is_done(self) -> bool:
        """Whether it has everything."""
        return all(len(each) == self._backlog for each in self.held)

    def heard(self, frame: bytes, now_s: float) -> None:
        """A frame of the terminal that was asked."""
        _, address, number, left = frame[:4]
        self.held[address].add(number)
        self._until_s = now_s + (left * self._frame_s + _MARGIN_S if left else 0.0)

    def next_transmission(self, now_s: float) -> bytes | None:
        """The next poll, once the one before has been answered or not."""
        if self._has_asked:
            self._has_asked = False
            lags_s = 2 * self._modem.receive_lag_s + _MARGIN_S
            self._until_s = now_s + lags_s + _FRAMES_OF_SILENCE * self._frame_s
        if now_s < self._until_s or self.is_done:
            return None
        count = len(self.held)
        after = ((self._asked + step) % count for step in range(1, count + 1))
        self._asked = next(each for each in after if len(self.held[each]) < self._backlog)
        self._has_asked = True
        held = sum(1 << number for number in self.held[self._asked])
        head = bytes([_POLL, self._asked]) + held.to_bytes(8, "big")
        return head.ljust(POLL_BYTES, b"\0")

    def wake_at_s(self) -> float | None:
        """When an answer would have come."""
        return None if self.is_done else self._until_s


def deliver_by_polls(
    channel: Channel,
    settings: LoraSettings,
    terminals: Sequence[str],
    *,
    backlog: int,
    frame_bytes: int,
    limit_s: float,
) -> Delivery:
    """Have terminals deliver a backlog each. Raises `RuntimeError` if that takes too long."""
    gateway = PollingGateway(len(terminals), backlog, settings, channel.modem, frame_bytes)
    channel.join(GATEWAY, gateway)
    for address, name in enumerate(terminals):
        channel.join(name, PolledSender(address, backlog, frame_bytes))
    if not channel.run(lambda: gateway.is_done, limit_s):
        raise RuntimeError("the polls did not deliver the backlog")
    return Delivery(channel.now_s, sum(channel.sent[name] for name in terminals))
