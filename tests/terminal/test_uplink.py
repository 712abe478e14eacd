"""The uplink: a window of envelopes, receipts that empty the outbox, and nothing ever lost."""

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocol.envelope import Envelope, unpack_envelope
from protocol.limits import MAX_RECORDS_PER_ENVELOPE
from protocol.receipts import Receipt
from protocol.sequences import SeqSet
from runtime.backoff import Backoff
from sim.clock import Run
from terminal.errors import OutboxBroken
from terminal.outbox import Batch, Outbox
from terminal.outbox_file import Depth
from terminal.uplink import READ_AGAIN_S, RESEND_FIRST_S, RESEND_LIMIT_S, Uplink
from tests.inline_threads import use_inline_threads
from tests.outboxes import Bench, receipt
from tests.quick_disk import quick_disk

MADE_MS = 1_790_000_000_000
WINDOW = 3
SOON_S = 0.01


class FakeLink:
    """Keeps what was sent, or refuses to take it."""

    def __init__(self, bench: Bench) -> None:
        self._key = bench.terminal.signing_key.public_key()
        self.sent: list[tuple[int, int]] = []
        """First and last number of every envelope."""
        self.is_up = True
        self.heard: Callable[[Envelope], None] = lambda _: None

    def send(self, message: bytes) -> None:
        if not self.is_up:
            raise ConnectionError("not connected")
        envelope = unpack_envelope(message, self._key)
        self.sent.append((envelope.first_seq, envelope.last_seq))
        self.heard(envelope)


class Rig:
    """An uplink at work in virtual time."""

    def __init__(self, bench: Bench, outbox: Outbox) -> None:
        use_inline_threads()
        self.outbox, self.link = outbox, FakeLink(bench)
        self.uplink = Uplink(
            outbox,
            bench.terminal.signing_key,
            Backoff(RESEND_FIRST_S, RESEND_LIMIT_S, Random(1)),
            asyncio.get_running_loop().time,
        )
        self._task = asyncio.create_task(self.uplink.run(self.link.send))

    def append(self, count: int) -> None:
        for _ in range(count):
            self.outbox.append(b"x", MADE_MS)
        self.uplink.appended()

    async def soon(self) -> list[tuple[int, int]]:
        """What was sent since the last look, once everything has had its turn."""
        await asyncio.sleep(SOON_S)
        sent, self.link.sent = self.link.sent, []
        return sent

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "outbox.db")


@pytest.fixture
def outbox(bench: Bench) -> Iterator[Outbox]:
    with quick_disk():
        opened = bench.open()
        yield opened
        opened.close()


def settled(outbox: Outbox, upto: int, gaps: tuple[tuple[int, int], ...] = ()) -> Receipt:
    stored = SeqSet([(1, upto)])
    for first, last in gaps:
        stored.discard(first, last)
    return receipt(outbox.origin, stored)


def test_nothing_is_sent_before_the_link_is_up(run: Run, bench: Bench, outbox: Outbox) -> None:
    async def main() -> None:
        rig = Rig(bench, outbox)
        rig.append(1)
        assert await rig.soon() == []
        rig.uplink.link_up(WINDOW)
        assert await rig.soon() == [(1, 1)]
        rig.append(1)
        assert await rig.soon() == [(2, 2)]
        await rig.stop()

    run(main())


def test_the_window_is_kept_and_moves_with_receipts(run: Run, bench: Bench, outbox: Outbox) -> None:
    most = MAX_RECORDS_PER_ENVELOPE

    async def main() -> None:
        rig = Rig(bench, outbox)
        rig.append(4 * most + 1)
        rig.uplink.link_up(WINDOW)
        assert await rig.soon() == [(n * most + 1, (n + 1) * most) for n in range(WINDOW)]
        rig.append(1)
        assert await rig.soon() == []
        rig.uplink.receipt(settled(outbox, 2 * most))
        assert await rig.soon() == [(3 * most + 1, 4 * most), (4 * most + 1, 4 * most + 2)]
        await rig.stop()

    run(main())


def test_without_a_receipt_it_is_sent_again_ever_more_rarely(
    run: Run, bench: Bench, outbox: Outbox
) -> None:
    async def main() -> None:
        rig = Rig(bench, outbox)
        loop = asyncio.get_running_loop()
        times: list[float] = []
        rig.link.heard = lambda _: times.append(loop.time())
        rig.append(1)
        rig.uplink.link_up(WINDOW)
        await asyncio.sleep(2000)
        waits = [later - earlier for earlier, later in pairwise(times)]
        assert RESEND_FIRST_S / 2 <= waits[0] <= RESEND_FIRST_S
        assert waits[1] > waits[0]
        assert max(waits) <= RESEND_LIMIT_S
        assert len(times) < 2000 / (RESEND_LIMIT_S / 2) + 6
        rig.uplink.receipt(settled(outbox, 1))
        await rig.soon()
        await asyncio.sleep(1000)
        assert await rig.soon() == []
        await rig.stop()

    run(main())


