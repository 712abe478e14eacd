"""Enrolments and identities: who vouches for whom."""

import msgspec
import pytest

from protocol.errors import BadSignature, Malformed
from protocol.keys import (
    Enrolment,
    IdentityFile,
    Role,
    credential_digest,
    decode_identity,
    encode_identity,
    issue_enrolment,
    verify_enrolment,
)
from protocol.suites import OpeningKey, SigningKey, key_id

AUTHORITY = SigningKey.generate()
BADGE_ISSUER = SigningKey.generate()
SIGNING, OPENING = SigningKey.generate(), OpeningKey.generate()
GATEWAY = Enrolment(
    "qinghe",
    "county-1",
    Role.GATEWAY,
    SIGNING.public_key().public_bytes_raw(),
    OPENING.public_key().public_bytes_raw(),
    "",
    1,
    0,
)


def identity_file(*peers: Enrolment) -> IdentityFile:
    return IdentityFile(
        "qinghe",
        "qingshui-1",
        SIGNING.private_bytes_raw(),
        OPENING.private_bytes_raw(),
        b"k" * 32,
        AUTHORITY.public_key().public_bytes_raw(),
        tuple(issue_enrolment(AUTHORITY, peer) for peer in peers),
        (BADGE_ISSUER.public_key().public_bytes_raw(),),
        1,
        b"r" * 32,
        b"g" * 32,
    )


def test_an_enrolment_vouches_for_two_keys() -> None:
    peer = verify_enrolment(AUTHORITY.public_key(), issue_enrolment(AUTHORITY, GATEWAY))
    assert peer.enrolment == GATEWAY
    assert peer.verify_key == SIGNING.public_key()
    assert peer.sealing_key == OPENING.public_key()
    assert peer.sealing_key_id == key_id(OPENING.public_key())


def test_nobody_else_can_enrol() -> None:
    with pytest.raises(BadSignature):
        verify_enrolment(AUTHORITY.public_key(), issue_enrolment(SigningKey.generate(), GATEWAY))


@pytest.mark.parametrize(
    "change",
    [
        {"county": "Qinghe"},
        {"node": "a/b"},
        {"node": "county-1\n"},
        {"node": ""},
        {"role": 3},
        {"signing_public": b"short"},
        {"sealing_public": b"x" * 33},
        {"point": "+"},
        {"issued_ms": -1},
        {"radio_address": -1},
        {"radio_address": 65536},
        {"radio_address": 1},
        {"role": Role.TERMINAL},
    ],
    ids=repr,
)
def test_an_enrolment_out_of_bounds_is_refused(change: dict[str, object]) -> None:
    message = issue_enrolment(AUTHORITY, msgspec.structs.replace(GATEWAY, **change))
    with pytest.raises(Malformed):
        verify_enrolment(AUTHORITY.public_key(), message)


def test_an_identity_comes_back() -> None:
    identity = decode_identity(encode_identity(identity_file(GATEWAY)))
    assert (identity.county, identity.node) == ("qinghe", "qingshui-1")
    assert identity.signing_key.public_key() == SIGNING.public_key()
    assert identity.opening_key.public_key() == OPENING.public_key()
    assert (identity.radio_address, identity.radio_key) == (1, b"r" * 32)
    assert identity.group_radio_key == b"g" * 32
    assert identity.authority == AUTHORITY.public_key()
    assert [peer.enrolment for peer in identity.peers] == [GATEWAY]
    assert identity.badge_issuers == {
        key_id(BADGE_ISSUER.public_key()): BADGE_ISSUER.public_key(),
    }
    assert decode_identity(encode_identity(identity_file())).peers == ()


@pytest.mark.parametrize(
    "field", ["signing_private", "opening_private", "county_key", "radio_key", "group_radio_key"]
)
def test_an_identity_with_a_key_cut_short_is_refused(field: str) -> None:
    short = msgspec.structs.replace(identity_file(), **{field: b"short"})
    with pytest.raises(Malformed):
        decode_identity(encode_identity(short))


def test_a_badge_issuer_that_is_no_key_is_refused() -> None:
    for bad in ((b"short",), (b"k" * 32,) * 9):
        file = msgspec.structs.replace(identity_file(), badge_issuers=bad)
        with pytest.raises(Malformed):
            decode_identity(encode_identity(file))


@pytest.mark.parametrize(
    "change", [{"role": Role.TERMINAL, "radio_address": 1}, {"county": "another"}], ids=repr
)
def test_a_terminal_only_seals_to_gateways_of_its_county(change: dict[str, object]) -> None:
    stranger = msgspec.structs.replace(GATEWAY, **change)
    with pytest.raises(Malformed):
        decode_identity(encode_identity(identity_file(GATEWAY, stranger)))


def test_no_repr_holds_a_key() -> None:
    file = identity_file()
    identity = decode_identity(encode_identity(file))
    assert repr(file) == "IdentityFile(qinghe, qingshui-1)"
    assert not any(letter * 32 in repr(identity) for letter in "krg")
    assert "signing_key" not in repr(identity)


def test_a_number_has_one_digest_however_it_was_typed() -> None:
    key = b"k" * 32
    digest = credential_digest(key, "11010119900307447X")
    assert len(digest) == 16
    assert digest == credential_digest(key, " 11010119900307447x\n")
    assert digest != credential_digest(b"j" * 32, "11010119900307447X")
