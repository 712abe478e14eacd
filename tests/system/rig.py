"""A small county of real processes, a hand that presents cards, and what must hold in the end.

Everything here may be killed by a test at any time; whatever waits is bounded by `live`.
"""

import asyncio
import contextlib
import random
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from functools import wraps
from itertools import count
from pathlib import Path
from typing import Any, Final, ParamSpec

from protocol.keys import Identity, decode_identity
from provisioning.layout import IDENTITY, NODE_IDENTITY
from sim.audit import chain_differences, ledger_differences, read_ledger
from sim.county import County, Post, Setting, towns
from sim.devices.card import Card
from sim.faults import Fault, clean
from sim.people import SimPerson, make_people
from sim.player import Acknowledged, card_of
from sim.ports import free_port
from sim.story import Tap, TapKind
from sim.witness import SeenVerdict
from tests.system.powerdir import PowerDir

POINT: Final = "qingshan"
NODE: Final = f"{POINT}-1"
GATEWAY: Final = "gateway"
PEOPLE: Final = 3000  # more than any test presents: a card that comes again is another story
DRAIN_LIMIT_S: Final = 30.0  # two resends (terminal.uplink.RESEND_FIRST_S) and a reconnect
LOG_TAIL_CHARS: Final = 3000
WEAKENED: Final = (sys.executable, "-m", "tests.system.weakened")

Parameters = ParamSpec("Parameters")
Story = Callable[Parameters, Coroutine[Any, Any, None]]


def live(limit_s: float) -> Callable[[Story[Parameters]], Callable[Parameters, None]]:
    """Make a test of a coroutine, and fail it after so many seconds of real time."""

    def make(story: Story[Parameters]) -> Callable[Parameters, None]:
        @wraps(story)
        def test(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
            async def bounded() -> None:
                async with asyncio.timeout(limit_s):
                    await story(*args, **kwargs)

            asyncio.run(bounded())

        return test

    return make


@contextlib.asynccontextmanager
async def small_county(
    folder: Path,
    *,
    programs: Mapping[str, Sequence[str]] | None = None,
    data: Mapping[str, Path] | None = None,
    reader_fault: Fault = clean,
    radio_seed: int | None = None,
) -> AsyncIterator[tuple[County, Post]]:
    """A broker, a gateway and one terminal, ready; their last words go with any error."""
    setting = Setting(
        folder=folder / "county",
        points=towns(1),
        people=make_people(1, PEOPLE, [POINT], card_lost_share=0),
        web_port=free_port(),
        poll_s=0.002,
        is_paced=False,
        has_gnss=False,
        reader_fault=reader_fault,
        radio_seed=radio_seed,
        data=data or {},
        programs=programs or {},
    )
    try:
        async with County(setting) as county:
            await county.until_ready()
            yield county, county.posts[POINT]
    except BaseException as error:
        for log in sorted((folder / "county-logs").glob("*.log")):
            error.add_note(f"--- {log.name}\n{log.read_text()[-LOG_TAIL_CHARS:]}")
        raise


class Hand:
    """Presents one person's card after the other and remembers what the screen acknowledged."""

    def __init__(self, county: County, post: Post) -> None:
        self.acknowledged: list[Acknowledged] = []
        self._post = post
        self._people = iter(county.setting.people)

    async def scan(self, times: int = 1) -> None:
        """Hold each card until the screen answers, however often the terminal is killed."""
        for _ in range(times):
            await self.scan_of(self.next_person())

    async def scan_of(self, who: SimPerson) -> SeenVerdict:
        """The same for this person's card; returns what the screen showed."""
        witness, reader = self._post.witness, self._post.reader
        before = witness.latest
        reader.present(card_of(who))
        seen = await witness.next_verdict(before)
        reader.remove()
        tap = Tap(0.0, self._post.point.name, who, TapKind.EXPECTED)
        self.acknowledged.append(Acknowledged(tap, seen))
        return seen

    @contextlib.asynccontextmanager
    async def scanning(self) -> AsyncIterator[None]:
        """Scan without a pause; at the end the card that is up is answered still."""
        is_done = asyncio.Event()

        async def scan_on() -> None:
            while not is_done.is_set():
                await self.scan()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(scan_on())
            yield
            is_done.set()

    @contextlib.asynccontextmanager
    async def scanning_in_vain(self) -> AsyncIterator[None]:
        """The same, but who holds a card in the end goes away unanswered."""

        async def scan_on() -> None:
            for _ in count():
                await self.scan()

        task = asyncio.create_task(scan_on())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._post.reader.remove()

    def next_person(self) -> SimPerson:
        """Somebody who was not here yet."""
        return next(self._people)

    def next_card(self) -> Card:
        """The card of somebody who was not here yet."""
        return card_of(self.next_person())


async def until_page(post: Post, holds: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Wait for a page of the station of which `holds` is true."""
    while not (post.witness.page and holds(post.witness.page)):
        await post.witness.changed()
    return post.witness.page


async def drained(post: Post, limit_s: float = DRAIN_LIMIT_S) -> None:
    """Wait until the county has receipted everything. Raises `TimeoutError`."""
    async with asyncio.timeout(limit_s):
        await post.witness.until_all_receipted()


def losses(county: County, hand: Hand) -> list[str]:
    """One sentence for everything that was acknowledged and is not in the ledger as shown."""
    key = identity_of(county.paths.gateway).county_key
    return list(ledger_differences(read_ledger(county.ledger), hand.acknowledged, key))


async def assert_nothing_lost_or_doubled(
    county: County, post: Post, hand: Hand, limit_s: float = DRAIN_LIMIT_S
) -> None:
    """After everything has drained: the ledger has each record once, without a gap."""
    await drained(post, limit_s)
    assert losses(county, hand) == []
    assert list(chain_differences(county.ledger)) == []
    ledger = read_ledger(county.ledger)  # raises for a record that is there twice
    epochs = {epoch for _, epoch, _ in ledger}
    assert len(epochs) == 1, "the outbox was created anew"
    assert sorted(seq for _, _, seq in ledger) == list(range(1, len(ledger) + 1))
    assert post.witness.page["custody"]["captured"] == len(ledger)
    assert post.witness.page["custody"]["refused"] == 0


def identity_of(folder: Path) -> Identity:
    """The keys of a node's folder."""
    return decode_identity((folder / IDENTITY / NODE_IDENTITY).read_bytes())


async def revive(post: Post) -> None:
    """Start a terminal that has ended, and wait until its page and its reader are back."""
    await post.process.start()
    await post.witness.until_back()
    await post.witness.until_ready()


async def power_cut(disk: PowerDir, after_operations: int) -> None:
    """Let the power of a disk go after so many more changes, and wait until it has gone."""
    disk.cut_before(after_operations)
    await asyncio.to_thread(disk.wait_for_cut)


async def random_moment(chance: random.Random, limit_s: float) -> None:
    """A while at whose end something is killed: no event may decide when."""
    await asyncio.sleep(chance.uniform(0, limit_s))
