"""Truth tables of the air. SF7: a symbol is 1.024 ms, the preamble 12.5 ms, 20 bytes 56.6 ms."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.air.hearing import Hearing, Outcome
from sim.air.judge import Breach, Judge
from sim.air.lora import LoraSettings, airtime_s, needed_from_s, preamble_s, symbol_s
from sim.air.medium import AirError, Medium
from sim.air.regions import CN470
from sim.air.terrain import HIDDEN, Link, LogDistance, Place, Terrain, TerrainError

SF7 = LoraSettings(frequency_hz=471_100_000, spreading_factor=7, power_dbm=14)
FRAME = bytes(20)
LONG_S = airtime_s(SF7, 20)
PREAMBLE_S = preamble_s(SF7)
NEEDED_S = needed_from_s(SF7)
SYMBOL_S = symbol_s(SF7)
FOREVER_S = 1e6
NEAR = Link(path_loss_db=100.0)  # -86 dBm

R, H, C, F = Outcome.RECEIVED, Outcome.HELD, Outcome.COLLISION, Outcome.FADED


def a_medium(
    links: dict[tuple[str, str], Link] | None = None,
    names: str = "abg",
    *,
    loss_chance: float = 0.0,
    fading_db: float = 0.0,
    judge: Judge | None = None,
) -> Medium:
    """Radios that all hear each other at -86 dBm, but for `links`; all of them listen."""
    model = LogDistance(100.0, 1.0, 2.0, fading_db)
    terrain = Terrain(links or {}, model=model, level_db=100.0, loss_chance=loss_chance)
    medium = Medium(terrain, seed=1, judge=judge)
    for name in names:
        medium.attach(name, None, 0.0)
        medium.tune(name, SF7, 0.0)
    return medium


def outcomes(medium: Medium, listener: str) -> dict[str, Outcome]:
    heard = medium.advance(FOREVER_S)
    return {h.transmission.sender: h.outcome for h in heard if h.listener == listener}


def test_a_frame_is_heard_by_everybody_else_when_it_ends() -> None:
    medium = a_medium()
    sent = medium.transmit("a", b"hello", SF7, 1.0)
    assert (sent.start_s, sent.end_s) == (1.0, 1.0 + airtime_s(SF7, 5))
    assert medium.advance(sent.end_s - 1e-6) == []
    heard = medium.advance(sent.end_s)
    assert [(h.listener, h.outcome, h.noticed) for h in heard] == [("b", R, True), ("g", R, True)]
    assert heard[0].rssi_dbm == -86
    assert heard[0].snr_db == pytest.approx(31.03, abs=0.01)
    assert medium.advance(FOREVER_S) == []
    assert medium.next_s() is None


@pytest.mark.parametrize(("loss_db", "outcome"), [(138, R), (138.1, Outcome.OUT_OF_RANGE)])
def test_sensitivity_is_the_edge(loss_db: float, outcome: Outcome) -> None:
    medium = a_medium({("a", "g"): Link(path_loss_db=loss_db)})
    medium.transmit("a", FRAME, SF7, 0.0)
    assert outcomes(medium, "g") == {"a": outcome}


@pytest.mark.parametrize(
    ("b_starts_s", "b_is_stronger_db", "a_is", "b_is"),
    [
        (0.0, 0.0, C, C),
        (0.0, 5.9, C, C),
        (0.0, 6.0, C, R),
        (0.0, -6.0, R, H),
        (PREAMBLE_S - 1e-6, 6.0, C, R),  # the receiver is still looking for the preamble
        (PREAMBLE_S + 1e-6, 6.0, C, H),  # it is held by the first, which is spoilt
        (PREAMBLE_S + 1e-6, 0.0, C, H),
        (PREAMBLE_S + 1e-6, -6.0, R, H),
        (LONG_S - NEEDED_S + 1e-6, -6.0, R, R),  # the first ends before the second is needed
        (LONG_S - NEEDED_S + 1e-6, 0.0, C, R),
        (LONG_S - NEEDED_S - 1e-6, 0.0, C, C),
        (LONG_S - NEEDED_S - 1e-6, -6.0, R, C),
        (LONG_S, 0.0, R, R),
    ],
)
def test_two_frames_at_one_listener(
    b_starts_s: float, b_is_stronger_db: float, a_is: Outcome, b_is: Outcome
) -> None:
    medium = a_medium({("b", "g"): Link(path_loss_db=100 - b_is_stronger_db), ("a", "b"): HIDDEN})
    medium.transmit("a", FRAME, SF7, 0.0)
    medium.transmit("b", FRAME, SF7, b_starts_s)
    assert outcomes(medium, "g") == {"a": a_is, "b": b_is}


@pytest.mark.parametrize(
    "other",
    [
        replace(SF7, spreading_factor=8),
        replace(SF7, bandwidth_hz=250_000),
        replace(SF7, frequency_hz=SF7.frequency_hz + 200_000),
    ],
)
def test_other_chirps_and_channels_do_no_harm(other: LoraSettings) -> None:
    medium = a_medium()
    medium.transmit("a", FRAME, SF7, 0.0)
    medium.transmit("b", FRAME, other, 0.0)
    assert outcomes(medium, "g") == {"a": R, "b": Outcome.NOT_LISTENING}


def test_a_foreign_network_disturbs_but_does_not_hold() -> None:
    medium = a_medium({("b", "g"): Link(path_loss_db=110)})
    medium.transmit("b", bytes(200), replace(SF7, sync_word=0x3444), 0.0)
    medium.transmit("a", FRAME, SF7, 0.1)
    assert outcomes(medium, "g") == {"b": Outcome.NOT_LISTENING, "a": R}


def test_hidden_terminals_collide_where_others_do_not() -> None:
    medium = a_medium({("a", "b"): HIDDEN, ("b", "c"): HIDDEN}, names="abcg")
    medium.transmit("a", FRAME, SF7, 0.0)
    assert not medium.chirps_heard("b", SF7, 0.01, 0.02)
    medium.transmit("b", FRAME, SF7, 0.02)
    heard = {(h.transmission.sender, h.listener): h.outcome for h in medium.advance(FOREVER_S)}
    assert heard["a", "c"] is R
    assert heard["a", "g"] is C
    assert heard["b", "g"] is H
    assert heard["b", "c"] is Outcome.OUT_OF_RANGE
    assert heard["a", "b"] is Outcome.OUT_OF_RANGE


@pytest.mark.parametrize(
    ("own_from_s", "outcome"),
    [
        (-LONG_S, R),  # its own frame is just over
        (-LONG_S + NEEDED_S - 1e-6, R),
        (-LONG_S + NEEDED_S + 1e-6, Outcome.HALF_DUPLEX),
        (0.0, Outcome.HALF_DUPLEX),
        (LONG_S - 1e-6, Outcome.HALF_DUPLEX),
        (LONG_S, R),
    ],
)
def test_who_transmits_hears_nothing(own_from_s: float, outcome: Outcome) -> None:
    start_s = 1.0
    medium = a_medium(names="ag")
    for at_s, name in sorted([(start_s, "a"), (start_s + own_from_s, "g")]):
        medium.transmit(name, FRAME, SF7, at_s)
    assert outcomes(medium, "g") == {"a": outcome}


@pytest.mark.parametrize(
    ("ready_at_s", "outcome"),
    [(NEEDED_S, R), (NEEDED_S + 1e-6, Outcome.NOT_LISTENING), (0.05, Outcome.NOT_LISTENING)],
)
def test_five_symbols_of_the_preamble_are_enough(ready_at_s: float, outcome: Outcome) -> None:
    medium = a_medium(names="a")
    medium.attach("g", None, 0.0)
    medium.transmit("a", FRAME, SF7, 0.0)
    medium.tune("g", SF7, ready_at_s)
    assert outcomes(medium, "g") == {"a": outcome}


@pytest.mark.parametrize("to", [None, SF7, replace(SF7, spreading_factor=9)])
def test_who_changes_the_settings_loses_what_comes_in(to: LoraSettings | None) -> None:
    medium = a_medium(names="ag")
    medium.transmit("a", FRAME, SF7, 0.0)
    medium.tune("g", to, 0.03)
    (heard,) = medium.advance(FOREVER_S)
    assert (heard.outcome, heard.noticed) == (Outcome.NOT_LISTENING, False)


def test_who_goes_away_hears_nothing_and_what_they_sent_goes_on() -> None:
    medium = a_medium()
    medium.transmit("a", FRAME, SF7, 0.0)
    medium.detach("a", 0.01)
    medium.detach("b", 0.03)
    medium.attach("a", None, 0.035)
    medium.tune("a", SF7, 0.035)
    medium.transmit("a", FRAME, SF7, 0.04)
    heard = [(h.listener, h.transmission.start_s, h.outcome) for h in medium.advance(FOREVER_S)]
    assert heard == [
        ("b", 0.0, Outcome.NOT_LISTENING),
        ("g", 0.0, C),
        ("g", 0.04, H),
    ]


def test_damage_is_noticed_and_deafness_is_not() -> None:
    medium = a_medium({("a", "b"): HIDDEN})
    medium.transmit("a", FRAME, SF7, 0.0)
    medium.transmit("b", FRAME, SF7, 0.03)
    at_g = {h.outcome: h.noticed for h in medium.advance(FOREVER_S) if h.listener == "g"}
    assert at_g == {C: True, H: False}


def test_what_cad_hears() -> None:
    medium = a_medium({("a", "b"): Link(path_loss_db=138.1)})
    medium.transmit("a", FRAME, SF7, 0.0)
    assert medium.chirps_heard("g", SF7, 0.0, 4 * SYMBOL_S)
    assert not medium.chirps_heard("g", replace(SF7, spreading_factor=8), 0.0, 0.01)
    assert not medium.chirps_heard("b", SF7, 0.0, 0.01)
    assert not medium.chirps_heard("g", SF7, -0.01, 0.01)  # it came too late to be sure
    assert not medium.chirps_heard("g", SF7, 0.05, LONG_S)  # and was over at the end


def test_what_carrier_sense_measures() -> None:
    medium = a_medium({("b", "g"): HIDDEN})
    assert medium.channel_dbm("g", SF7, 0.0) == pytest.approx(-117.03, abs=0.01)
    medium.transmit("a", FRAME, SF7, 0.0)
    medium.transmit("b", FRAME, SF7, 0.0)
    assert medium.channel_dbm("g", SF7, 0.01) == pytest.approx(-86, abs=0.01)
    other_sf = replace(SF7, spreading_factor=12)
    assert medium.channel_dbm("g", other_sf, 0.02) == pytest.approx(-86, abs=0.01)
    next_door = replace(SF7, frequency_hz=SF7.frequency_hz + 200_000)
    assert medium.channel_dbm("g", next_door, 0.03) < -117


def test_a_radio_does_one_thing_at_a_time() -> None:
    medium = a_medium()
    medium.transmit("a", FRAME, SF7, 0.0)
    with pytest.raises(AirError, match="transmitting already"):
        medium.transmit("a", FRAME, SF7, 0.05)
    with pytest.raises(AirError, match="while it transmits"):
        medium.channel_dbm("a", SF7, 0.05)
    with pytest.raises(AirError, match="while it transmits"):
        medium.chirps_heard("a", SF7, 0.0, 0.05)


def test_names_are_checked() -> None:
    medium = a_medium()
    with pytest.raises(AirError, match="already"):
        medium.attach("a", None, 0.0)
    with pytest.raises(AirError, match="no radio 'x'"):
        medium.tune("x", SF7, 0.0)
    lonely = Medium(Terrain())
    lonely.attach("a", None, 0.0)
    with pytest.raises(TerrainError):
        lonely.attach("b", Place(0, 0), 0.0)


def test_the_judge_sees_every_transmission() -> None:
    medium = a_medium(judge=Judge(CN470))
    assert medium.transmit("a", FRAME, SF7, 0.0).breaches == (Breach.NOT_LISTENED,)
    assert medium.channel_dbm("b", SF7, 0.01) < -80
    assert medium.transmit("b", FRAME, SF7, 0.01).breaches == ()
    assert medium.chirps_heard("g", SF7, 0.02, 0.03)
    assert medium.transmit("g", FRAME, SF7, 0.03).breaches == (Breach.NOT_LISTENED,)


def test_losses_by_chance_are_as_frequent_as_said() -> None:
    medium = a_medium({("b", "g"): Link(loss_chance=0.3)}, loss_chance=0.05)
    heard: list[Hearing] = []
    for second in range(2000):
        medium.transmit("ab"[second % 2], FRAME, SF7, float(second))
        heard += medium.advance(second + 0.5)
    share = {
        name: sum(
            h.outcome is F for h in heard if h.transmission.sender == name and h.listener == "g"
        )
        / 1000
        for name in "ab"
    }
    assert share["a"] == pytest.approx(0.05, abs=0.02)  # three standard deviations
    assert share["b"] == pytest.approx(0.3, abs=0.045)
    assert all(h.noticed for h in heard if h.outcome is F)


def test_what_is_over_is_forgotten() -> None:
    medium = a_medium()
    for second in range(10):
        medium.transmit("a", FRAME, SF7, float(second))
    medium.advance(FOREVER_S)
    assert medium._flights == []


def test_fading_is_around_the_mean() -> None:
    medium = Medium(Terrain(model=LogDistance(100.0, 10.0, 2.0, fading_db=3.57)), seed=3)
    medium.attach("a", Place(0, 0), 0.0)
    medium.attach("g", Place(0, 10), 0.0)
    levels: list[float] = []
    for second in range(1000):
        medium.transmit("a", FRAME, SF7, float(second))
        levels += [h.rssi_dbm for h in medium.advance(second + 0.5)]
    mean = sum(levels) / len(levels)
    assert mean == pytest.approx(-86, abs=0.35)
    deviation = math.sqrt(sum((level - mean) ** 2 for level in levels) / len(levels))
    assert deviation == pytest.approx(3.57, abs=0.25)


def test_a_links_luck_does_not_depend_on_the_others() -> None:
    def faded(*, with_b: bool) -> list[Outcome]:
        medium = a_medium(loss_chance=0.5)
        for second in range(50):
            medium.transmit("a", FRAME, SF7, float(second))
            if with_b:
                medium.transmit("b", FRAME, SF7, second + 0.5)
        heard = medium.advance(FOREVER_S)
        return [h.outcome for h in heard if h.transmission.sender == "a" and h.listener == "g"]

    assert faded(with_b=True) == faded(with_b=False)
    assert {R, F} == set(faded(with_b=False))


NAMES = "abcd"
ACTIONS = st.one_of(
    st.tuples(st.just("send"), st.sampled_from(NAMES), st.integers(0, 255)),
    st.tuples(st.just("tune"), st.sampled_from(NAMES), st.integers(6, 8)),
    st.tuples(st.just("leave"), st.sampled_from(NAMES), st.just(0)),
    st.tuples(st.just("cad"), st.sampled_from(NAMES), st.just(0)),
)
STORIES = st.lists(st.tuples(ACTIONS, st.floats(0, 0.2)), max_size=40)
LOSSES_DB = st.dictionaries(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.builds(Link, path_loss_db=st.sampled_from([90.0, 97.0, 105.0, 139.0, math.inf])),
)


def played(
    story: list[tuple[tuple[str, str, int], float]], links: dict[tuple[str, str], Link]
) -> tuple[dict[tuple[str, float], set[str]], list[Hearing]]:
    """Who was there when each frame began, and all hearings; every radio keeps to its rules."""
    medium = a_medium(links, NAMES, loss_chance=0.1, fading_db=2.0)
    there, busy_until_s = set(NAMES), dict.fromkeys(NAMES, 0.0)
    due: dict[tuple[str, float], set[str]] = {}
    heard: list[Hearing] = []
    now_s = 0.0
    for (verb, name, figure), pause_s in story:
        now_s += pause_s
        settings = replace(SF7, spreading_factor=6 + figure % 3)
        if name not in there:
            medium.attach(name, None, now_s)
            there.add(name)
        elif verb == "tune":
            medium.tune(name, settings if figure < 8 else None, now_s)
        elif now_s < busy_until_s[name]:
            continue
        elif verb == "send":
            sent = medium.transmit(name, bytes(figure), settings, now_s)
            busy_until_s[name] = sent.end_s
            due[name, sent.start_s] = there - {name}
        elif verb == "cad":
            medium.chirps_heard(name, settings, now_s - 0.005, now_s)
        else:
            medium.detach(name, now_s)
            there.remove(name)
        if figure % 2:
            heard += medium.advance(now_s)
    return due, heard + medium.advance(FOREVER_S)


@given(STORIES, LOSSES_DB)
def test_every_frame_has_one_outcome_at_every_listener(
    story: list[tuple[tuple[str, str, int], float]], links: dict[tuple[str, str], Link]
) -> None:
    due, heard = played(story, links)
    ended = [(h.transmission.sender, h.transmission.start_s, h.listener) for h in heard]
    assert len(ended) == len(set(ended))
    assert set(ended) == {(*frame, listener) for frame, all_ in due.items() for listener in all_}
    assert played(story, links)[1] == heard  # the same seed, the same story


@given(STORIES, LOSSES_DB)
def test_nobody_receives_two_frames_at_once(
    story: list[tuple[tuple[str, str, int], float]], links: dict[tuple[str, str], Link]
) -> None:
    _, heard = played(story, links)
    for listener in NAMES:
        taken = sorted(
            (h.transmission.start_s + preamble_s(h.transmission.settings), h.transmission.end_s)
            for h in heard
            if h.listener == listener and h.outcome is R
        )
        for (_, earlier_end_s), (later_lock_s, _) in pairwise(taken):
            assert earlier_end_s <= later_lock_s + 1e-9
        own = [
            (h.transmission.start_s, h.transmission.end_s)
            for h in heard
            if h.transmission.sender == listener
        ]
        for own_start_s, own_end_s in own:
            for lock_s, end_s in taken:
                assert own_end_s <= lock_s + 1e-9 or end_s <= own_start_s + 1e-9
