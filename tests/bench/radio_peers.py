"""The schemes ours is compared with: senders that contend for the channel, a gateway that acks.

All of them send a frame, or a burst of frames, and wait for an ack that says which frames of theirs
the gateway has. Without it they back off, longer each time, and send again what is missing.
Frames are as long as the real ones and hold no more than the scheme needs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from random import Random

from sim.air.lora import LoraSettings, airtime_s
from tests.bench.radio_channel import GATEWAY, Channel, Modem

ACK_BYTES = 20
IDLE_S = 0.12  # longer than a gateway takes from a frame to its ack: 50 ms
SLOT_S = 0.04  # CAD and the way to the antenna
SLOTS = 32  # 20 senders do best with 32 to 64
_MARGIN_S = 0.02
_MOST_DOUBLINGS = 5

_DATA, _ACK = 1, 2
_HELD = slice(2, 10)  # a bitmap of 64 frames


class Access(Enum):
    """When a sender may begin."""

    AT_ONCE = "whenever it likes"
    CLEAR = "when it hears nobody"
    IDLE = "when it has heard nobody for as long as an ack takes to begin"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a sender behaves. `is_alone`: nobody else is there, so it never backs off."""

    access: Access
    burst: int = 1
    is_alone: bool = False


PLANS = {
    "ALOHA": Plan(Access.AT_ONCE),
    "LBT": Plan(Access.CLEAR),
    "LBT, 120 ms idle": Plan(Access.IDLE),
    "LBT, idle, burst 5": Plan(Access.IDLE, burst=5),
}
STOP_AND_WAIT = Plan(Access.AT_ONCE, is_alone=True)


@dataclass(slots=True)
class Sender:
    """A terminal with a backlog of frames. `busy_until_s` is its modem's carrier sense."""

    address: int
    backlog: int
    frame_bytes: int
    settings: LoraSettings
    modem: Modem
    plan: Plan
    busy_until_s: Callable[[], float]
    dice: Random
    missing: list[int] = field(init=False)
    """What the gateway has not acknowledged."""
    _burst: list[int] = field(default_factory=list)
    _has_sent: bool = False
    _ack_until_s: float | None = None
    _not_before_s: float = 0.0
    _failures: int = 0

    def __post_init__(self) -> None:
        self.missing = list(range(self.backlog))
        if not self.plan.is_alone:
            self._not_before_s = self.dice.uniform(0, self._frame_s * self.plan.burst)

    def heard(self, frame: bytes, now_s: float) -> None:
        """Only an ack of its own means anything."""
        if frame[0] != _ACK or frame[1] != self.address:
            return
        held = int.from_bytes(frame[_HELD], "big")
        self.missing = [number for number in self.missing if not held >> number & 1]
        if self._ack_until_s is not None:
            self._ack_until_s = None
            self._failures = 0
            self._not_before_s = now_s

    def next_transmission(self, now_s: float) -> bytes | None:
        """The next frame of a burst, or the first of one if it may begin."""
        if self._has_sent and not self._burst:
            self._has_sent = False
            self._ack_until_s = now_s + self._ack_wait_s
        if self._ack_until_s is not None:
            if now_s < self._ack_until_s:
                return None
            self._back_off(now_s)
        if not self._burst and not self._may_begin(now_s):
            return None
        number = self._burst.pop(0)
        self._has_sent = True
        head = bytes([_DATA, self.address, number, not self._burst])
        return head.ljust(self.frame_bytes, b"\0")

    def wake_at_s(self) -> float | None:
        """The end of the wait for an ack, or when to look at the channel again."""
        if self._ack_until_s is not None:
            return self._ack_until_s
        return self._not_before_s if self.missing else None

    @property
    def _frame_s(self) -> float:
        return airtime_s(self.settings, self.frame_bytes)

    @property
    def _ack_wait_s(self) -> float:
        ack_s = airtime_s(self.settings, ACK_BYTES)
        return 2 * self.modem.receive_lag_s + self.modem.send_lag_s + ack_s + _MARGIN_S

    def _back_off(self, now_s: float) -> None:
        self._ack_until_s = None
        self._failures = min(self._failures + 1, _MOST_DOUBLINGS)
        if not self.plan.is_alone:
            most_s = self._frame_s * self.plan.burst * 2**self._failures
            self._not_before_s = now_s + self.dice.uniform(0, most_s)

    def _may_begin(self, now_s: float) -> bool:
        if not self.missing or now_s < self._not_before_s:
            return False
        busy_until_s = self.busy_until_s()
        idle_s = IDLE_S if self.plan.access is Access.IDLE else 0.0
        if self.plan.access is not Access.AT_ONCE and now_s < busy_until_s + idle_s:
            slots = self.dice.randrange(SLOTS)
            self._not_before_s = busy_until_s + idle_s + slots * SLOT_S
            return False
        self._burst = self.missing[: self.plan.burst]
        return True


class AckingGateway:
    """Acks each burst at once: after its last frame, or when no more of it comes."""

    def __init__(self, settings: LoraSettings, modem: Modem, frame_bytes: int) -> None:
        self.held: dict[int, set[int]] = {}
        self._gap_s = airtime_s(settings, frame_bytes) + modem.send_lag_s + _MARGIN_S
        self._due_s: dict[int, float] = {}

    def heard(self, frame: bytes, now_s: float) -> None:
        """Keep what came; more of the burst may follow."""
        if frame[0] != _DATA:
            return
        address, number, is_last = frame[1:4]
        self.held.setdefault(address, set()).add(number)
        self._due_s[address] = now_s if is_last else now_s + self._gap_s

    def next_transmission(self, now_s: float) -> bytes | None:
        """The ack that has been due longest."""
        due = [address for address, due_s in self._due_s.items() if due_s <= now_s]
        if not due:
            return None
        address = min(due, key=lambda each: self._due_s[each])
        del self._due_s[address]
        held = sum(1 << number for number in self.held[address])
        head = bytes([_ACK, address]) + held.to_bytes(8, "big")
        return head.ljust(ACK_BYTES, b"\0")

    def wake_at_s(self) -> float | None:
        """When the next ack is due."""
        return min(self._due_s.values(), default=None)


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a scheme got a backlog through."""

    held_s: float
    """When the gateway had everything."""
    frames_sent: int
    """By the terminals."""


def deliver(
    channel: Channel,
    plan: Plan,
    settings: LoraSettings,
    terminals: Sequence[str],
    *,
    backlog: int,
    frame_bytes: int,
    seed: int,
    limit_s: float,
) -> Delivery:
    """Have terminals deliver a backlog each by a plan.

    Raises `RuntimeError` if that takes longer than `limit_s`.
    """
    gateway = AckingGateway(settings, channel.modem, frame_bytes)
    channel.join(GATEWAY, gateway)
    senders = []
    for address, name in enumerate(terminals):

        def busy_until_s(name: str = name) -> float:
            return channel.busy_until_s(name)

        dice = Random(f"{seed} {name}")
        sender = Sender(
            address, backlog, frame_bytes, settings, channel.modem, plan, busy_until_s, dice
        )
        channel.join(name, sender)
        senders.append(sender)
    everything = backlog * len(terminals)
    if not channel.run(lambda: sum(map(len, gateway.held.values())) == everything, limit_s):
        raise RuntimeError("a peer did not deliver its backlog")
    frames_sent = sum(channel.sent[name] for name in terminals)
    return Delivery(channel.now_s, frames_sent)
