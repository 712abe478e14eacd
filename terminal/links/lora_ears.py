"""What a terminal's radio hears: the gateway's frames opened once each, everybody noted. Pure.

An opened frame is the word of *some* node of the county; what is in it has to carry its own proof.
How well somebody is heard is told by the clear bytes of their frames, which nobody has verified.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from protocol.errors import CannotOpen, Replayed
from protocol.frames import FrameHeader, open_frame, parse_header
from protocol.radio_keys import Direction, LinkKey, link_key
from protocol.radio_up import MAX_HEARD, HeardNode
from protocol.replay import ReplayWindow
from terminal.radio_memory import MAX_SENDERS, Sender

_TRIED_EPOCHS = 4  # of a sender that does not name its own: the latest
_MAX_NEIGHBOURS = 256
_MAX_FRAMES = _MIN_DBM = 255


@dataclass(slots=True)
class _Neighbour:
    rssi_dbm: int
    frames: int = 0


class Ears:
    """Opens frames with the group's key. `windows` is what was kept of the time before."""

    def __init__(self, group_radio_key: bytes, windows: Mapping[Sender, ReplayWindow]) -> None:
        self._group_radio_key = group_radio_key
        self.windows: dict[Sender, ReplayWindow] = dict(windows)
        """To be kept; whoever was heard last comes last."""
        self._keys: dict[Sender, LinkKey] = {}
        self._neighbours: dict[int, _Neighbour] = {}
        self.refused = 0
        """Frames that could not be opened, or not be read."""

    def listen(self, frame: bytes, rssi_dbm: int | None) -> tuple[FrameHeader, bytes | None]:
        """Whose frame it seems to be, and what is in it if it is to all and new.

        Raises `Malformed` for what is no frame.
        """
        header = parse_header(frame)
        self._note(header.address, rssi_dbm)
        if header.direction is not Direction.ALL:
            return header, None
        for sender in self._senders(header):
            window = self.windows.get(sender, ReplayWindow())
            try:
                opened = open_frame(self._key(sender), frame, window)
            except CannotOpen:
                continue
            except Replayed:
                return header, None
            self._keep(sender, opened.window)
            return header, opened.content
        self.refused += 1
        return header, None

    def neighbours(self) -> tuple[HeardNode, ...]:
        """Whom we hear, best first, for a status."""
        nodes = [
            HeardNode(address, max(-_MIN_DBM, min(0, each.rssi_dbm)), min(each.frames, _MAX_FRAMES))
            for address, each in self._neighbours.items()
            if each.frames
        ]
        return tuple(sorted(nodes, key=lambda node: -node.rssi_dbm)[:MAX_HEARD])

    def told_neighbours(self) -> None:
        """A status has left: count their frames anew."""
        for each in self._neighbours.values():
            each.frames = 0

    def _note(self, address: int, rssi_dbm: int | None) -> None:
        if rssi_dbm is None:
            return
        if address not in self._neighbours and len(self._neighbours) >= _MAX_NEIGHBOURS:
            return
        neighbour = self._neighbours.setdefault(address, _Neighbour(rssi_dbm))
        neighbour.rssi_dbm = rssi_dbm
        neighbour.frames += 1

    def _senders(self, header: FrameHeader) -> list[Sender]:
        if header.epoch is not None:
            return [Sender(header.direction, header.address, header.epoch)]
        sought = (header.direction, header.address)
        known = [sender for sender in self.windows if sender[:2] == sought]
        return known[: -_TRIED_EPOCHS - 1 : -1]

    def _keep(self, sender: Sender, window: ReplayWindow) -> None:
        self.windows.pop(sender, None)
        self.windows[sender] = window
        while len(self.windows) > MAX_SENDERS:
            del self.windows[next(iter(self.windows))]

    def _key(self, sender: Sender) -> LinkKey:
        key = self._keys.get(sender)
        if key is None:
            key = link_key(self._group_radio_key, *sender)
            if len(self._keys) >= MAX_SENDERS:
                self._keys.clear()
            self._keys[sender] = key
        return key