def test_everything_is_sent_again_when_the_link_comes_back(
    run: Run, bench: Bench, outbox: Outbox
) -> None:
    async def main() -> None:
        rig = Rig(bench, outbox)
        rig.append(2)
        rig.uplink.link_up(WINDOW)
        assert await rig.soon() == [(1, 2)]
        rig.uplink.link_down()
        rig.append(1)
        await asyncio.sleep(1000)
        assert await rig.soon() == []
        rig.uplink.link_up(WINDOW)
        assert await rig.soon() == [(1, 3)]
        await rig.stop()

    run(main())


def test_a_gap_is_sent_again_at_once(run: Run, bench: Bench, outbox: Outbox) -> None:
    async def main() -> None:
        rig = Rig(bench, outbox)
        rig.uplink.link_up(WINDOW)
        for _ in range(3):
            rig.append(1)
            await rig.soon()
        rig.uplink.receipt(settled(outbox, 3, gaps=((2, 2),)))
        assert await rig.soon() == [(2, 2)]
        await rig.stop()

    run(main())


def test_nothing_is_sent_while_no_gateway_listens(run: Run, bench: Bench, outbox: Outbox) -> None:
    async def main() -> None:
        rig = Rig(bench, outbox)
        rig.uplink.gateway_state(is_online=False)
        rig.uplink.link_up(WINDOW)
        rig.append(1)
        await asyncio.sleep(1000)
        assert await rig.soon() == []
        rig.uplink.gateway_state(is_online=True)
        assert await rig.soon() == [(1, 1)]
        rig.uplink.gateway_state(is_online=True)  # said twice: no reason to send again
        assert await rig.soon() == []
        await rig.stop()

    run(main())


def test_a_link_that_turns_out_to_be_down_is_left_alone_until_it_is_back(
    run: Run, bench: Bench, outbox: Outbox
) -> None:
    async def main() -> None:
        rig = Rig(bench, outbox)
        rig.link.is_up = False
        rig.append(1)
        rig.uplink.link_up(WINDOW)
        await rig.soon()
        rig.link.is_up = True
        rig.append(1)
        assert await rig.soon() == []
        rig.uplink.link_up(WINDOW)
        assert await rig.soon() == [(1, 2)]
        await rig.stop()

    run(main())


def test_a_receipt_from_before_a_roll_back_settles_nothing_unsent(
    run: Run, bench: Bench, outbox: Outbox
) -> None:
    """The file came back with an old counter; the county's word is about other records."""

    async def main() -> None:
        rig = Rig(bench, outbox)
        rig.append(3)
        rig.uplink.receipt(settled(outbox, 10))
        assert await rig.soon() == []
        assert outbox.depth.waiting == 3
        rig.uplink.link_up(WINDOW)
        assert await rig.soon() == [(1, 3)]
        rig.append(1)  # waits: few envelopes are under way, but this one was not sent before
        rig.uplink.receipt(settled(outbox, 3))
        await rig.soon()
        assert outbox.depth.waiting == 1
        await rig.stop()

    run(main())


def test_a_receipt_for_another_outbox_changes_nothing(
    run: Run, bench: Bench, outbox: Outbox
) -> None:
    origin = outbox.origin
    others = [
        type(origin)("other", origin.node, origin.epoch),
        type(origin)(origin.county, "t2", origin.epoch),
        type(origin)(origin.county, origin.node, origin.epoch ^ 1),
    ]

    async def main() -> None:
        rig = Rig(bench, outbox)
        rig.append(1)
        rig.uplink.link_up(WINDOW)
        assert await rig.soon() == [(1, 1)]
        for other in others:
            rig.uplink.receipt(receipt(other, [(1, 5000)]))
            assert await rig.soon() == []
        # Nor does one push a receipt aside that is ours.
        rig.uplink.receipt(settled(outbox, 1))
        rig.uplink.receipt(receipt(others[2], [(1, 5000)]))
        await rig.soon()
        assert outbox.depth.waiting == 0
        await rig.stop()

    run(main())


