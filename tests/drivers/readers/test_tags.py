"""The scripts that read tags: on simulated tags, and on answers no tag gives."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.readers.base import CardTrouble, TagRead, TroubleReason
from drivers.readers.tags import (
    MESSAGE_MAX_BYTES,
    Script,
    TagLost,
    told,
    type2_message,
    type4_message,
)
from sim.devices.tag import (
    NTAG213,
    NTAG216,
    NtagTag,
    PhoneTag,
    Tag,
    Type4Tag,
    text_record,
)

UID = bytes.fromhex("04112233445566")
COMMANDS_MAX = 300  # the longest message in the smallest pieces, and a little


def played(script: Script, answer: Callable[[bytes], bytes | None]) -> tuple[bytes | None, int]:
    """What the script returns, and how many commands it took."""
    said: bytes | None = None
    for count in range(COMMANDS_MAX):
        try:
            command = script.send(said)
        except StopIteration as end:
            message: bytes | None = end.value
            return message, count
        said = answer(command)
    raise AssertionError("it never ends")


def on(tag: Tag, script: Script) -> tuple[bytes | None, int]:
    tag.wake()
    return played(script, tag.exchange)


@pytest.mark.parametrize("length", [0, 1, 5, 8, 9, 130, 255 - 7, 255 - 6, 400, 850])
def test_type_2_of_any_length(length: int) -> None:
    message = text_record("x" * length)
    assert on(NtagTag(UID, message, NTAG216), type2_message())[0] == message


def test_type_2_is_read_no_further_than_its_message() -> None:
    assert on(NtagTag(UID, text_record("x" * 20), NTAG216), type2_message())[1] == 3


def test_type_2_without_a_message() -> None:
    assert on(NtagTag(UID, None), type2_message())[0] is None


@pytest.mark.parametrize("length", [0, 1, 50, 57, 58, 59, 300, 1000])
def test_type_4_of_any_length(length: int) -> None:
    message = text_record("x" * length)
    assert on(Type4Tag(UID, message), type4_message())[0] == message
    assert on(PhoneTag(message), type4_message())[0] == message


def test_type_4_without_the_application() -> None:
    assert on(Type4Tag(UID, None), type4_message()) == (None, 1)


def test_the_first_words_to_a_type_4_tag() -> None:
    """hw/tags.md 3."""
    script = type4_message()
    said = [script.send(None), *(script.send(bytes.fromhex("9000")) for _ in range(2))]
    assert [each.hex(" ").upper() for each in said] == [
        "00 A4 04 00 07 D2 76 00 00 85 01 01 00",
        "00 A4 00 0C 02 E1 03",
        "00 B0 00 00 0F",
    ]


def area(*parts: str, container: str = "E1 10 06 00") -> Callable[[bytes], bytes | None]:
    """A Type 2 tag with this data area."""
    memory = bytes(12) + bytes.fromhex(container) + bytes.fromhex("".join(parts))
    memory = memory.ljust(256, b"\0")
    return lambda command: memory[command[1] * 4 : command[1] * 4 + 16]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (area("01 03 A0 0C 34", "03 02 AA BB", "FE"), b"\xaa\xbb"),  # lock control before it
        (area("00 00 00", "03 02 AA BB"), b"\xaa\xbb"),  # padding before it
        (area("FD 02 11 22", "03 01 AA"), b"\xaa"),  # somebody's own data before it
        (area("03 FF 00 02 AA BB"), b"\xaa\xbb"),  # long form of a short length
        (area("FE", "03 02 AA BB"), None),
        (area("03 00 FE"), None),
        (area("03 2F"), None),  # longer than the area
        (area("03 FF FF FF"), None),
        (area("FD FF FF FF"), None),
        (area("03 02 AA BB", container="E0 10 06 00"), None),  # not formatted
        (area("03 02 AA BB", container="E1 10 06 F0"), None),  # not for everybody
        (area("03 02 AA BB", container="E1 10 00 00"), None),  # no area
        (lambda _: None, None),
    ],
)
def test_type_2_data_areas(answer: Callable[[bytes], bytes | None], message: bytes | None) -> None:
    assert played(type2_message(), answer)[0] == message


def silent_after(count: int, tag: Tag) -> Callable[[bytes], bytes | None]:
    tag.wake()
    left = iter(range(count))
    return lambda command: tag.exchange(command) if next(left, None) is not None else None


def test_a_tag_that_stops_answering_is_lost() -> None:
    text = text_record("x" * 100)
    for count in range(1, 8):
        with pytest.raises(TagLost):
            played(type2_message(), silent_after(count, NtagTag(UID, text, NTAG213)))
    for count in range(3, 7):  # after its application, file and capabilities
        with pytest.raises(TagLost):
            played(type4_message(), silent_after(count, Type4Tag(UID, text)))


def container(file: str, *, length: str, reads: str = "00") -> Callable[[bytes], bytes | None]:
    """A Type 4 tag with these five bytes about its file: identifier, size and read access."""
    cc = bytes.fromhex(f"000F20 003B 0034 0406 {file} {reads} 00")
    answers = [b"", b"", cc, b"", bytes.fromhex(length)]
    queue = iter([each + b"\x90\x00" for each in answers])
    return lambda _: next(queue, None)


@pytest.mark.parametrize(
    "answer",
    [
        container("E104 0100", length="0000"),
        container("E104 0100", length="00FF"),  # longer than its file
        container("E104 FFFF", length=f"{MESSAGE_MAX_BYTES + 1:04X}"),
        container("E104 0100", length="0005", reads="80"),  # not for everybody
    ],
)
def test_type_4_without_a_message_to_read(answer: Callable[[bytes], bytes | None]) -> None:
    assert played(type4_message(), answer)[0] is None


@given(st.lists(st.none() | st.binary(max_size=20) | st.binary(min_size=16, max_size=16)))
@pytest.mark.parametrize("script", [type2_message, type4_message])
def test_no_answers_are_too_strange(
    script: Callable[[], Script], answers: list[bytes | None]
) -> None:
    queue = iter(answers)
    with suppress(TagLost):
        played(script(), lambda _: next(queue, None))


@given(st.binary(max_size=60))
def test_a_chip_that_says_yes_to_everything_ends(data: bytes) -> None:
    try:
        message, _ = played(type4_message(), lambda _: data + b"\x90\x00")
    except TagLost:
        return
    assert message is None or len(message) <= MESSAGE_MAX_BYTES


def test_the_identifier_is_what_a_tag_is_told_by() -> None:
    assert told(UID, None) == TagRead(UID, None)
    assert told(UID, text_record("MT1:X")) == TagRead(UID, "MT1:X")
    assert told(UID, b"no message") == TagRead(UID, None)


def test_a_random_identifier_is_none() -> None:
    random = bytes.fromhex("08 12 34 56")
    assert told(random, text_record("MT1:X")) == TagRead(b"", "MT1:X")
    assert told(random, None) == CardTrouble(TroubleReason.WRONG_CARD_TYPE)
    assert told(bytes.fromhex("08 12 34 56 78 9A BC"), None).__class__ is TagRead
