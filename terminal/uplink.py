"""The uplink: keeps the link's window filled with envelopes and lets receipts empty the outbox.

What was sent is never assumed to have arrived. Without a receipt it is sent again, after a while or
as soon as the link comes back; the gateway recognises repetitions.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from protocol.envelope import Origin, pack_envelope
from protocol.limits import MAX_RECORDS_PER_ENVELOPE
from protocol.receipts import Receipt
from protocol.sequences import SeqSet
from protocol.suites import SigningKey
from runtime.backoff import Backoff
from terminal.errors import OutboxBroken
from terminal.outbox import Outbox

log = logging.getLogger(__name__)

SMALL_IN_FLIGHT = 4  # beyond, records gather until an envelope is full or a receipt makes room
RESEND_FIRST_S, RESEND_LIMIT_S = 8.0, 120.0  # a gateway commits within one second unless it is ill
READ_AGAIN_S = 5.0  # a card that fails to read is given a moment before it is opened anew


@dataclass(frozen=True, slots=True)
class _Sent:
    """An envelope without a receipt."""

    first_seq: int
    last_seq: int
    at_s: float

    def is_covered_by(self, receipt: Receipt) -> bool:
        """Whether the receipt speaks of all of it, and misses none of it."""
        misses = any(
            first <= self.last_seq and self.first_seq <= last for first, last in receipt.gaps
        )
        return self.last_seq <= receipt.upto and not misses


class Uplink:
    """Moves records from the outbox towards the county. Runs in the event loop."""

    def __init__(
        self,
        outbox: Outbox,
        signing_key: SigningKey,
        backoff: Backoff,
        monotonic_s: Callable[[], float],
        *,
        records_per_envelope: int = MAX_RECORDS_PER_ENVELOPE,
    ) -> None:
        self._outbox, self._signing_key = outbox, signing_key
        self._backoff, self._monotonic_s = backoff, monotonic_s
        self._records_per_envelope = records_per_envelope
        self._wake = asyncio.Event()
        self._window = 0
        self._gateway_is_online = True
        self._in_flight: list[_Sent] = []
        """In the order they were sent."""
        self._sent_upto = 0
        self._ever_sent = SeqSet()
        """What a receipt can be about; since this process began."""
        self._patience_s = backoff.next_s()
        """How long the oldest envelope under way may go without a receipt."""
        self._receipt: Receipt | None = None

    def link_up(self, window: int) -> None:
        """The link is there: whatever waits is sent, whatever was sent is sent again."""
        self._window = window
        self._begin_again()

    def link_down(self) -> None:
        """The link is gone; nothing is sent until it is back."""
        self._window = 0

    def gateway_state(self, *, is_online: bool) -> None:
        """Hold back while nobody listens behind the broker."""
        came_back = is_online and not self._gateway_is_online
        self._gateway_is_online = is_online
        if came_back:
            self._begin_again()

    def appended(self) -> None:
        """The outbox has something new."""
        self._wake.set()

    def receipt(self, receipt: Receipt) -> None:
        """A *verified* receipt; a later one says all that an earlier one said."""
        if Origin(receipt.county, receipt.node, receipt.epoch) == self._outbox.origin:
            self._receipt = receipt
            self._wake.set()

    @property
    def sent_numbers(self) -> SeqSet:
        """Every record that was sent since this process began; not to be changed."""
        return self._ever_sent

    async def run(self, send: Callable[[bytes], None]) -> None:
        """Send and settle until cancelled. `send` raises `ConnectionError` when it cannot."""
        while True:
            self._wake.clear()
            receipt, self._receipt = self._receipt, None
            lost = self._strike_off(receipt) if receipt is not None else []
            if receipt is not None and lost:
                await self._settle(receipt)
                receipt = None
                self._sent_upto = min(sent.first_seq for sent in lost) - 1
            self._send_again_if_due()
            try:
                self._fill_window(send)
            except OutboxBroken as error:
                log.error("the outbox cannot be read: %s", error)
                self._receipt = self._receipt or receipt
                await asyncio.sleep(READ_AGAIN_S)
                continue
            if receipt is None:
                await self._sleep()
            else:  # while the next envelopes are on their way
                await self._settle(receipt)

    def _strike_off(self, receipt: Receipt) -> list[_Sent]:
        """Forget what a receipt covers; returns what went before something covered and got lost.

        A link keeps the order: what did not arrive before its successor will not arrive.
        """
        covered = [sent.is_covered_by(receipt) for sent in self._in_flight]
        arrived = max((place for place, is_in in enumerate(covered) if is_in), default=-1)
        lost = [
            sent
            for sent, is_in in zip(self._in_flight[:arrived], covered, strict=False)
            if not is_in
        ]
        self._in_flight = self._in_flight[arrived + 1 :]
        return lost

    async def _settle(self, receipt: Receipt) -> None:
        try:
            settled = await asyncio.to_thread(self._outbox.settle, receipt, self._ever_sent)
        except OutboxBroken as error:
            log.error("receipt could not be booked, asking for it again: %s", error)
            self._in_flight.insert(0, _Sent(1, receipt.upto, self._monotonic_s()))
            return
        if settled:
            self._backoff.reset()
            self._patience_s = self._backoff.next_s()
        if not self._in_flight and self._sent_upto:
            self._sent_upto = 0  # what still waits below was lost on the way: from the beginning
            self._wake.set()

    def _send_again_if_due(self) -> None:
        if self._in_flight and self._monotonic_s() >= self._due_s():
            log.info("no receipt for %d envelopes, sending again", len(self._in_flight))
            self._in_flight.clear()
            self._sent_upto = 0
            self._patience_s = self._backoff.next_s()

    def _fill_window(self, send: Callable[[bytes], None]) -> None:
        outbox = self._outbox
        while self._gateway_is_online and self._has_room():
            batch = outbox.claim(self._sent_upto, self._records_per_envelope)
            if batch is None:
                return
            message = pack_envelope(
                outbox.origin, batch.first_seq, batch.rows, batch.keys, self._signing_key
            )
            try:
                send(message)
            except ConnectionError:
                self._window = 0  # the link will say when it is back
                return
            self._in_flight.append(_Sent(batch.first_seq, batch.last_seq, self._monotonic_s()))
            self._sent_upto = batch.last_seq
            self._ever_sent.add(batch.first_seq, batch.last_seq)

    def _has_room(self) -> bool:
        under_way = len(self._in_flight)
        unsent = self._outbox.depth.captured - self._sent_upto
        is_worth_it = under_way < SMALL_IN_FLIGHT or unsent >= self._records_per_envelope
        return under_way < self._window and is_worth_it

    def _due_s(self) -> float:
        """When the oldest envelope under way has gone without a receipt for too long."""
        return min(sent.at_s for sent in self._in_flight) + self._patience_s

    async def _sleep(self) -> None:
        timeout_s = self._due_s() - self._monotonic_s() if self._in_flight else None
        try:
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        except TimeoutError:
            return

    def _begin_again(self) -> None:
        self._in_flight.clear()
        self._sent_upto = 0
        self._backoff.reset()
        self._patience_s = self._backoff.next_s()
        self._wake.set()