class BrokenOnce:
    """An outbox whose verb fails once."""

    def __init__(self, outbox: Outbox, verb: str) -> None:
        self._outbox, self._verb, self.failures = outbox, verb, 1
        self.origin = outbox.origin

    @property
    def depth(self) -> Depth:
        return self._outbox.depth

    def claim(self, after_seq: int, limit: int) -> Batch | None:
        self._fail("claim")
        return self._outbox.claim(after_seq, limit)

    def settle(self, receipt: Receipt, sent: SeqSet) -> int:
        self._fail("settle")
        return self._outbox.settle(receipt, sent)

    def append(self, body: bytes, made_ms: int) -> int:
        return self._outbox.append(body, made_ms)

    def _fail(self, verb: str) -> None:
        if verb == self._verb and self.failures:
            self.failures -= 1
            raise OutboxBroken("reading failed")


def test_an_outbox_that_cannot_be_read_is_tried_again(
    run: Run, bench: Bench, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        rig = Rig(bench, BrokenOnce(outbox, "claim"))  # type: ignore[arg-type]  # a fake
        rig.append(1)
        rig.uplink.link_up(WINDOW)
        assert await rig.soon() == []
        await asyncio.sleep(READ_AGAIN_S)
        assert await rig.soon() == [(1, 1)]
        await rig.stop()

    run(main())
    assert "cannot be read" in caplog.text


def test_a_receipt_that_cannot_be_booked_is_asked_for_again(
    run: Run, bench: Bench, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        rig = Rig(bench, BrokenOnce(outbox, "settle"))  # type: ignore[arg-type]  # a fake
        rig.link.heard = lambda envelope: rig.uplink.receipt(settled(outbox, envelope.last_seq))
        rig.append(1)
        rig.uplink.link_up(WINDOW)
        await rig.soon()
        assert outbox.depth.waiting == 1
        await asyncio.sleep(RESEND_FIRST_S)
        assert outbox.depth.waiting == 0
        await rig.stop()

    run(main())
    assert "could not be booked" in caplog.text


class Chaos:
    """A gateway behind a link that loses, repeats, delays and reorders, in both directions."""

    def __init__(self, rig: Rig, random: Random) -> None:
        self._rig, self._random = rig, random
        self.ledger: dict[int, bytes] = {}
        self.is_kind = False
        self.stored = SeqSet()

    def hear(self, envelope: Envelope) -> None:
        for _ in range(self._copies()):
            self._later(self._admit, envelope)

    def _admit(self, envelope: Envelope) -> None:
        for seq, sealed in enumerate(envelope.sealed, envelope.first_seq):
            assert self.ledger.setdefault(seq, sealed) == sealed
        self.stored.add(envelope.first_seq, envelope.last_seq)
        word = receipt(self._rig.outbox.origin, list(self.stored))
        for _ in range(self._copies()):
            self._later(self._rig.uplink.receipt, word)

    def _copies(self) -> int:
        return 1 if self.is_kind else self._random.choice([0, 0, 1, 1, 2])

    def _later(self, what: Callable[..., None], argument: object) -> None:
        delay_s = self._random.uniform(0, 0.1 if self.is_kind else 30)
        asyncio.get_running_loop().call_later(delay_s, what, argument)

    async def rage(self) -> None:
        """Cuts, restarts of the gateway, people at the reader."""
        uplink = self._rig.uplink
        for _ in range(12):
            events: list[Callable[[], None]] = [
                lambda: self._rig.append(self._random.randint(1, 40)),
                lambda: self._rig.append(1),
                uplink.link_down,
                lambda: uplink.link_up(self._random.randint(1, 5)),
                lambda: uplink.gateway_state(is_online=self._random.random() < 0.5),
            ]
            self._random.choice(events)()
            await asyncio.sleep(self._random.uniform(0, 60))


@given(seed=st.integers(0, 2**32))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_nothing_is_ever_lost(run: Run, seed: int) -> None:
    async def main(folder: Path) -> None:
        bench = Bench(folder / "outbox.db")
        outbox = bench.open()
        rig = Rig(bench, outbox)
        chaos = Chaos(rig, Random(seed))
        rig.link.heard = chaos.hear
        rig.append(30)
        sealed = {seq: body for _, seq, body in bench.nonces(outbox)}
        await chaos.rage()
        sealed |= {seq: body for _, seq, body in bench.nonces(outbox)}
        chaos.is_kind = True
        rig.uplink.gateway_state(is_online=True)
        rig.uplink.link_up(2)
        await asyncio.sleep(4 * RESEND_LIMIT_S)
        assert outbox.depth.waiting == 0
        assert set(chaos.ledger) == set(range(1, outbox.depth.captured + 1))
        assert sealed.items() <= chaos.ledger.items()
        await rig.stop()
        outbox.close()

    with quick_disk(), tempfile.TemporaryDirectory() as folder:
        run(main(Path(folder)))
