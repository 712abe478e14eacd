"""What a tester can do to the simulated receiver, seen in the sentences it sends."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import takewhile

import pytest

from sim.control import ControlError
from sim.devices.gnss import SimGnss

START = datetime(2026, 12, 1, 12, tzinfo=UTC)


def device() -> SimGnss:
    return SimGnss(latitude_deg=30.0, longitude_deg=104.0, start=START, wander_m=0.0)


def said(sim: SimGnss, seconds: int = 1) -> list[bytes]:
    """All of the next seconds; to be called once."""
    return [burst.data for burst in takewhile(lambda one: one.after_s < seconds, sim.bursts())]


def fields(sim: SimGnss, kind: str, seconds: int = 1) -> list[list[str]]:
    """The fields of each sentence of a kind, the talker and kind first."""
    return [
        line[1:-5].decode().split(",")
        for line in said(sim, seconds)
        if line[:1] == b"$" and line[3:6].decode() == kind
    ]


def strengths(sim: SimGnss) -> list[str]:
    return [part[place] for part in fields(sim, "GSV") for place in range(7, len(part) - 1, 4)]


def after(act: Callable[[SimGnss], None]) -> SimGnss:
    sim = device()
    act(sim)
    return sim


def test_jump() -> None:
    lines = said(after(lambda sim: sim.troubles.jump(1852.0, 0.0, 100.0)))
    rmc, gga = (line.decode().split(",") for line in lines[:2])
    assert (gga[2], gga[9]) == ("3001.00000", "150.0")
    assert rmc[7] == "0.000"  # it does not know that it moved


def test_drift() -> None:
    sim = after(lambda sim: sim.troubles.drift(0.0, 10.0))
    places = [(rmc[5], rmc[7]) for rmc in fields(sim, "RMC", 3)]
    assert places == [  # 10 m are 0.006235 minutes of longitude at 30 degrees, and 19.438 knots
        ("10400.00623", "19.438"),
        ("10400.01247", "19.438"),
        ("10400.01870", "19.438"),
    ]


def test_jammed_a_little_and_to_the_end() -> None:
    fallen = max(strengths(after(lambda sim: sim.troubles.jam(15))))
    assert int(max(strengths(device()))) - int(fallen) == 15
    assert fields(after(lambda sim: sim.troubles.jam(15)), "RMC")[0][2] == "A"
    deaf = after(lambda sim: sim.troubles.jam(40))
    assert fields(deaf, "RMC")[0][2] == "V"
    assert set(strengths(after(lambda sim: sim.troubles.jam(40)))) == {""}


def test_spoofed() -> None:
    assert len(set(strengths(after(lambda sim: sim.troubles.spoof())))) == 1


def test_time_steps_and_a_week_that_starts_again() -> None:
    stepped = fields(after(lambda sim: sim.troubles.step_time(-3600)), "RMC")[0]
    assert (stepped[1], stepped[9]) == ("110000.00", "011226")
    rolled = fields(after(lambda sim: sim.troubles.roll_over()), "RMC")[0]
    assert (rolled[1], rolled[9]) == ("120000.00", "170407")


def test_systems_that_are_told_apart() -> None:
    sim = after(lambda sim: sim.troubles.part_systems(1000))
    sentences = fields(sim, "GGA")
    assert [one[0] for one in sentences] == ["GPGGA", "BDGGA"]
    assert [one[4] for one in sentences] == ["10400.00000", "10400.62349"]


def test_noise_comes_between_sentences_and_changes_none() -> None:
    quiet, noisy = said(device(), 5), said(after(lambda sim: sim.troubles.noise(100)), 5)
    assert [line for line in noisy if line in quiet] == quiet
    assert sum(len(line) for line in noisy) == sum(len(line) for line in quiet) + 500


@pytest.mark.parametrize(("state", "status"), [("ok", "A"), ("open", "V"), ("short", "V")])
def test_antenna(state: str, status: str) -> None:
    sim = device()
    sim.verbs["antenna"]([state])
    lines = said(sim)
    assert any(f"ANTENNA {state.upper()}*".encode() in line for line in lines)
    assert lines[0].split(b",")[2] == status.encode()


def test_a_u_blox_tells_of_its_troubles_in_packets() -> None:
    sim = after(lambda sim: sim.troubles.speak_ubx())
    packets = [line for line in said(sim) if line.startswith(b"\xb5b")]
    assert [packet[2:4] for packet in packets] == [b"\x27\x09", b"\x0a\x09"]
    assert [len(packet) for packet in packets] == [8 + 12, 8 + 60]


@pytest.mark.parametrize("talker", ["GN", "GP", "GB", "BD"])
def test_talker(talker: str) -> None:
    sim = device()
    sim.verbs["talker"]([talker])
    assert fields(sim, "RMC")[0][0] == f"{talker}RMC"


def test_calm_puts_all_right() -> None:
    sim, untouched = device(), device()
    for verb, words in {
        "jump": ["1", "2", "3"],
        "drift": ["1"],
        "jam": ["9"],
        "spoof": [],
        "time": ["-1e6"],
        "rollover": [],
        "apart": ["100"],
        "noise": ["10"],
        "antenna": ["open"],
        "ubx": [],
        "cover": [],
    }.items():
        assert sim.verbs[verb](words) is None
    sim.verbs["uncover"]([])
    sim.verbs["calm"]([])
    sim._fix_from_s = 0  # it was covered; that costs the time to re-acquire
    assert said(sim) == said(untouched)


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("jump", []),
        ("jump", ["1", "2", "3", "4"]),
        ("jump", ["far"]),
        ("jump", ["nan"]),
        ("time", ["1e300"]),
        ("jam", ["-1"]),
        ("noise", ["²"]),
        ("antenna", ["gone"]),
        ("talker", ["XX"]),
        ("spoof", ["now"]),
    ],
)
def test_words_that_make_no_sense(verb: str, words: list[str]) -> None:
    with pytest.raises(ControlError):
        device().verbs[verb](words)
