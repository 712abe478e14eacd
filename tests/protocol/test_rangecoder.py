"""The range coder and its models: exact both ways, near the ideal, total on any bytes."""

import math
import random
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.adaptive import Gaps, Symbols, bits, number, raw, uniform
from protocol.errors import Malformed
from protocol.rangecoder import MAX_TOTAL, Decoder, Encoder

_DICE_ROLLS = 4000


@st.composite
def slices(draw: st.DrawFn) -> tuple[int, int, int]:
    total = draw(st.integers(1, MAX_TOTAL))
    start = draw(st.integers(0, total - 1))
    return start, draw(st.integers(1, total - start)), total


@given(st.lists(slices(), max_size=60))
def test_every_symbol_is_found_again_and_costs_what_it_should(
    symbols: list[tuple[int, int, int]],
) -> None:
    encoder = Encoder()
    for symbol in symbols:
        encoder.code(*symbol)
    data = encoder.finish()
    ideal_bits = sum(math.log2(total / size) for _, size, total in symbols)
    assert len(data) * 8 <= ideal_bits + 16
    decoder = Decoder(data)
    for start, size, total in symbols:
        assert start <= decoder.at(total) < start + size
        decoder.code(start, size, total)
    decoder.finish()


def test_bytes_can_be_had_after_every_symbol() -> None:
    encoder, alone = Encoder(), Encoder()
    for symbol in range(100):
        encoder.code(symbol, 1, 256)
        alone.code(symbol, 1, 256)
        encoder.finish()
    assert encoder.finish() == alone.finish()


def test_a_carry_runs_through_all_bytes() -> None:
    encoder = Encoder()
    for _ in range(50):
        encoder.code(255, 1, 256)
    encoder.code(MAX_TOTAL - 1, 1, MAX_TOTAL)
    decoder = Decoder(encoder.finish())
    for _ in range(50):
        assert decoder.at(256) == 255
        decoder.code(255, 1, 256)
    assert decoder.at(MAX_TOTAL) == MAX_TOTAL - 1


@given(st.binary(max_size=40))
def test_any_bytes_are_symbols_until_they_end(data: bytes) -> None:
    decoder = Decoder(data)
    with pytest.raises(Malformed):
        list(map(uniform, repeat(decoder, len(data) + 20), repeat(251)))


def test_bytes_that_nobody_wrote_are_refused() -> None:
    with pytest.raises(Malformed):
        Decoder(bytes(8)).finish()


numbers = st.integers(0, 2**63 - 1)


@given(numbers, st.integers(1, 2**48), st.binary(max_size=20))
def test_plain_values_come_back(value: int, total: int, data: bytes) -> None:
    encoder = Encoder()
    number(encoder, value)
    uniform(encoder, total, value % total)
    bits(encoder, 63, value)
    raw(encoder, len(data), data)
    decoder = Decoder(encoder.finish())
    assert number(decoder) == value
    assert uniform(decoder, total) == value % total
    assert bits(decoder, 63) == value
    assert raw(decoder, len(data)) == data


def test_a_number_out_of_bounds_is_malformed() -> None:
    encoder = Encoder()
    uniform(encoder, 2 * MAX_TOTAL, 2 * MAX_TOTAL - 1)
    with pytest.raises(Malformed):
        uniform(Decoder(encoder.finish()), 2 * MAX_TOTAL - 1)


@given(st.lists(st.integers(0, 5), max_size=60), st.integers(1, MAX_TOTAL // 4))
def test_symbols_come_back_whatever_was_learnt(values: list[int], step: int) -> None:
    encoder, model = Encoder(), Symbols([1] * 6, step)
    for value in values:
        assert model.code(encoder, value, range(value, 6)) == value
    decoder, model = Decoder(encoder.finish()), Symbols([1] * 6, step)
    for value in values:
        assert model.code(decoder, among=range(value, 6)) == value


def test_symbols_learn_a_loaded_die() -> None:
    dice, encoder, model = random.Random(1), Encoder(), Symbols([1] * 6, 8)
    for roll in dice.choices(range(6), [60, 1, 1, 1, 1, 1], k=_DICE_ROLLS):
        model.code(encoder, roll)
    chances = [each / 65 for each in (60, 1, 1, 1, 1, 1)]
    entropy = -sum(chance * math.log2(chance) for chance in chances)
    assert len(encoder.finish()) * 8 < 1.1 * entropy * _DICE_ROLLS


@given(st.lists(st.integers(0, 300) | st.integers(0, 2**40), max_size=40), st.integers(0, 5000))
def test_gaps_come_back_however_far(values: list[int], mean: int) -> None:
    encoder, model = Encoder(), Gaps(mean)
    for value in values:
        assert model.code(encoder, value) == value
    decoder, model = Decoder(encoder.finish()), Gaps(mean)
    for value in values:
        assert model.code(decoder) == value


@pytest.mark.parametrize("mean", [3, 20, 900])
def test_gaps_learn_the_mean_of_waiting_times(mean: int) -> None:
    dice, encoder, model = random.Random(1), Encoder(), Gaps(30)
    for _ in range(_DICE_ROLLS):
        model.code(encoder, int(dice.expovariate(1 / mean)))
    chance = 1 - math.exp(-1 / mean)
    entropy = -math.log2(chance) - (1 - chance) / chance * math.log2(1 - chance)
    assert len(encoder.finish()) * 8 < 1.02 * entropy * _DICE_ROLLS
