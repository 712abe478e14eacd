"""Muster with one protection taken away: what the negative controls start.

    python -m tests.system.weakened WEAKNESS terminal|gateway run --config FILE

A harness that finds nothing missing after one of these would find nothing after anything.
"""

import sys
import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

import gateway.app
import runtime.database
import terminal.app
from gateway.store.sqlite import SqliteLedger
from muster import main
from protocol.envelope import Envelope
from protocol.receipts import Receipt
from protocol.signed import peek
from terminal.links.mqtt import MqttLink
from terminal.outbox import Outbox
from terminal.outbox_file import Note

LATE_S = 3.0  # how long a promise is ahead of the disk: more than a page needs to show it


class PubackLink(MqttLink):
    """Takes the broker's PUBACK for the county's receipt."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._sent: dict[int, Envelope] = {}

    def send_envelope(self, message: bytes) -> None:
        """Remember what the PUBACK will be about."""
        mid = self._connection.publish(self._records_topic, message)
        self._sent[mid] = peek(message, Envelope)

    def published(self, mid: int, *, refused: bool) -> None:
        """Believe it."""
        envelope = self._sent.pop(mid, None)
        if envelope is not None and not refused:
            self._listener._uplink.receipt(  # type: ignore[attr-defined]  # the county's own
                Receipt(
                    envelope.county,
                    envelope.node,
                    envelope.epoch,
                    envelope.last_seq,
                    (),
                    (),
                    "nobody",
                    0,
                )
            )


class EarlyOutbox(Outbox):
    """Confirms a record before it is on the disk."""

    _next_seq = 0

    def append(self, body: bytes, made_ms: int, note: Note | None = None) -> int:
        """Promise a number now, store the record later."""
        self._next_seq = max(self._next_seq, self.depth.captured) + 1
        threading.Timer(LATE_S, super().append, (body, made_ms, note)).start()
        return self._next_seq


class EarlyLedger(SqliteLedger):
    """Lets receipts go out before the commit."""

    def commit(self, *args: Any, **options: Any) -> None:
        """Promise now, store later."""
        threading.Timer(LATE_S, super().commit, args, options).start()


WEAKNESSES: Mapping[str, Callable[[], Any]] = MappingProxyType(
    {
        "synchronous-normal": lambda: patch.object(runtime.database, "SYNCHRONOUS", "NORMAL"),
        "puback-settles": lambda: patch.object(terminal.app, "MqttLink", PubackLink),
        "verdict-before-commit": lambda: patch.object(terminal.app, "Outbox", EarlyOutbox),
        "receipt-before-commit": lambda: patch.object(gateway.app, "SqliteLedger", EarlyLedger),
    }
)


if __name__ == "__main__":
    weakness = sys.argv.pop(1)
    with WEAKNESSES[weakness]():
        main()
