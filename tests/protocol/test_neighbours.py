"""What neighbours tell: it arrives as it was sent, fits, and nothing else is taken for it."""

import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import Malformed
from protocol.limits import MAX_COUNT
from protocol.neighbours import (
    DIGEST_MARK_BYTES,
    MAX_AGE_S,
    MAX_LANE,
    MAX_PLACE,
    NO_ROSTER,
    Sighting,
    Told,
    digest_mark,
    pack_told,
    point_mark,
    unpack_told,
)
from protocol.octets import pack_number
from tests.vectors import make_neighbour_vectors as made
from tests.vectors.make_vectors import load

Json = dict[str, Any]

VECTORS = load("neighbours.json")
PLENTY_BYTES = 10_000
MARK = point_mark("qingshui")

marks = st.binary(min_size=3, max_size=3)
anybody = st.integers(0, MAX_PLACE) | st.binary(
    min_size=DIGEST_MARK_BYTES, max_size=DIGEST_MARK_BYTES
)
sightings = st.lists(
    st.builds(Sighting, anybody, st.integers(0, MAX_AGE_S), st.booleans()), max_size=40
).map(lambda found: tuple(sorted(found, key=lambda each: each.age_s)))
tolds = st.builds(
    Told, marks, st.integers(1, MAX_LANE), marks, st.integers(0, MAX_COUNT), sightings
)


@given(tolds)
def test_what_was_told_arrives(told: Told) -> None:
    content, taken = pack_told(told, limit_bytes=PLENTY_BYTES)
    assert taken == len(told.sightings)
    assert unpack_told(content) == told


@given(tolds, st.integers(20, 255))
def test_what_does_not_fit_is_left_for_another_frame(told: Told, limit_bytes: int) -> None:
    content, taken = pack_told(told, limit_bytes=limit_bytes)
    assert len(content) <= limit_bytes
    assert unpack_told(content).sightings == told.sightings[:taken]
    if taken < len(told.sightings):
        longer, _ = pack_told(told, limit_bytes=len(content) + 12)
        assert longer != content


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused_and_say_one_thing(data: bytes) -> None:
    try:
        told = unpack_told(data)
    except Malformed:
        return
    assert pack_told(told, limit_bytes=PLENTY_BYTES)[0] == data


@pytest.mark.parametrize(
    "content",
    [
        b"",
        MARK + b"\0" + NO_ROSTER + b"\0",
        MARK + bytes([MAX_LANE + 1]) + NO_ROSTER + b"\0",
        MARK + b"\1" + NO_ROSTER,
        MARK + b"\1" + NO_ROSTER + pack_number(MAX_COUNT + 1),
        MARK + b"\1" + NO_ROSTER + b"\0" + b"\0abc",
        MARK + b"\1" + NO_ROSTER + b"\0" + b"\0abcd",
        MARK + b"\1" + NO_ROSTER + b"\0" + b"\4abcd\0",
        MARK + b"\1" + NO_ROSTER + b"\0" + pack_number((MAX_PLACE + 1) << 2 | 1) + b"\0",
        MARK + b"\1" + NO_ROSTER + b"\0\1" + pack_number(MAX_AGE_S + 1),
        MARK + b"\1" + NO_ROSTER + b"\0\1" + pack_number(MAX_AGE_S) + b"\1\1",
    ],
    ids=["nothing", "lane 0", "lane 100", "no activation", "activation", "cut", "no age",
         "digest with a place", "place", "age", "ages together"],
)  # fmt: skip
def test_what_is_out_of_bounds_is_refused(content: bytes) -> None:
    with pytest.raises(Malformed):
        unpack_told(content)


@pytest.mark.parametrize(
    "wrong",
    [
        (Sighting(1, 5), Sighting(2, 4)),
        (Sighting(MAX_PLACE + 1, 0),),
        (Sighting(-1, 0),),
        (Sighting(b"abc", 0),),
        (Sighting(1, MAX_AGE_S + 1),),
    ],
    ids=["order", "place", "negative", "digest", "age"],
)
def test_what_cannot_be_told_is_a_bug(wrong: tuple[Sighting, ...]) -> None:
    with pytest.raises(ValueError, match=r"sightings|place|mark"):
        pack_told(Told(MARK, 1, NO_ROSTER, 7, wrong), limit_bytes=PLENTY_BYTES)


def test_a_frame_too_short_for_the_head_is_a_bug() -> None:
    with pytest.raises(ValueError, match="head"):
        pack_told(Told(MARK, 1, NO_ROSTER, 7), limit_bytes=7)


def test_a_sighting_in_a_county_roster_costs_three_bytes() -> None:
    """The figure of docs/wire-format.md section 15: 800 people, one every 20 s."""
    told = Told(MARK, 1, NO_ROSTER, 7, tuple(Sighting(400 + n, 20 * n) for n in range(10)))
    content, _ = pack_told(told, limit_bytes=PLENTY_BYTES)
    assert len(content) == 8 + 10 * 3


def test_nothing_about_a_person_is_in_a_repr() -> None:
    mark = digest_mark(b"0123456789abcdef")
    assert mark == b"0123"
    assert "0123" not in repr(Told(MARK, 1, NO_ROSTER, 7, (Sighting(mark, 0),)))


def test_the_committed_file_is_what_the_generator_makes() -> None:
    assert json.loads(json.dumps(made.build())) == VECTORS


@pytest.mark.parametrize("vector", VECTORS["frames"], ids=lambda vector: str(vector["name"]))
def test_vectors_read_literally(vector: Json) -> None:
    """docs/wire-format.md sections 10 and 15, with nothing of ours but the vector."""
    content = hashlib.sha256(VECTORS["point"].encode()).digest()[:3]
    content += bytes([vector["lane"]]) + bytes.fromhex(vector["roster"])
    content += _leb128(vector["activation"])
    before_s = 0
    for each in vector["sightings"]:
        taken_back = 2 * each["is_taken_back"]
        if "place" in each:
            content += _leb128(each["place"] * 4 + taken_back + 1)
        else:
            content += bytes([taken_back]) + bytes.fromhex(each["digest"])
        content += _leb128(each["age_s"] - before_s)
        before_s = each["age_s"]
    assert content.hex() == vector["content"]
    epoch = VECTORS["epoch"].to_bytes(4, "big")
    info = b"muster/1 radio\0" + b"\3" + epoch
    key = HKDF(SHA256(), 32, salt=None, info=info).derive(bytes.fromhex(VECTORS["group_radio_key"]))
    address = VECTORS["address"].to_bytes(2, "big")
    header = b"\x38" + address + (vector["counter"] % 2**24).to_bytes(3, "big") + epoch
    nonce = b"\x38" + epoch + address + vector["counter"].to_bytes(6, "big")
    sealed = AESCCM(key, tag_length=8).encrypt(nonce, content, header)
    assert (header + sealed).hex() == vector["frame"]


def _leb128(value: int) -> bytes:
    low, rest = value % 128, value // 128
    return bytes([low + 128]) + _leb128(rest) if rest else bytes([low])
