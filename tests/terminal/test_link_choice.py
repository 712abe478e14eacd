"""LoRa takes over when the network has been away, and gives back when that is there to stay."""

from terminal.links.choose import STEP_BACK_S, LinkChoice

AFTER_S = 120.0


def test_a_network_that_is_never_there_is_waited_for_as_long() -> None:
    choice = LinkChoice(AFTER_S, 1000.0)
    assert not choice.decide(1000 + AFTER_S - 1)
    assert choice.decide(1000 + AFTER_S)
    assert choice.uses_lora
    assert not choice.decide(5000.0)


def test_a_short_cut_changes_nothing() -> None:
    choice = LinkChoice(AFTER_S, 0.0)
    choice.mqtt(is_up=True, now_s=1.0)
    for at_s in range(10, 2000, 100):
        choice.mqtt(is_up=False, now_s=at_s)
        assert not choice.decide(at_s + 60.0)
        choice.mqtt(is_up=True, now_s=at_s + 60.0)
    assert not choice.uses_lora


def test_being_told_again_is_not_being_away_anew() -> None:
    choice = LinkChoice(AFTER_S, 0.0)
    for at_s in range(int(AFTER_S)):
        choice.mqtt(is_up=False, now_s=float(at_s))
        assert not choice.decide(float(at_s))
    assert choice.decide(AFTER_S)


def test_it_steps_back_once_the_network_stays() -> None:
    choice = LinkChoice(0.0, 0.0)
    assert choice.decide(0.0)
    choice.mqtt(is_up=True, now_s=10.0)
    assert not choice.decide(9.0 + STEP_BACK_S)
    choice.mqtt(is_up=False, now_s=9.5 + STEP_BACK_S)
    choice.mqtt(is_up=True, now_s=50.0)
    assert not choice.decide(49.0 + STEP_BACK_S)
    assert choice.decide(50.0 + STEP_BACK_S)
    assert not choice.uses_lora
