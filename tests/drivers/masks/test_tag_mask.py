"""A tag in a recording: its model and its structure, neither its identifier nor its words."""

import pytest

from drivers.masks.tag import TagMask

UID = bytes.fromhex("04A1B2C3D4E5F6")
CONTAINER = bytes.fromhex("E1101200")
# Four pages of head, then a text record of one TLV.
RECORD = bytes.fromhex("D1010A54") + b"\x02en" + b"Secret7"
AREA = bytes([3, len(RECORD)]) + RECORD + b"\xfe" + b"leftovers"
HEAD = bytes.fromhex("04A1B29F C3D4E5F6 0448 0000") + CONTAINER


def read(page: int) -> bytes:
    return bytes([0x30, page])


def pages(page: int) -> bytes:
    return (HEAD + AREA.ljust(48, b"\0"))[page * 4 : page * 4 + 16]


def test_the_same_tag_is_the_same_specimen_and_another_is_not() -> None:
    mask = TagMask()
    first, other, again = mask.found(UID), mask.found(UID[:6] + b"\0"), mask.found(UID)
    assert first == again != other
    assert first == bytes.fromhex("04000000000001")
    assert mask.found(bytes.fromhex("0A1B2C3D")) == bytes.fromhex("00000003")
    assert mask.found(bytes.fromhex("081B2C3D"))[:1] == b"\x08"
    assert mask.found(b"") == b""


def test_a_message_read_page_by_page() -> None:
    mask = TagMask()
    mask.found(UID)
    head = mask.answered(read(3), pages(3))
    assert head[:4] == CONTAINER
    area = b"".join(mask.answered(read(page), pages(page)) for page in (4, 8, 12))
    assert area == (AREA[:9] + b"Aaaaaa0" + b"\xfe").ljust(48, b"\0")
    assert head[4:] == area[:12]
    assert mask.answered(read(8), pages(8)) == area[16:32]  # asked for again


def test_the_identifier_in_the_memory_is_that_of_the_specimen() -> None:
    mask = TagMask()
    uid = mask.found(UID)
    memory = mask.answered(read(0), pages(0))
    assert memory[:3] + memory[4:8] == uid
    assert memory[3] == 0x88 ^ uid[0] ^ uid[1] ^ uid[2]
    assert memory[8] == uid[3] ^ uid[4] ^ uid[5] ^ uid[6]
    assert memory[12:] == CONTAINER
    assert mask.answered(read(1), pages(1))[:4] == uid[3:]


def test_a_hole_is_zeros() -> None:
    mask = TagMask()
    mask.found(UID)
    assert mask.answered(read(8), pages(8)) == bytes(16)


def test_a_chip_card() -> None:
    mask = TagMask()
    mask.found(bytes.fromhex("0A1B2C3D"))
    done = b"\x90\x00"
    message = len(RECORD).to_bytes(2, "big") + RECORD
    container_file = bytes.fromhex("000F20003B00340406E104010000 00")
    select = bytes.fromhex("00A4000C02")
    binary = bytes.fromhex("00B00000FF")
    assert mask.answered(select + b"\xe1\x03", done) == done
    assert mask.answered(binary, container_file + done) == container_file + done
    assert mask.answered(select + b"\xe1\x04", done) == done
    assert mask.answered(binary[:4] + b"\x02", message[:2] + done) == message[:2] + done
    told = mask.answered(bytes.fromhex("00B00002FF"), message[2:] + done)
    assert told == RECORD[:7] + b"Aaaaaa0" + done


@pytest.mark.parametrize("command", ["3004", "3A0410", "60", "00A4040007D2760000850101"])
def test_commands_that_only_read_stay(command: str) -> None:
    assert TagMask().asked(bytes.fromhex(command)) == bytes.fromhex(command)


def test_keys_and_what_is_written_is_not_told() -> None:
    mask = TagMask()
    assert mask.asked(bytes.fromhex("A204") + b"Secr") == b"\xa2" + bytes(5)
    classic = bytes.fromhex("6004FFFFFFFFFFFF04A1B2C3")
    assert mask.asked(classic) == classic[:3] + bytes(9)
    assert mask.answered(classic, b"secret") == bytes(6)
    assert mask.answered(b"\x60", b"version!") == b"version!"
