"""The message of a tag in a recording: its structure, and no word of it."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.masks.ndef import Streamed, area, file


def record(kind: bytes, payload: bytes, tnf: int = 1, identifier: bytes = b"") -> bytes:
    flags = 0xC0 | tnf | (0x10 if len(payload) < 256 else 0) | (0x08 if identifier else 0)
    length = len(payload).to_bytes(1 if len(payload) < 256 else 4, "big")
    named = bytes([len(identifier)]) if identifier else b""
    return bytes([flags, len(kind)]) + length + named + kind + identifier + payload


def tlv(message: bytes) -> bytes:
    length = (
        bytes([len(message)]) if len(message) < 255 else b"\xff" + len(message).to_bytes(2, "big")
    )
    return b"\x03" + length + message + b"\xfe"


@pytest.mark.parametrize(
    ("said", "specimen"),
    [
        (record(b"T", b"\x02en" + b"Ab 12"), record(b"T", b"\x02enAa 00")),
        (record(b"T", "\x07zh-Hans张三é".encode()), record(b"T", "\x07zh-Hans样样é".encode())),
        (record(b"T", b"\x3f" + b"x" * 70), record(b"T", b"\x3f" + b"a" * 70)),
        (record(b"U", b"\x01muster.example/17"), record(b"U", b"\x01aaaaaa.aaaaaaa/00")),
        (record(b"Sp", b"secret"), record(b"Sp", bytes(6))),
        (record(b"a/vcard", b"secret", tnf=2), record(bytes(7), bytes(6), tnf=2)),
        (
            record(b"T", b"\x02en7", identifier=b"id"),
            record(b"T", b"\x02en0", identifier=b"\0\0"),
        ),
        (record(b"T", b"\x02en" + b"9" * 300), record(b"T", b"\x02en" + b"0" * 300)),
        (
            record(b"T", b"\x02enA") + record(b"T", b"\x02zhB"),
            record(b"T", b"\x02enA") + record(b"T", b"\x02zhA"),
        ),
    ],
)
def test_structure_stays(said: bytes, specimen: bytes) -> None:
    assert area().feed(tlv(said)) == tlv(specimen)
    length = len(said).to_bytes(2, "big")
    assert file().feed(length + said + b"rest") == length + specimen + bytes(4)


def test_other_blocks_before_the_message() -> None:
    said = b"\x00\x01\x03\xa0\x10\x44\xfd\x02xy" + tlv(record(b"T", b"\x02en7")) + b"secret"
    specimen = b"\x00\x01\x03\xa0\x10\x44\xfd\x02\0\0" + tlv(record(b"T", b"\x02en0")) + bytes(6)
    assert area().feed(said) == specimen


@given(st.binary(max_size=300), st.integers(1, 50), st.sampled_from([area, file]))
def test_any_bytes_in_any_pieces(
    data: bytes, size_bytes: int, make: Callable[[], Streamed]
) -> None:
    whole, masker = make().feed(data), make()
    parts = [data[start : start + size_bytes] for start in range(0, len(data), size_bytes)]
    assert b"".join(map(masker.feed, parts)) == whole
    assert len(whole) == len(data)
