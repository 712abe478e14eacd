"""Whole musters by radio alone: people queue, cards are shown, and the county's board fills.

MQTT is down throughout. The judge of the simulated air looks at every transmission.
"""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from gateway.links.lora import TURNS_OF_A_BEACON
from sim.air.judge import Judge
from sim.air.lora import LoraSettings, longest_frame_bytes
from sim.air.medium import Medium
from sim.air.regions import CN470, EU868, Region
from terminal.links.lora_access import BATCH_S
from tests.bench.harness import Figure
from tests.bench.radio_channel import GATEWAY, Channel, valleys
from tests.bench.radio_ours import OurGateway, OurTerminal, pace_of
from tests.bench.radio_stories import START_S, county_rush

HIDDEN_SHARE, LOSS_CHANCE = 0.3, 0.05
SEED = 1
_LIMIT_S = 4 * 3600.0
_CHINA = LoraSettings(frequency_hz=471_100_000, spreading_factor=9)
_EUROPE = LoraSettings(frequency_hz=869_525_000, spreading_factor=9)  # 10 % of an hour
_EUROPE_ALLOWS_S = 360.0
_BATCHING = "what a terminal waits for more to send"


@dataclass(frozen=True, slots=True)
class Law:
    """A region, and how a county uses a channel of it."""

    region: Region
    settings: LoraSettings
    frame_bytes: int
    turns_per_schedule: int


LAWS = (
    Law(CN470, _CHINA, longest_frame_bytes(_CHINA, 1.0) or 0, turns_per_schedule=1),
    Law(EU868, _EUROPE, frame_bytes=115, turns_per_schedule=TURNS_OF_A_BEACON),
)
SIZES = ((1, 200), (20, 4000))
"""Townships, and people in all of them."""


@dataclass(frozen=True, slots=True)
class Muster:
    """How a muster went. Times are seconds since the call."""

    check_ins: int
    last_card_s: float
    on_board_s: float
    """When the county held every check-in."""
    waits_s: list[float]
    """From each card to the board."""
    terminal_air_s: float
    """Of the terminal that sent most."""
    gateway_air_s: float
    breaches: int


def hold(law: Law, townships: int, people: int, seed: int) -> Muster:
    """A muster of so many people. Raises `RuntimeError` if the board never shows everybody."""
    names = [f"point-{number:02}" for number in range(1, townships + 1)]
    stories = county_rush(seed, people, names)
    terrain = valleys(names, hidden_share=HIDDEN_SHARE, loss_chance=LOSS_CHANCE, seed=seed)
    medium = Medium(terrain, seed=seed, judge=Judge(law.region))
    channel = Channel(medium, terrain, law.settings)
    pace = pace_of(law.settings, channel.modem, law.frame_bytes, law.turns_per_schedule)
    order = stories[names[0]].order
    addresses = {name: number for number, name in enumerate(names, 1)}
    gateway = OurGateway(addresses, order, pace)
    channel.join(GATEWAY, gateway, listens_first=True)
    cards_s: dict[tuple[str, int], float] = {}
    for name, story in stories.items():
        terminal = OurTerminal(name, addresses[name], order, pace, seed)
        terminal.engine.begin(channel.now_s)
        channel.join(name, terminal, listens_first=True)
        for each, row in zip(story.records, story.rows(0, len(story.records)), strict=True):
            at_s = float(row[1] - START_S)
            cards_s[name, each.seq] = at_s
            channel.call_at(at_s, partial(terminal.append, each, at_s), name)
    if not channel.run(lambda: len(gateway.held_at_s) == len(cards_s), _LIMIT_S):
        raise RuntimeError("the board never showed everybody")
    return Muster(
        check_ins=len(cards_s),
        last_card_s=max(cards_s.values()),
        on_board_s=channel.now_s,
        waits_s=[gateway.held_at_s[each] - at_s for each, at_s in cards_s.items()],
        terminal_air_s=max(channel.air_s[name] for name in names),
        gateway_air_s=channel.air_s[GATEWAY],
        breaches=channel.breaches,
    )


def measure_musters() -> Iterator[Figure]:
    """A township and a county, under two laws. Raises `RuntimeError` for a breach of the law."""
    for law in LAWS:
        for townships, people in SIZES:
            column = f"{law.region.name}, {townships} x {people // townships} people"
            muster = hold(law, townships, people, SEED)
            if muster.breaches:
                raise RuntimeError(f"{column}: {muster.breaches} transmissions were illegal")
            yield from _figures(column, muster)


def _figures(column: str, muster: Muster) -> Iterator[Figure]:
    by_wait = statistics.quantiles(muster.waits_s, n=100)
    allowed = "10 % of an hour, as in Europe"
    rows = [
        ("everybody on the board", muster.on_board_s, muster.last_card_s, "the last card"),
        ("card to board, median", by_wait[49], BATCH_S, _BATCHING),
        ("card to board, 99 of 100", by_wait[98], BATCH_S, _BATCHING),
        ("busiest terminal's airtime", muster.terminal_air_s, _EUROPE_ALLOWS_S, allowed),
        ("gateway's airtime", muster.gateway_air_s, _EUROPE_ALLOWS_S, allowed),
    ]
    for name, ours, peer, peer_name in rows:
        title = f"muster by radio alone: {name}"
        yield Figure(title, ours, peer, "s", peer_name, less_is_better=True, column=column)
