"""Two UARTs at different rates, as an oscilloscope would show it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.uart import heard_at

BAUDS = (9600, 19200, 38400, 57600, 115200, 230400)
RATES = st.sampled_from(BAUDS)


@given(st.binary(max_size=50), RATES)
def test_at_the_same_rate_nothing_changes(data: bytes, baud: int) -> None:
    assert heard_at(data, baud, baud) == data


@given(st.binary(max_size=50), RATES)
def test_a_clock_two_percent_off_is_heard(data: bytes, baud: int) -> None:
    """What UARTs are built to bear; at five percent the last bits are looked at too late."""
    assert heard_at(data, baud, baud * 102 // 100) == data
    assert heard_at(data, baud, baud * 98 // 100) == data


@pytest.mark.parametrize(
    ("data", "sent_baud", "heard_baud", "heard"),
    [
        # Low for nine of the sender's bits, 18 of the receiver's: one byte, then no edge any more.
        (b"\x00", 9600, 19200, b"\x00"),
        # Bits 1010 1010 after the start bit, each two of the receiver's: from the first fall it
        # takes 0110 0110, from the fourth 0110 011 and a stop bit where its last bit should be.
        (b"\x55", 9600, 19200, b"\x66\xe6"),
        # The receiver's one byte takes longer than all that was sent: start bit, then idle.
        (b"\x00", 115200, 9600, b"\xff"),
        (b"\xff", 115200, 9600, b""),  # a start bit too short to be one
        (b"", 9600, 115200, b""),
    ],
)
def test_worked_examples(data: bytes, sent_baud: int, heard_baud: int, heard: bytes) -> None:
    assert heard_at(data, sent_baud, heard_baud) == heard


@pytest.mark.parametrize("sent_baud", BAUDS)
@pytest.mark.parametrize("heard_baud", BAUDS)
def test_a_command_at_the_wrong_rate_is_no_command(sent_baud: int, heard_baud: int) -> None:
    command = bytes.fromhex("AA AA AA 96 69 00 03 11 FF ED")
    assert (heard_at(command, sent_baud, heard_baud) == command) == (sent_baud == heard_baud)
    assert (b"\xaa\xaa\xaa\x96\x69" in heard_at(command, sent_baud, heard_baud)) == (
        sent_baud == heard_baud
    )
