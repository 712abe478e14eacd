"""The demo: a county on this machine, a story played on it, and an audit of what came of it."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from protocol.keys import decode_identity
from provisioning.layout import IDENTITY, NODE_IDENTITY
from sim.audit import board_differences, chain_differences, ledger_differences, read_ledger
from sim.county import County, Setting, towns
from sim.outage import Outage
from sim.people import make_people
from sim.player import Played, Player
from sim.story import tell
from sim.truth import Truth, board_truth

RUSH_S = 60.0  # paced: the call's rush squeezed into a minute, so that a demo stays watchable
PACED_POLL_S, UNPACED_POLL_S = 0.25, 0.002
DRAIN_LIMIT_S, RADIO_DRAIN_LIMIT_S = 120.0, 400.0
LINKED_LIMIT_S = 60.0  # a terminal tries every half a minute
BOARD_SETTLES_S = 10.0  # the board follows the ledger within a fraction of a second
POLL_S = 0.1


class Links(Enum):
    """How records get to the county."""

    MQTT = "mqtt"
    """By the network; one point's link is cut for a while."""
    LORA = "lora"
    """By radio alone: the network goes before the first card."""
    FAILOVER = "failover"
    """The network goes in the middle and comes back when the radio has brought everything."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asked the demo for."""

    folder: Path
    people: int
    terminals: int
    seed: int
    web_port: int
    is_paced: bool
    recordings: Sequence[Path] = ()
    links: Links = Links.MQTT


@dataclass(slots=True)
class Summary:
    """What came of it; written to `--json` as it stands, without the differences."""

    people: int
    scans: int = 0
    captured: int = 0
    stored: int = 0
    duplicates_dropped: int = 0
    lost: int = 0
    link_cuts: int = 0
    kills: int = 0
    records_by_radio: int = 0
    radio_frames: int = 0
    radio_airtime_s: float = 0.0
    wall_s: float = 0.0
    differences: list[str] = field(default_factory=list)


class Demo:
    """One county and its story."""

    def __init__(self, wish: Wish) -> None:
        points = towns(wish.terminals)
        names = [point.name for point in points]
        people = make_people(wish.seed, wish.people, names)
        self._links = wish.links
        self.story = tell(wish.seed, people, names, rush_s=RUSH_S)
        if wish.links is not Links.MQTT:
            never = replace(self.story.cut, from_s=math.inf, to_s=math.inf)
            self.story = replace(self.story, cut=never)
        self.taps = sum(len(taps) for taps in self.story.taps.values())
        self._is_paced = wish.is_paced
        self.county = County(
            Setting(
                folder=wish.folder / "county",
                points=points,
                people=people,
                web_port=wish.web_port,
                poll_s=PACED_POLL_S if wish.is_paced else UNPACED_POLL_S,
                is_paced=wish.is_paced,
                recordings=wish.recordings,
                radio_seed=None if wish.links is Links.MQTT else wish.seed,
            )
        )

    async def play(self, progressed: Callable[[Played], None]) -> Summary:
        """Play the story on the running county, let everything drain, and compare."""
        began_s = time.monotonic()
        outage = Outage(self.county)
        if self._links is Links.LORA:
            await outage.begin()

        def follow(played: Played) -> None:
            if self._links is Links.FAILOVER and len(played.acknowledged) >= self.taps // 2:
                outage.begin_soon()
            progressed(played)

        player = Player(self.county, self.story, is_paced=self._is_paced, progressed=follow)
        played = await player.play()
        summary = Summary(people=len(self.story.people))
        await self._drain(summary)
        await self._account_for_radio(outage, played, summary)
        await self._compare(played, summary)
        summary.wall_s = round(time.monotonic() - began_s, 2)
        return summary

    async def _drain(self, summary: Summary) -> None:
        posts = self.county.posts.values()
        try:
            limit_s = DRAIN_LIMIT_S if self.county.air is None else RADIO_DRAIN_LIMIT_S
            async with asyncio.timeout(limit_s):
                await asyncio.gather(*(post.witness.until_all_receipted() for post in posts))
        except TimeoutError:
            summary.differences.append("a terminal still waits for the county's receipts")
        summary.captured = sum(post.witness.page["custody"]["captured"] for post in posts)

    async def _account_for_radio(self, outage: Outage, played: Played, summary: Summary) -> None:
        air = self.county.air
        if air is None:
            return
        played.link_cuts += outage.cuts
        summary.records_by_radio = (await self.county.board())["stored"] - outage.stored_before
        summary.radio_frames, summary.radio_airtime_s = air.frames, round(air.airtime_s, 1)
        summary.differences += [f"unlawful on the air: {each}" for each in air.breaches]
        if summary.records_by_radio <= 0:
            summary.differences.append("the radio brought nothing")
        if self._links is Links.FAILOVER:
            await self._back_on_the_network(outage, summary)

    async def _back_on_the_network(self, outage: Outage, summary: Summary) -> None:
        await outage.end()
        posts = self.county.posts.values()
        try:
            async with asyncio.timeout(LINKED_LIMIT_S):
                await asyncio.gather(*(post.witness.until_linked() for post in posts))
        except TimeoutError:
            summary.differences.append("a terminal did not find back to the network")

    async def _compare(self, played: Played, summary: Summary) -> None:
        database = self.county.ledger
        identity = self.county.paths.gateway / IDENTITY / NODE_IDENTITY
        county_key = decode_identity(identity.read_bytes()).county_key
        ledger = await asyncio.to_thread(read_ledger, database)
        lost = list(ledger_differences(ledger, played.acknowledged, county_key))
        summary.differences += [*lost, *await asyncio.to_thread(_chain, database)]
        summary.scans, summary.stored, summary.lost = played.scans, len(ledger), len(lost)
        summary.link_cuts, summary.kills = played.link_cuts, played.kills
        if summary.stored != summary.captured:
            summary.differences.append(
                f"{summary.captured} records were captured, {summary.stored} are in the ledger"
            )
        truth = board_truth(self.story, [each.tap for each in played.acknowledged])
        await self._compare_board(truth, summary)

    async def _compare_board(self, truth: Truth, summary: Summary) -> None:
        deadline_s = time.monotonic() + BOARD_SETTLES_S
        while True:
            board = await self.county.board()
            found = list(board_differences(board, truth))
            if not found or time.monotonic() > deadline_s:
                break
            await asyncio.sleep(POLL_S)
        summary.differences += found
        summary.duplicates_dropped = board["duplicates"]


def _chain(database: Path) -> list[str]:
    return list(chain_differences(database))
