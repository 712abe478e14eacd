"""What talks where a reader should be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DeviceSilent, OtherDevice
from drivers.readers.sdt_frames import PREAMBLE, Command, command
from drivers.readers.sdt_heard import SAMPLE_BYTES, Sample


def sample(*pieces: bytes) -> Sample:
    heard = Sample()
    for piece in pieces:
        heard.add(piece)
    return heard


@pytest.mark.parametrize(
    ("data", "kind", "said"),
    [
        (b"", DeviceSilent, "no ID card reader answers on it"),
        (b"67,E*4A\r\n$GNRMC,,V,,,,,,,,,,N*4D\r\n", OtherDevice, "satellite receiver"),
        (b"$BDGSV,1,1,00*68\r\n", OtherDevice, "satellite receiver"),
        (b"6901234567892\r\n", OtherDevice, "lines of text"),
        (command(Command.SAM_STATUS) * 3, OtherDevice, "commands coming back"),
        (PREAMBLE + bytes(40), DeviceSilent, "damaged on it"),
        (bytes(range(0x80, 0xA0)), OtherDevice, "make no sense"),
        (b"\0", OtherDevice, "make no sense"),
    ],
)
def test_what_it_is_called(data: bytes, kind: type[DeviceSilent], said: str) -> None:
    verdict = sample(data).verdict("on it")
    assert type(verdict) is kind
    assert said in str(verdict)


def test_only_the_latest_is_kept() -> None:
    heard = sample(b"$GNRMC,,V,,,,,,,,,,N*4D\r\n", bytes(SAMPLE_BYTES - 1), b"x")
    assert len(heard) == SAMPLE_BYTES
    assert "make no sense" in str(heard.verdict("on it"))
    heard.clear()
    assert not heard


@given(st.lists(st.binary(max_size=700) | st.just(b"$GNRMC,") | st.just(PREAMBLE)))
def test_any_bytes_have_a_name_and_are_not_repeated(pieces: list[bytes]) -> None:
    heard = sample(*pieces)
    verdict = heard.verdict("on it")
    assert isinstance(verdict, OtherDevice) == (bool(heard) and not heard.has_frames)
    assert str(verdict) == str(sample(bytes(b"".join(pieces)[-SAMPLE_BYTES:])).verdict("on it"))


@given(st.text(alphabet=st.characters(min_codepoint=0x30, max_codepoint=0x7E), min_size=12))
def test_what_a_scanner_read_is_not_told(code: str) -> None:
    assert code not in str(sample(code.encode()).verdict("on it"))
