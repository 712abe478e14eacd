"""Every state and status that reaches a person exists in both languages."""

import pytest

from drivers.readers.sdt_frames import MEANINGS, Reply, Status
from drivers.supervisor import DeviceState
from drivers.words import TO_DO, device_words, reason_in

CHINESE, ENGLISH = device_words("zh"), device_words("en")


@pytest.mark.parametrize("state", DeviceState)
def test_every_state_has_a_word_and_a_remedy(state: DeviceState) -> None:
    for words in (CHINESE, ENGLISH):
        assert words.of(state)
        assert bool(words.of(state, TO_DO)) == (state is not DeviceState.READY)


@pytest.mark.parametrize("status", Status)
def test_what_an_id_card_reader_says_is_said_in_both(status: Status) -> None:
    assert ENGLISH.of(status) == MEANINGS[status]
    said = Reply(bytes([0, 0, status]), b"").words
    assert reason_in("en", said) == said
    assert reason_in("zh", said).startswith(CHINESE.of(status))
    assert reason_in("zh", f"it answers only this: {said}").startswith("it answers only this: ")
    assert CHINESE.of(status) in reason_in("zh", f"it answers only this: {said}")


def test_other_reasons_are_left_alone() -> None:
    assert reason_in("zh", "the reader was abandoned") == "the reader was abandoned"
