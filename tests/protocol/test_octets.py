"""Numbers of changing length, and reading from the front."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import Malformed
from protocol.octets import MAX_NUMBER_BITS, Octets, pack_number


@given(st.integers(0, 2**MAX_NUMBER_BITS - 1), st.binary(max_size=3))
def test_a_number_comes_back_and_leaves_the_rest(value: int, behind: bytes) -> None:
    octets = Octets(pack_number(value) + behind)
    assert octets.number() == value
    assert octets.rest() == behind
    assert octets.is_at_end


@given(st.binary(max_size=12))
def test_any_bytes_are_a_number_written_the_one_way_or_refused(data: bytes) -> None:
    octets = Octets(data)
    try:
        value = octets.number()
    except Malformed:
        return
    assert pack_number(value) == data[: octets.at]


@pytest.mark.parametrize(
    "data", [b"", b"\x80", b"\x80\x00", b"\xff" * 9 + b"\x01", b"\xff" * 8 + b"\x80\x01"]
)
def test_what_is_no_number(data: bytes) -> None:
    with pytest.raises(Malformed):
        Octets(data).number()


def test_nothing_is_read_behind_the_end() -> None:
    octets = Octets(b"\x01\x02\x03")
    assert octets.whole(2) == 0x0102
    with pytest.raises(Malformed):
        octets.take(2)
    assert octets.rest() == b"\x03"
