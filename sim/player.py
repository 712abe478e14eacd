"""Plays a story on a county: hands hold cards, a link is cut, a terminal is killed.

A hand holds its card until the screen has answered, as people do. Paced, taps happen at their
time; unpaced, each as soon as the one before it is answered. Either way somebody who goes on to
another point taps there only after the first point has answered.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import chain

from sim.county import County, Post
from sim.devices.card import Card
from sim.devices.idreader import ReadMoment
from sim.people import SimPerson
from sim.story import Story, Tap
from sim.witness import SeenVerdict

PATIENCE_S = 5.0  # then one takes the card away and tries again
MAX_TRIES = 12
WALK_S = 1.0  # between two points at the very least: more than the points' clocks can differ
AWAY_S = 1.5  # a reader takes a card for gone after a second: until then it is the same tap
STEP_ASIDE_S = 0.6  # paced: before the next card


class NoAnswer(RuntimeError):
    """A terminal did not answer a card, however often it was shown."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A tap, and the record its person was shown a verdict on."""

    tap: Tap
    seen: SeenVerdict


@dataclass(slots=True)
class Played:
    """What happened."""

    scans: int = 0
    """Cards presented, counting those that had to be presented again."""
    acknowledged: list[Acknowledged] = field(default_factory=list)
    link_cuts: int = 0
    kills: int = 0


class Player:
    """Plays one story once."""

    def __init__(
        self,
        county: County,
        story: Story,
        *,
        is_paced: bool,
        progressed: Callable[[Played], None] = lambda _: None,
    ) -> None:
        self._county, self._story, self._is_paced = county, story, is_paced
        self._progressed = progressed
        self._answered_s: dict[str, float] = {}
        self._open_taps: dict[SimPerson, deque[Tap]] = {}
        """What everybody still has to do, in order."""
        for tap in sorted(chain(*story.taps.values()), key=lambda tap: tap.at_s):
            self._open_taps.setdefault(tap.who, deque()).append(tap)
        self._last_cards: dict[str, Card] = {}
        """What was laid on the reader of each point last."""
        self._freed = asyncio.Event()
        self._now_s = asyncio.get_running_loop().time
        self._begun_s = self._now_s()
        self.played = Played()

    async def play(self) -> Played:
        """Play to the end. Raises `NoAnswer` or `ProcessDied`."""
        self._begun_s = self._now_s()
        async with asyncio.TaskGroup() as tasks:
            for post in self._county.posts.values():
                tasks.create_task(self._play_point(post))
        return self.played

    async def _play_point(self, post: Post) -> None:
        story, point = self._story, post.point.name
        taps = story.taps[point]
        is_cut, cut_from_s, cut_to_s = False, story.cut.from_s, story.cut.to_s
        for index, tap in enumerate(taps):
            shall_be_cut = point == story.cut.point and cut_from_s <= tap.at_s < cut_to_s
            if shall_be_cut != is_cut:
                is_cut = shall_be_cut
                await (post.link.cut() if is_cut else post.link.restore())
                self.played.link_cuts += is_cut
            if self._is_paced:
                await asyncio.sleep(self._begun_s + tap.at_s - self._now_s())
            await self._until_free(tap)
            is_killed = (point, index) == (story.kill.point, story.kill.tap_index)
            seen = await self._tap(post, tap, kill=is_killed)
            self._done(tap, seen)
        if is_cut:
            await post.link.restore()

    async def _tap(self, post: Post, tap: Tap, *, kill: bool) -> SeenVerdict:
        card = card_of(tap.who)
        for _ in range(MAX_TRIES):
            self._county.check()
            if self._last_cards.get(tap.point) == card:
                post.reader.remove()
                await asyncio.sleep(AWAY_S)
            self._last_cards[tap.point] = card
            before = post.witness.latest
            self.played.scans += 1
            post.reader.present(card)
            if kill:
                kill = False
                await self._kill_while_reading(post, card)
                continue
            try:
                async with asyncio.timeout(PATIENCE_S):
                    seen = await post.witness.next_verdict(before)
            except TimeoutError:
                post.reader.remove()
                continue
            if self._is_paced:
                await asyncio.sleep(STEP_ASIDE_S)
                post.reader.remove()
            return seen
        raise NoAnswer(f"{post.node} did not answer a card that was shown {MAX_TRIES} times")

    async def _kill_while_reading(self, post: Post, card: Card) -> None:
        await post.reader.read_moment(ReadMoment.STARTED, card)
        await post.process.kill()
        self.played.kills += 1
        post.reader.remove()
        await post.process.start()
        await post.witness.until_back()

    async def _until_free(self, tap: Tap) -> None:
        """Wait until this person's earlier taps are answered, and for the walk in between."""
        while self._open_taps[tap.who][0] is not tap:
            await self._freed.wait()
        answered_s = self._answered_s.get(tap.who.id_number)
        if answered_s is not None:
            await asyncio.sleep(max(0.0, answered_s + WALK_S - self._now_s()))

    def _done(self, tap: Tap, seen: SeenVerdict) -> None:
        now_s = self._now_s()
        self._open_taps[tap.who].popleft()
        self._answered_s[tap.who.id_number] = now_s
        at_s = now_s - self._begun_s
        self.played.acknowledged.append(Acknowledged(replace(tap, at_s=at_s), seen))
        freed, self._freed = self._freed, asyncio.Event()
        freed.set()
        self._progressed(self.played)


def card_of(person: SimPerson) -> Card:
    """The resident identity card of an invented person."""
    return Card(
        number=person.id_number,
        name=person.name,
        sex=person.sex.value,
        born=f"{person.born:%Y%m%d}",
    )
