"""What a terminal's radio frames brought, between the link that opened them and intake."""

from dataclasses import dataclass, field

from protocol.errors import Malformed
from protocol.radio_up import Progress, split_progress
from protocol.replay import ReplayWindow

_LONE = Progress(left=0, backlog=0)


@dataclass(frozen=True, slots=True)
class UpFrame:
    """An authentic frame that was not taken before."""

    node: str
    epoch: int
    window: ReplayWindow
    """Which frames of that epoch have been taken, with this one: to be stored with its content."""
    skipped: int
    """Frames sent since the last that was heard of this epoch, as the counter tells."""
    kind: int
    """`UpKind`, or a number of a later release."""
    content: bytes = field(repr=False)
    """With its progress."""

    @property
    def progress(self) -> Progress:
        """Where in its burst it stands; that of a lone frame if it does not say so."""
        try:
            return split_progress(self.content)[0]
        except Malformed:
            return _LONE
