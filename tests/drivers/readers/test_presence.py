from drivers.readers.base import TroubleReason
from drivers.readers.presence import Presence

A, B = b"a", b"b"


def test_the_same_card_is_new_once() -> None:
    presence = Presence()
    assert presence.card_is_new(A)
    assert not presence.card_is_new(A)


def test_a_different_card_is_new_at_once_and_so_is_the_first_after_it() -> None:
    presence = Presence()
    assert [presence.card_is_new(card) for card in (A, B, A)] == [True, True, True]


def test_removed_takes_two_misses_and_a_second() -> None:
    presence = Presence()
    presence.card_is_new(A)
    presence.miss(10.0)
    presence.miss(10.9)
    assert not presence.card_is_new(A)
    presence.miss(20.0)
    presence.miss(21.0)
    assert presence.card_is_new(A)


def test_one_miss_is_no_removal_however_long_ago() -> None:
    presence = Presence()
    presence.card_is_new(A)
    presence.miss(10.0)
    presence.sighted()
    presence.miss(99.0)
    assert not presence.card_is_new(A)


def test_a_trouble_is_new_once_until_the_card_is_gone() -> None:
    presence = Presence()
    still = TroubleReason.HOLD_STILL
    assert presence.trouble_is_new(still, is_certain=False)
    assert not presence.trouble_is_new(still, is_certain=False)
    assert presence.trouble_is_new(TroubleReason.POSSIBLY_FORGED, is_certain=True)
    presence.miss(0.0)
    presence.miss(1.0)
    assert presence.trouble_is_new(TroubleReason.POSSIBLY_FORGED, is_certain=True)


def test_a_doubt_about_a_card_already_read_takes_two_in_a_row() -> None:
    presence = Presence()
    still = TroubleReason.HOLD_STILL
    presence.card_is_new(A)
    assert not presence.trouble_is_new(still, is_certain=False)
    assert not presence.card_is_new(A)
    assert not presence.trouble_is_new(still, is_certain=False)
    assert presence.trouble_is_new(still, is_certain=False)
    assert not presence.card_is_new(A)


def test_a_certain_trouble_is_told_at_once_even_after_a_read() -> None:
    presence = Presence()
    presence.card_is_new(A)
    assert presence.trouble_is_new(TroubleReason.WRONG_CARD_TYPE, is_certain=True)
