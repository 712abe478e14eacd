"""Opens what neighbours send, each frame once. Pure.

Whoever holds the group's key can speak here, a stolen terminal too, and anybody can send garbage:
the work this makes is bounded in frames a second, the memory in senders. A restart forgets which
counters were taken, together with everything they brought.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

from protocol.errors import CannotOpen, ProtocolError
from protocol.frames import FrameHeader, Opened, open_frame, parse_header
from protocol.neighbours import PeerKind, Told, point_mark, unpack_told
from protocol.radio_keys import Direction, LinkKey, link_key
from protocol.replay import CLEAR_BITS, ReplayWindow

MAX_SENDERS = 256  # terminals of a county that may be in earshot, by radio as well
MAX_FRAMES_PER_S = 100  # a lane that tells everything at once sends 5
BURST_FRAMES = 200
_GUESSES = 4
"""How many values of the counter's upper part are tried with a sender not met before: 6 * 10^7
frames, ten years of one every five seconds."""


class Heard(NamedTuple):
    """One frame of a neighbour."""

    address: int
    epoch: int
    counter: int
    told: Told
    is_newcomer: bool
    """Nobody has heard it before, or its outbox is another one now."""


@dataclass(slots=True)
class _Sender:
    key: LinkKey
    window: ReplayWindow


class Ear:
    """Opens frames of neighbours, each once."""

    def __init__(self, group_radio_key: bytes, address: int, point: str) -> None:
        self._group_radio_key, self._address = group_radio_key, address
        self._point_mark = point_mark(point)
        self._senders: OrderedDict[tuple[int, int], _Sender] = OrderedDict()
        """By address and epoch; the one heard last is last."""
        self._allowed, self._allowed_s = float(BURST_FRAMES), 0.0

    def take(self, frame: bytes, now_s: float) -> Heard | None:
        """What a frame says; `None` for whatever is not a fresh word of this point."""
        try:
            header = parse_header(frame)
        except ProtocolError:
            return None
        if header.direction is not Direction.PEER or header.address == self._address:
            return None
        if header.epoch is None or not self._is_allowed(now_s):
            return None
        name = (header.address, header.epoch)
        sender = self._senders.get(name)
        try:
            opened = self._open(sender, header, frame)
            told = unpack_told(opened.content)
        except ProtocolError:
            return None
        if opened.kind != PeerKind.SIGHTINGS or told.point_mark != self._point_mark:
            return None
        return Heard(header.address, header.epoch, opened.counter, told, sender is None)

    def _open(self, sender: _Sender | None, header: FrameHeader, frame: bytes) -> Opened:
        """Open a frame and take its counter; raises `ProtocolError`."""
        epoch = header.epoch or 0
        if sender is not None:
            opened = open_frame(sender.key, frame, sender.window)
        else:
            key = link_key(self._group_radio_key, Direction.PEER, header.address, epoch)
            opened = _open_first(key, header.clear_counter, frame)
            sender = self._senders[header.address, epoch] = _Sender(key, opened.window)
        sender.window = opened.window
        self._senders.move_to_end((header.address, epoch))
        if len(self._senders) > MAX_SENDERS:
            self._senders.popitem(last=False)
        return opened

    def _is_allowed(self, now_s: float) -> bool:
        """Whether there is work left for strangers to cause."""
        earned = (now_s - self._allowed_s) * MAX_FRAMES_PER_S
        self._allowed, self._allowed_s = min(BURST_FRAMES, self._allowed + earned), now_s
        if self._allowed < 1:
            return False
        self._allowed -= 1
        return True


def _open_first(key: LinkKey, clear_counter: int, frame: bytes) -> Opened:
    """Open a frame of somebody whose whole counter nobody here knows; raises `ProtocolError`."""
    for upper in range(_GUESSES):
        try:
            return open_frame(key, frame, ReplayWindow(upper << CLEAR_BITS | clear_counter))
        except CannotOpen:
            continue
    raise CannotOpen("no counter opens it")
