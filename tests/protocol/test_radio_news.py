"""Pieces of a message for everybody."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import Malformed
from protocol.radio_news import MAX_PIECES, Piece, Pieces, split_message, unpack_piece


@given(
    st.binary(min_size=1, max_size=900),
    st.integers(0, 2**20),
    st.integers(20, 200),
    st.randoms(use_true_random=False),
)
def test_pieces_make_the_message_in_any_order_and_repeated(
    message: bytes, number: int, limit: int, dice: Random
) -> None:
    pieces = split_message(message, number, limit)
    assert all(len(piece.pack()) <= limit for piece in pieces)
    order = [*pieces, *pieces]
    dice.shuffle(order)
    collected = Pieces()
    whole = [collected.take(unpack_piece(piece.pack())) for piece in order]
    assert message in whole
    assert {each for each in whole if each is not None} == {message}


def test_a_newer_message_takes_the_place_of_one_half_received() -> None:
    old, new = split_message(b"old message", 1, 10), split_message(b"new message", 2, 10)
    collected = Pieces()
    assert collected.take(old[0]) is None
    assert collected.take(new[0]) is None
    assert collected.take(new[1]) == b"new message"


@given(st.binary(max_size=60))
def test_any_bytes_are_a_piece_or_refused(data: bytes) -> None:
    try:
        piece = unpack_piece(data)
    except Malformed:
        return
    assert piece.pack() == data
    Pieces().take(piece)


def test_too_much_for_the_radio() -> None:
    with pytest.raises(ValueError, match="too long"):
        split_message(bytes(MAX_PIECES * 6 + 1), 1, 10)
    assert len(split_message(bytes(MAX_PIECES * 6), 1, 10)) == MAX_PIECES


@pytest.mark.parametrize(
    "piece", [Piece(0, 1, 0, b"x"), Piece(0, 0, 64, b"x"), Piece(0, 0, 0, b"")]
)
def test_what_no_gateway_sends(piece: Piece) -> None:
    with pytest.raises(Malformed):
        unpack_piece(piece.pack())
