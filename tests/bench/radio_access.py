"""Twenty terminals with ten frames each, and one with twenty on a bad link: ours and the peers.

Every scheme gets the same channels: the same seeds, the same valleys, the same modem.
"""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sim.air.lora import LoraSettings, airtime_s
from sim.air.medium import Medium
from tests.bench.harness import Figure
from tests.bench.radio_channel import ON_SPI, ON_UART, Channel, Modem, valleys
from tests.bench.radio_ours import deliver_ours
from tests.bench.radio_peers import PLANS, STOP_AND_WAIT, Delivery, Plan, deliver
from tests.bench.radio_poll import deliver_by_polls

SETTINGS = LoraSettings(frequency_hz=471_100_000, spreading_factor=9)
FRAME_BYTES = 115
HIDDEN_SHARES = (0.0, 0.3, 0.7)
TERMINALS, BACKLOG, LOSS = 20, 10, 0.05
RUNS, CONTESTS = 10, 5  # channels each; contests take long and differ little
LOSSES = (0.1, 0.3, 0.5)
LONE_BACKLOG, LONE_RUNS = 20, 40
MARK_S = 140.0
_POLL, _IDEAL = "plain poll", "airtime alone"
_LIMIT_S = 20_000.0


@dataclass(frozen=True, slots=True)
class Case:
    """How many terminals have how much to say, and what the air is like."""

    terminals: int
    backlog: int
    hidden_share: float
    loss_chance: float
    modem: Modem = ON_UART


Scheme = Callable[[Case, int], Delivery]
"""Delivers in a case with a seed."""


def mean_delivery(scheme: Scheme, case: Case, runs: int) -> Delivery:
    """The mean over so many channels."""
    done = [scheme(case, seed) for seed in range(runs)]
    return Delivery(
        statistics.mean(each.held_s for each in done),
        round(statistics.mean(each.frames_sent for each in done)),
    )


def channel_of(case: Case, seed: int) -> tuple[Channel, Sequence[str]]:
    """A new channel, and the names of its terminals."""
    names = [f"t{number}" for number in range(case.terminals)]
    terrain = valleys(
        names, hidden_share=case.hidden_share, loss_chance=case.loss_chance, seed=seed
    )
    return Channel(Medium(terrain, seed=seed), terrain, SETTINGS, case.modem), names


def ideal_s(frames: int, frame_bytes: int = FRAME_BYTES) -> float:
    """Frames back to back, each once, with nothing in between: no scheme can be faster."""
    return frames * airtime_s(SETTINGS, frame_bytes)


def contest(plan: Plan) -> Scheme:
    """Terminals that all follow a plan."""

    def scheme(case: Case, seed: int) -> Delivery:
        channel, names = channel_of(case, seed)
        return deliver(
            channel,
            plan,
            SETTINGS,
            names,
            backlog=case.backlog,
            frame_bytes=FRAME_BYTES,
            seed=seed,
            limit_s=_LIMIT_S,
        )

    return scheme


def polls(case: Case, seed: int) -> Delivery:
    """Terminals that are asked in turns."""
    channel, names = channel_of(case, seed)
    return deliver_by_polls(
        channel,
        SETTINGS,
        names,
        backlog=case.backlog,
        frame_bytes=FRAME_BYTES,
        limit_s=_LIMIT_S,
    )


def ours(case: Case, seed: int) -> Delivery:
    """Our own engines."""
    channel, names = channel_of(case, seed)
    return deliver_ours(
        channel,
        SETTINGS,
        names,
        backlog=case.backlog,
        frame_bytes=FRAME_BYTES,
        seed=seed,
        limit_s=_LIMIT_S,
    )


def measure_access() -> Iterator[Figure]:
    """Elapsed seconds until the gateway holds everything, beside peers and beside the mark."""
    shortest_s = ideal_s(TERMINALS * BACKLOG)
    contests = {name: contest(plan) for name, plan in PLANS.items()}
    for hidden_share in HIDDEN_SHARES:
        case = Case(TERMINALS, BACKLOG, hidden_share, LOSS)
        best = mean_delivery(ours, case, RUNS).held_s
        peers = {
            name: mean_delivery(scheme, case, CONTESTS).held_s for name, scheme in contests.items()
        }
        peers |= {_POLL: mean_delivery(polls, case, RUNS).held_s, _IDEAL: shortest_s}
        title = f"{TERMINALS} terminals with {BACKLOG} frames each, {LOSS:.0%} lost"
        column = f"{hidden_share:.0%} hidden pairs"
        for name, each_s in peers.items():
            yield _figure(title, best, each_s, name, column)
        yield _marked(f"{TERMINALS} x {BACKLOG} frames, {column}", best)
    on_spi = Case(TERMINALS, BACKLOG, HIDDEN_SHARES[1], LOSS, ON_SPI)
    yield _marked(
        f"{TERMINALS} x {BACKLOG} frames, modem on SPI", mean_delivery(ours, on_spi, RUNS).held_s
    )


def measure_losses() -> Iterator[Figure]:
    """One terminal on one bad link, both ways: elapsed seconds. Nobody stops before the end."""
    schemes = {"stop and wait": contest(STOP_AND_WAIT), _POLL: polls}
    for loss in LOSSES:
        case = Case(1, LONE_BACKLOG, 0.0, loss)
        best = mean_delivery(ours, case, LONE_RUNS).held_s
        peers = {
            name: mean_delivery(scheme, case, LONE_RUNS).held_s for name, scheme in schemes.items()
        }
        title = f"{LONE_BACKLOG} frames on a bad link until all are delivered"
        for name, each_s in {**peers, _IDEAL: ideal_s(LONE_BACKLOG)}.items():
            yield _figure(title, best, each_s, name, f"{loss:.0%} lost each way")


def _marked(name: str, best_s: float) -> Figure:
    return Figure(
        name,
        best_s,
        ideal_s(TERMINALS * BACKLOG),
        "s",
        _IDEAL,
        MARK_S,
        mark_is_absolute=True,
        less_is_better=True,
    )


def _figure(name: str, best_s: float, peer_s: float, peer_name: str, column: str) -> Figure:
    return Figure(name, best_s, peer_s, "s", peer_name, less_is_better=True, column=column)
