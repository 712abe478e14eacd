"""Badges: what is on them, who is believed, and what no scanner or forger gets past."""

from datetime import date

import pytest
import segno
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.badge import (
    BADGE_BYTES,
    BADGE_CHARS,
    GENUINE,
    LAST_POSSIBLE_DAY,
    PREFIX,
    Badge,
    BadgeVerdict,
    badge_id_text,
    check_badge,
    encode_badge,
    is_badge_like,
    issuers_of,
    parse_badge_id,
)
from protocol.base45 import ALPHABET, decode_base45, encode_base45
from protocol.errors import Malformed
from protocol.suites import SigningKey
from tests.badges import FIRST_DAY, ISSUERS, LAST_DAY, ONE_DAY, badge, badge_text
from tests.musters import NAMES, NUMBERS
from tests.parties import BADGE_KEY

TODAY = date(2026, 9, 21)
TEXT = badge_text()
STRANGER = SigningKey.from_private_bytes(bytes(32))
QR_ALPHANUMERIC = set(ALPHABET)  # RFC 9285 chose them for it


def verdict(
    text: str, *, revoked: frozenset[bytes] = frozenset(), today: date | None = TODAY
) -> BadgeVerdict:
    return check_badge(text, ISSUERS, revoked, today).verdict


def with_checksum(data: bytes) -> str:
    """What a forger writes: the checksum is no secret."""
    genuine = decode_base45(TEXT.removeprefix(PREFIX))
    assert len(data) == len(genuine) - 2
    crc = 0xFFFF
    for byte in data:  # CRC-16/IBM-3740, read literally
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return PREFIX + encode_base45(data + crc.to_bytes(2, "big"))


def signed_part(text: str = TEXT) -> bytes:
    return decode_base45(text.removeprefix(PREFIX))[:-2]


def test_a_good_badge_says_whose_it_is() -> None:
    check = check_badge(TEXT, ISSUERS, frozenset(), TODAY)
    assert check.verdict is BadgeVerdict.VALID
    assert check.badge == badge()


def test_its_size_is_what_the_documents_say() -> None:
    """Below the 110 to 180 bytes that were planned, and a QR code of 41 by 41 modules."""
    assert (BADGE_BYTES, BADGE_CHARS, len(TEXT)) == (99, 153, 153)
    assert set(TEXT) <= QR_ALPHANUMERIC
    code = segno.make(TEXT, error="m", boost_error=False)
    assert (code.designator, code.mode) == ("6-M", "alphanumeric")


def test_nobody_is_named_in_it() -> None:
    said = TEXT.encode() + decode_base45(TEXT.removeprefix(PREFIX))
    assert NUMBERS[0].encode() not in said
    assert NAMES[0].encode() not in said
    assert badge().holder.hex() not in repr(check_badge(TEXT, ISSUERS, frozenset(), TODAY))


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (FIRST_DAY - ONE_DAY, BadgeVerdict.NOT_YET_VALID),
        (FIRST_DAY, BadgeVerdict.VALID),
        (LAST_DAY, BadgeVerdict.VALID),
        (LAST_DAY + ONE_DAY, BadgeVerdict.EXPIRED),
        (None, BadgeVerdict.VALID),  # nobody knows what day it is
    ],
)
def test_it_is_good_from_its_first_day_through_its_last(
    today: date | None, expected: BadgeVerdict
) -> None:
    assert verdict(TEXT, today=today) is expected


@pytest.mark.parametrize("today", [TODAY, FIRST_DAY - ONE_DAY, LAST_DAY + ONE_DAY, None])
def test_a_revoked_badge_is_revoked_whatever_the_day(today: date | None) -> None:
    assert verdict(TEXT, revoked=frozenset({badge().badge_id}), today=today) is BadgeVerdict.REVOKED
    assert verdict(TEXT, revoked=frozenset({badge(2).badge_id})) is BadgeVerdict.VALID


def test_another_countys_badge_is_not_called_a_forgery() -> None:
    check = check_badge(badge_text(key=STRANGER), ISSUERS, frozenset(), TODAY)
    assert check.verdict is BadgeVerdict.UNKNOWN_ISSUER
    assert check.verdict not in GENUINE
    both = {**ISSUERS, **issuers_of([STRANGER.public_key()])}
    assert check_badge(badge_text(key=STRANGER), both, frozenset(), TODAY).verdict in GENUINE


