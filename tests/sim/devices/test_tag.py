"""Simulated tags and their deck, against hw/tags.md."""

from pathlib import Path

import pytest

from sim.devices.contactless import ContactlessSlot
from sim.devices.deck import DeckError
from sim.devices.tag import NAK, NTAG213, ClassicTag, NtagTag, PhoneTag, Type4Tag, text_record
from sim.devices.tag_deck import read_tags

UID = bytes.fromhex("04112233445566")


def ntag(text: str = "Hello") -> NtagTag:
    tag = NtagTag(UID, text_record(text))
    tag.wake()
    return tag


def test_an_ntag_s_first_pages() -> None:
    pages = ntag().exchange(bytes.fromhex("30 00"))
    assert pages is not None
    assert pages.hex(" ").upper() == "04 11 22 BF 33 44 55 66 44 48 00 00 E1 10 12 00"


def test_a_read_at_the_end_begins_again_at_the_front() -> None:
    tag = ntag()
    last = tag.exchange(bytes([0x30, NTAG213.pages - 1]))
    assert last is not None
    assert last[4:] == (tag.exchange(b"\x30\x00") or b"")[:12]


def test_other_commands_of_an_ntag() -> None:
    tag = ntag()
    assert tag.exchange(b"\x60") == bytes.fromhex("00 04 04 02 01 00 0F 03")
    assert len(tag.exchange(b"\x3a\x00\x2c") or b"") == NTAG213.pages * 4
    assert tag.exchange(bytes.fromhex("A2 04 01 02 03 04")) == b"\x0a"
    assert (tag.exchange(b"\x30\x04") or b"")[:4] == b"\x01\x02\x03\x04"


@pytest.mark.parametrize("command", ["30 2D", "30", "3A 05 04", "A2 02 00 00 00 00", "99", ""])
def test_after_a_nak_a_tag_is_silent_until_woken(command: str) -> None:
    tag = ntag()
    assert tag.exchange(bytes.fromhex(command)) == NAK
    assert tag.exchange(b"\x30\x00") is None
    tag.wake()
    assert tag.exchange(b"\x30\x00") is not None


def test_a_halted_tag_is_silent() -> None:
    tag = ntag()
    assert tag.exchange(b"\x50\x00") is None
    assert tag.exchange(b"\x30\x00") is None


@pytest.mark.parametrize(
    ("apdu", "status"),
    [
        ("00 A4 04 00 07 D2 76 00 00 85 01 01 00", "9000"),
        ("00 A4 04 00 07 A0 00 00 00 03 10 10 00", "6A82"),
        ("00 A4 00 0C 02 E1 03", "6A82"),  # no application selected
        ("00 B0 00 00 02", "6986"),  # no file selected
        ("00 20 00 80", "6D00"),
        ("80 CA 00 00", "6E00"),
        ("00 A4", "6700"),
    ],
)
def test_status_words_of_a_chip_card(apdu: str, status: str) -> None:
    tag = Type4Tag(UID, text_record("Hello"))
    tag.wake()
    assert tag.exchange(bytes.fromhex(apdu)) == bytes.fromhex(status)


def test_reading_a_chip_card_within_its_limits() -> None:
    tag = Type4Tag(UID, text_record("Hello"))
    tag.wake()
    for apdu in ("00 A4 04 00 07 D2 76 00 00 85 01 01 00", "00 A4 00 0C 02 E1 04"):
        assert tag.exchange(bytes.fromhex(apdu)) == b"\x90\x00"
    assert tag.exchange(bytes.fromhex("00 B0 00 00 02")) == bytes.fromhex("00 0C 90 00")
    assert tag.exchange(bytes.fromhex("00 B0 00 00 3C")) == bytes.fromhex("67 00")
    assert tag.exchange(bytes.fromhex("00 B0 7F FF 01")) == bytes.fromhex("6B 00")


def test_a_phone_is_somebody_else_each_time() -> None:
    phone = PhoneTag(None)
    uids = {phone.wake().uid for _ in range(5)}
    assert len(uids) == 5
    assert {uid[0] for uid in uids} == {0x08}


@pytest.mark.parametrize(
    ("tag", "atr"),
    [
        (NtagTag(UID, None), "3B 8F 80 01 80 4F 0C A0 00 00 03 06 03 00 03 00 00 00 00 68"),
        (ClassicTag(UID[:4]), "3B 8F 80 01 80 4F 0C A0 00 00 03 06 03 00 01 00 00 00 00 6A"),
        (Type4Tag(UID, None), "3B 81 80 01 80 80"),
    ],
)
def test_what_a_reader_makes_up_for_an_atr(tag: NtagTag, atr: str) -> None:
    """The first two as manufacturers' manuals print them: hw/pcsc.md 3."""
    assert ContactlessSlot(tag).atr.hex(" ").upper() == atr


@pytest.mark.parametrize(
    ("apdu", "answer"),
    [
        ("FF CA 00 00 00", "04 11 22 33 44 55 66 90 00"),
        ("FF B0 00 03 04", "E1 10 12 00 90 00"),
        ("FF B0 00 03 11", "67 00"),
        ("FF B0 00 F0 10", "63 00"),
        ("FF CA 01 00 00", "6A 81"),
        ("FF CA", "67 00"),
        ("00 A4 04 00 00", "6E 00"),
    ],
)
def test_the_reader_s_own_words(apdu: str, answer: str) -> None:
    slot = ContactlessSlot(NtagTag(UID, None))
    assert slot.apdu(bytes.fromhex(apdu)) == bytes.fromhex(answer)


DECK = """uid,kind,text
04112233445566,ntag213,MT1:HELLO
04aabbccddee11,type4,集结
,phone,
DEADBEEF,classic,
"""


def test_a_deck(tmp_path: Path) -> None:
    deck = tmp_path / "tags.csv"
    deck.write_text(DECK, encoding="utf-8")
    tags = read_tags(deck)
    assert [type(tag) for tag in tags] == [NtagTag, Type4Tag, PhoneTag, ClassicTag]
    assert tags[0].wake().uid == UID


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ("uid,text\n", "must name the columns kind"),
        ("uid,kind,text\n", "no "),
        ("uid,kind,text\n04,ntag213,x\n", "line 2: the uid of kind ntag213 has 7 bytes"),
        ("uid,kind,text\nzz,ntag213,x\n", "line 2: uid is not in hex"),
        ("uid,kind,text\n04,felica,x\n", "line 2: kind must be one of"),
        (f"uid,kind,text\n04112233445566,ntag213,{'x' * 150}\n", "line 2: a message of 157 bytes"),
        ("uid,kind,text\n04112233445566\n", "line 2"),
    ],
)
def test_a_bad_deck(tmp_path: Path, rows: str, complaint: str) -> None:
    deck = tmp_path / "tags.csv"
    deck.write_text(rows, encoding="utf-8")
    with pytest.raises(DeckError, match=complaint):
        read_tags(deck)
