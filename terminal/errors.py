"""What can go wrong in a terminal beyond its devices.

TerminalError
├── OutboxFull      no room: nothing was recorded; the operator must free space or export
└── OutboxBroken    the card or disk failed while writing: nothing was promised; retried once
"""


class TerminalError(Exception):
    """Base of what the terminal's own parts raise."""


class OutboxFull(TerminalError):
    """There is no room for another record. It was not recorded and must not be confirmed."""


class OutboxBroken(TerminalError):
    """Storage failed. The record may or may not be there; it must not be confirmed."""