def test_a_forger_changes_no_bit() -> None:
    """Even one who knows the checksum. A changed issuer is nobody's; all else is a forgery."""
    for bit in range(8 * len(signed_part())):
        data = bytearray(signed_part())
        data[bit // 8] ^= 1 << bit % 8
        expected = BadgeVerdict.UNKNOWN_ISSUER if bit < 64 else BadgeVerdict.BAD_SIGNATURE
        assert verdict(with_checksum(bytes(data))) is expected, bit


def test_the_forgers_tool_makes_good_badges_of_good_bytes() -> None:
    assert with_checksum(signed_part()) == TEXT


def test_another_statement_of_the_issuers_is_no_badge() -> None:
    body = signed_part()[:-64]
    wrong_label = BADGE_KEY.sign(b"muster/1 revocations\0\x01" + body)
    bare = BADGE_KEY.sign(body)
    for signature in (wrong_label, bare):
        assert verdict(with_checksum(body + signature)) is BadgeVerdict.BAD_SIGNATURE


def test_any_one_character_changed_is_garbled() -> None:
    """Not one of all 6 700 ways is accepted, or cries forgery over a dirty lens."""
    for place in range(len(TEXT)):
        for other in ALPHABET:
            if other != TEXT[place]:
                changed = TEXT[:place] + other + TEXT[place + 1 :]
                assert verdict(changed) is BadgeVerdict.MALFORMED, (place, other)


@pytest.mark.parametrize("spoil", [str.lower, str.swapcase, str.title], ids=lambda f: f.__name__)
@pytest.mark.parametrize(("before", "after"), [("", "\r"), (" ", "\r\n"), ("\t\n", "  ")])
def test_what_scanners_do_to_a_text_does_no_harm(spoil: type[str], before: str, after: str) -> None:
    text = before + spoil(TEXT) + after
    assert verdict(text) is BadgeVerdict.VALID
    assert is_badge_like(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        PREFIX,
        TEXT[:-1],
        TEXT + "0",
        TEXT[:70] + TEXT[71:],
        TEXT + TEXT,
        TEXT.replace("MT1:", "MT2:"),
        TEXT.replace("M", "ｍ", 1),
        "MT1:" + " " * 149,
        "MT1:" + ":" * 149,
    ],
)
def test_what_is_no_whole_badge(text: str) -> None:
    check = check_badge(text, ISSUERS, frozenset(), TODAY)
    assert (check.verdict, check.badge) == (BadgeVerdict.MALFORMED, None)


def test_letters_that_only_become_ascii_are_not_taken_for_it() -> None:
    for text, letter, lookalike in (("S" * 153, "S", "ſ"), ("I" * 153, "I", "ı")):
        assert text.replace(letter, lookalike).upper() == text
        assert verdict(PREFIX + text.replace(letter, lookalike)[4:]) is BadgeVerdict.MALFORMED


@given(
    st.text(max_size=200)
    | st.text(st.sampled_from(ALPHABET), max_size=200).map(PREFIX.__add__)
    | st.binary(min_size=BADGE_BYTES - 2, max_size=BADGE_BYTES - 2).map(with_checksum)
)
@example(PREFIX + "0" * 149)
def test_a_check_never_raises_and_believes_nothing_by_accident(text: str) -> None:
    check = check_badge(text, ISSUERS, frozenset(), TODAY)
    assert check.verdict not in GENUINE
    is_badge_like(text)


@given(
    badge_id=st.binary(min_size=5, max_size=5),
    holder=st.binary(min_size=16, max_size=16),
    days=st.tuples(*[st.dates(date(1970, 1, 1), LAST_POSSIBLE_DAY)] * 2),
)
def test_every_badge_comes_back(badge_id: bytes, holder: bytes, days: tuple[date, date]) -> None:
    made = Badge(badge_id, holder, *sorted(days))
    text = encode_badge(made, BADGE_KEY)
    assert len(text) == BADGE_CHARS
    assert text == text.strip()
    check = check_badge(text, ISSUERS, frozenset(), made.first_day)
    assert (check.verdict, check.badge) == (BadgeVerdict.VALID, made)


@pytest.mark.parametrize(
    "made",
    [
        Badge(bytes(4), bytes(16), FIRST_DAY, LAST_DAY),
        Badge(bytes(5), bytes(15), FIRST_DAY, LAST_DAY),
        Badge(bytes(5), bytes(16), date(1969, 12, 31), LAST_DAY),
        Badge(bytes(5), bytes(16), FIRST_DAY, LAST_POSSIBLE_DAY + ONE_DAY),
    ],
)
def test_a_badge_that_cannot_be_is_not_made(made: Badge) -> None:
    with pytest.raises(ValueError, match="badge"):
        encode_badge(made, BADGE_KEY)


@pytest.mark.parametrize(
    ("text", "is_like"),
    [
        (TEXT, True),
        (TEXT.replace("MT1:", "MT1>"), True),  # typed for a German keyboard
        (TEXT[:80], True),
        ("mt1:", True),
        ("MT1-4711", False),
        (NUMBERS[0], False),
        ("", False),
    ],
)
def test_what_is_meant_to_be_a_badge(text: str, is_like: bool) -> None:
    assert is_badge_like(text) is is_like


@pytest.mark.parametrize(
    ("badge_id", "text"),
    [(bytes(5), "0000-0000"), (b"\xff" * 5, "ZZZZ-ZZZZ"), (bytes([1, 2, 3, 4, 5]), "0410-6105")],
)
def test_ids_as_they_are_read_out(badge_id: bytes, text: str) -> None:
    assert badge_id_text(badge_id) == text


@given(st.binary(min_size=5, max_size=5))
def test_an_id_comes_back_however_it_is_written(badge_id: bytes) -> None:
    text = badge_id_text(badge_id)
    for written in (text, text.lower(), text.replace("-", ""), f" {text}\n"):
        assert parse_badge_id(written) == badge_id
    assert parse_badge_id(text.replace("0", "O").replace("1", "l")) == badge_id


@given(st.text(max_size=12))
@example("UUUU-UUUU")
@example("ＡAAA-AAAA")
def test_an_id_is_parsed_or_malformed(text: str) -> None:
    try:
        badge_id = parse_badge_id(text)
    except Malformed:
        return
    assert parse_badge_id(badge_id_text(badge_id)) == badge_id
