"""Twenty terminals with ten frames each, and one with twenty on a bad link: ours and the peers.

Every scheme gets the same channels: the same seeds, the same valleys, the same modem.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sim.air.lora import LoraSettings, airtime_s
from sim.air.medium import Medium
from tests.bench.radio_channel import Channel, valleys
from tests.bench.radio_peers import Delivery, Plan, deliver
from tests.bench.radio_poll import deliver_by_polls

SETTINGS = LoraSettings(frequency_hz=471_100_000, spreading_factor=9)
FRAME_BYTES = 115
HIDDEN_SHARES = (0.0, 0.3, 0.7)
LOSSES = (0.1, 0.3, 0.5)
_LIMIT_S = 20_000.0


@dataclass(frozen=True, slots=True)
class Case:
    """How many terminals have how much to say, and what the air is like."""

    terminals: int
    backlog: int
    hidden_share: float
    loss_chance: float


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
    return Channel(Medium(terrain, seed=seed), terrain, SETTINGS), names


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
