"""NDEF messages, by the layouts of hw/tags.md 4."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.readers.ndef import NdefError, first_text, parse_message
from sim.devices.tag import text_record

HELLO = bytes.fromhex("D1 01 08 54 02 65 6E 48 65 6C 6C 6F")  # "Hello", English
GNU = bytes.fromhex("D1 01 08 55 04") + b"gnu.org"


def record(kind: bytes, payload: bytes, flags: int = 0xD1) -> bytes:
    return bytes([flags, len(kind), len(payload)]) + kind + payload


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (HELLO, "Hello"),
        (GNU, "https://gnu.org"),
        (record(b"U", b"\x00urn:x"), "urn:x"),
        (record(b"U", b"\x23x"), "urn:nfc:x"),
        (record(b"U", b"\x24x"), "x"),  # not assigned: stands for nothing
        (record(b"T", b"\x05zh-CN" + "张三".encode()), "张三"),
        (record(b"T", b"\x82en" + "张".encode("utf-16-be")), "张"),
        (record(b"T", b"\x82en\xff\xfe" + "张".encode("utf-16-le")), "张"),
        (record(b"T", b"\x82en\xfe\xff" + "张".encode("utf-16-be")), "张"),
        (record(b"T", b"\x00"), ""),
        (record(b"Sp", b"whatever"), None),
        (record(b"T", b"\x00x", flags=0xD2), None),  # a media type called T
        (bytes.fromhex("D0 00 00"), None),  # an empty record
        (bytes.fromhex("D9 01 02 03 54") + b"abc" + b"\x00x", "x"),  # with an ID
        (HELLO + b"what follows", "Hello"),
    ],
)
def test_first_text(message: bytes, text: str | None) -> None:
    assert first_text(message) == text


def test_the_first_of_several_texts_counts() -> None:
    message = (
        record(b"Sp", b"", 0x91) + record(b"T", b"\x00one", 0x11) + record(b"U", b"\x00", 0x51)
    )
    assert first_text(message) == "one"
    assert [each.type for each in parse_message(message)] == [b"Sp", b"T", b"U"]


@pytest.mark.parametrize(
    "message",
    [
        b"",
        HELLO[:-1],
        HELLO[:3],
        b"\x51" + HELLO[1:],  # does not begin a message
        b"\x91" + HELLO[1:],  # does not end one, and nothing follows
        record(b"Sp", b"", 0x91) + HELLO,  # begins one inside another
        record(b"T", b"\x00x", 0xF1),  # in chunks
        record(b"T", b""),
        record(b"U", b""),
        record(b"T", b"\x05en"),  # ends inside its language
        record(b"T", b"\x00\xff\xff"),
        record(b"T", b"\x80\xd8\x00"),  # half a surrogate pair
        bytes.fromhex("C1 01 FF FF FF FF 54"),  # 4 GiB of text
    ],
    ids=bytes.hex,
)
def test_a_broken_message_is_refused_without_quoting_it(message: bytes) -> None:
    with pytest.raises(NdefError) as caught:
        first_text(message)
    assert "0x" not in str(caught.value)
    assert caught.value.__cause__ is None


@given(st.binary())
def test_any_bytes_are_a_message_or_refused(message: bytes) -> None:
    try:
        text = first_text(message)
    except NdefError:
        return
    assert text is None or text.encode() is not None


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=600))
def test_what_a_tag_is_given_comes_back(text: str) -> None:
    assert first_text(text_record(text)) == text


def test_a_record_does_not_show_what_it_holds() -> None:
    assert "Hello" not in repr(parse_message(HELLO))
