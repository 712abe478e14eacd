"""The list of revoked badges: the county's issuers' word, and nobody else's."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.badge import issuers_of
from protocol.errors import BadSignature, Malformed, ProtocolError, Unsupported
from protocol.limits import MAX_MESSAGE_BYTES, MAX_REVOKED_BADGES
from protocol.revocations import pack_revocations, unpack_revocations
from protocol.signed import Label, encode_signed
from protocol.suites import SigningKey
from tests.badges import ISSUERS, revocations
from tests.parties import BADGE_KEY, COUNTY, NOW_MS

ONE, TWO = b"00001", b"00002"
STRANGER = SigningKey.from_private_bytes(bytes(32))


def test_a_list_comes_back_in_order_and_once() -> None:
    held = unpack_revocations(revocations(3, [TWO, ONE, TWO]), COUNTY, ISSUERS)
    assert (held.version, held.issued_ms, held.badge_ids) == (3, NOW_MS, (ONE, TWO))


def test_any_pinned_issuer_may_speak() -> None:
    both = {**ISSUERS, **issuers_of([STRANGER.public_key()])}
    message = revocations(1, [ONE], key=STRANGER)
    assert unpack_revocations(message, COUNTY, both).badge_ids == (ONE,)


@pytest.mark.parametrize(
    "message",
    [
        revocations(9, key=STRANGER),
        revocations(9, county="elsewhere"),
        encode_signed(Label.BADGE, unpack_revocations(revocations(9), COUNTY, ISSUERS), BADGE_KEY),
        encode_signed(  # names the issuer, signed by somebody else
            Label.REVOCATIONS, unpack_revocations(revocations(9), COUNTY, ISSUERS), STRANGER
        ),
    ],
)
def test_nobody_elses_list_is_taken(message: bytes) -> None:
    with pytest.raises(BadSignature):
        unpack_revocations(message, COUNTY, ISSUERS)


def test_a_list_of_another_suite_is_named() -> None:
    _, payload, signature = msgspec.msgpack.decode(revocations(1))
    with pytest.raises(Unsupported):
        unpack_revocations(msgspec.msgpack.encode([2, payload, signature]), COUNTY, ISSUERS)


def test_the_longest_list_fits_a_message_and_no_longer_one_is_made() -> None:
    ids = [number.to_bytes(5, "big") for number in range(MAX_REVOKED_BADGES + 1)]
    message = revocations(1, ids[:-1])
    assert len(message) < MAX_MESSAGE_BYTES
    assert len(unpack_revocations(message, COUNTY, ISSUERS).badge_ids) == MAX_REVOKED_BADGES
    with pytest.raises(ValueError, match="at most"):
        pack_revocations(COUNTY, 1, NOW_MS, ids, BADGE_KEY)


def test_ids_of_another_length_are_malformed() -> None:
    held = unpack_revocations(revocations(1, [ONE]), COUNTY, ISSUERS)
    bad = msgspec.structs.replace(held, badge_ids=(b"0001",))
    with pytest.raises(Malformed):
        unpack_revocations(encode_signed(Label.REVOCATIONS, bad, BADGE_KEY), COUNTY, ISSUERS)


@given(st.binary(max_size=200) | st.integers(0, 90).map(lambda n: revocations(1, [ONE])[:n]))
def test_other_bytes_are_refused(message: bytes) -> None:
    with pytest.raises(ProtocolError):
        unpack_revocations(message, COUNTY, ISSUERS)
