"""The stream of a Meshtastic node: messages among text and damage. Pure. hw/meshtastic.md 2."""

import re
from collections.abc import Iterator
from typing import Final

from drivers.radios.meshtastic_messages import FromRadio, decode
from drivers.radios.protobuf import ProtobufError

START: Final = b"\x94\xc3"
HEADER_BYTES: Final = len(START) + 2
MAX_MESSAGE_BYTES: Final = 512
WAKE: Final = START[1:] * 32
"""Wakes a node that sleeps, and takes its parser out of a broken frame."""

TEXT_BYTES: Final = 8  # shorter runs are found in noise, too
_TEXT = re.compile(rb"[\x20-\x7e]{%d}" % TEXT_BYTES)


def pack(message: bytes) -> bytes:
    """One message as it goes over the line, either way."""
    return START + len(message).to_bytes(2, "big") + message


class MessageSplitter:
    """Cuts a byte stream into messages; what is none is skipped. No I/O and no clock."""

    def __init__(self) -> None:
        self.pending = bytearray()
        self._skipped = b""  # the end of what was no frame, for a text that comes in pieces
        self.texts = 0
        """Grows with text between frames: a node in use writes some when it restarts."""

    def feed(self, data: bytes) -> Iterator[FromRadio]:
        """Take what has come in; the messages that are whole by now."""
        self.pending += data
        while self._find_start():
            if len(self.pending) < HEADER_BYTES:
                return
            end = HEADER_BYTES + int.from_bytes(self.pending[2:HEADER_BYTES], "big")
            if end > HEADER_BYTES + MAX_MESSAGE_BYTES:
                del self.pending[0]
                continue
            if len(self.pending) < end:
                return
            try:
                message = decode(bytes(self.pending[HEADER_BYTES:end]))
            except ProtobufError:
                del self.pending[0]  # a frame that was torn has the next one within
                continue
            del self.pending[:end]
            yield message

    def give_up(self) -> Iterator[FromRadio]:
        """Nothing more has come for too long: abandon the unfinished frame and look behind it."""
        while self.pending:
            del self.pending[0]
            yield from self.feed(b"")

    def _find_start(self) -> bool:
        """Bring a frame's beginning to the front, or keep what may become one."""
        start = self.pending.find(START)
        if start < 0:
            start = len(self.pending) - self.pending.endswith(START[:1])
        skipped = self._skipped + self.pending[:start]
        del self.pending[:start]
        runs = list(_TEXT.finditer(skipped))
        self.texts += len(runs)
        self._skipped = skipped[runs[-1].end() if runs else 0 :][-TEXT_BYTES:]
        return self.pending.startswith(START)
