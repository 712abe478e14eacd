import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random

from protocol.envelope import Envelope
from protocol.keys import SigningKey
from protocol.receipts import Receipt
from protocol.sequences import SeqSet
from protocol.signed import peek
from runtime.backoff import Backoff
from terminal.errors import OutboxBroken
from terminal.outbox import Outbox
from terminal.uplink import SMALL_IN_FLIGHT, Uplink

WINDOW = 6
LIMIT_S = 10
SOON_S = 0.01


class WatchedOutbox(Outbox):
    """Notes when it settles; fails to as often as it is told."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "demo", "qingshan-1", [])
        self.events: list[str] = []
        self.failures = 0

    def settle(self, receipt: Receipt, sent: SeqSet) -> int:
        self.events.append("settle")
        if self.failures:
            self.failures -= 1
            raise OutboxBroken("no")
        return super().settle(receipt, sent)


class Rig:
    """An uplink with a link that notes what it is given."""

    def __init__(self, outbox: WatchedOutbox, records_per_envelope: int, resend_s: float) -> None:
        self.outbox = outbox
        self.sent: list[tuple[int, int]] = []
        self.uplink = Uplink(
            outbox,
            SigningKey.generate(),
            Backoff(resend_s, resend_s, Random(1)),
            time.monotonic,
            records_per_envelope=records_per_envelope,
        )

    def send(self, message: bytes) -> None:
        envelope = peek(message, Envelope)
        self.sent.append((envelope.first_seq, envelope.last_seq))
        self.outbox.events.append("send")

    def append(self, count: int) -> None:
        for _ in range(count):
            self.outbox.append(b"record", 1)
        self.uplink.appended()

    def receipt(self, upto: int) -> None:
        origin = self.outbox.origin
        names = origin.county, origin.node, origin.epoch
        self.uplink.receipt(Receipt(*names, upto, (), (), "gateway", 1))

    async def until_sent(self, count: int) -> None:
        await self.until(lambda: len(self.sent) == count)

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not is_so():  # noqa: ASYNC110  # the outbox has no event
                await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def rig(
    folder: Path, records_per_envelope: int, resend_s: float = LIMIT_S
) -> AsyncIterator[Rig]:
    outbox = WatchedOutbox(folder / "outbox.db")
    made = Rig(outbox, records_per_envelope, resend_s)
    made.uplink.link_up(WINDOW)
    task = asyncio.create_task(made.uplink.run(made.send))
    try:
        yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        outbox.close()


def test_an_envelope_is_as_long_as_asked(tmp_path: Path) -> None:
    async def story() -> None:
        async with rig(tmp_path, 2) as made:
            made.append(5)
            await made.until_sent(3)
            assert made.sent == [(1, 2), (3, 4), (5, 5)]

    asyncio.run(story())


def test_beyond_a_few_small_envelopes_records_gather(tmp_path: Path) -> None:
    async def story() -> None:
        async with rig(tmp_path, 100) as made:
            for count in range(1, SMALL_IN_FLIGHT + 1):
                made.append(1)
                await made.until_sent(count)
            made.append(3)
            for _ in range(20):
                await asyncio.sleep(0)
            assert len(made.sent) == SMALL_IN_FLIGHT
            made.receipt(SMALL_IN_FLIGHT)
            await made.until(lambda: len(made.sent) > SMALL_IN_FLIGHT)
            assert made.sent[-1] == (SMALL_IN_FLIGHT + 1, SMALL_IN_FLIGHT + 3)

    asyncio.run(story())


def test_the_next_envelopes_leave_before_the_receipt_is_booked(tmp_path: Path) -> None:
    async def story() -> None:
        async with rig(tmp_path, 1) as made:
            made.append(WINDOW + 1)
            await made.until_sent(WINDOW)
            made.outbox.events.clear()
            made.receipt(WINDOW)
            await made.until(lambda: len(made.outbox.events) == 2)
            assert made.outbox.events == ["send", "settle"]

    asyncio.run(story())


def test_a_receipt_that_could_not_be_booked_is_asked_for_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with rig(tmp_path, 100, SOON_S) as made:
            made.outbox.failures = 1
            made.append(3)
            await made.until(lambda: bool(made.sent))
            made.receipt(3)
            await made.until(lambda: made.outbox.failures == 0)
            before = len(made.sent)
            await made.until(lambda: len(made.sent) > before)
            assert made.sent[-1] == (1, 3)
            made.receipt(3)
            await made.until(lambda: made.outbox.depth.waiting == 0)

    asyncio.run(story())


def test_what_a_receipt_leaves_out_is_sent_again_from_the_beginning(tmp_path: Path) -> None:
    async def story() -> None:
        async with rig(tmp_path, 1) as made:
            made.append(2)
            await made.until_sent(2)
            origin = made.outbox.origin
            names = origin.county, origin.node, origin.epoch
            made.sent.clear()
            made.uplink.receipt(Receipt(*names, 2, ((1, 1),), (), "gateway", 1))
            await made.until(lambda: bool(made.sent))
            assert made.sent[0] == (1, 1)

    asyncio.run(story())
