"""radio.json: our code agrees with it, and so does the specification read literally."""

import hashlib
import hmac
import json
import random
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.codec import encode_record
from protocol.packed import Numbered, pack_batch, unpack_batch
from protocol.records import UnknownRecord
from tests.packed_by_the_book import Book
from tests.vectors import make_radio_vectors as made
from tests.vectors.make_vectors import load

Json = dict[str, Any]

RADIO = load("radio.json")


def derived(secret: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=info).derive(secret)


def test_the_committed_file_is_what_the_generator_makes() -> None:
    assert json.loads(json.dumps(made.build())) == RADIO


def test_keys_read_literally() -> None:
    root, county = bytes.fromhex(RADIO["county_radio_key"]), RADIO["county"].encode()
    node = b"muster/1 radio node\0" + county + b"\0" + RADIO["node"].encode()
    assert derived(root, node).hex() == RADIO["node_radio_key"]
    assert derived(root, b"muster/1 radio group\0" + county).hex() == RADIO["group_radio_key"]


@pytest.mark.parametrize("vector", RADIO["frames"], ids=lambda vector: str(vector["direction"]))
def test_frames_read_literally(vector: Json) -> None:
    """docs/wire-format.md section 10, with nothing of ours but the vector."""
    root = RADIO["node_radio_key" if vector["direction"] == 1 else "group_radio_key"]
    epoch = vector["epoch"].to_bytes(4, "big")
    key = derived(bytes.fromhex(root), b"muster/1 radio\0" + bytes([vector["direction"]]) + epoch)
    assert key.hex() == vector["key"]
    first = bytes([vector["direction"] << 4 | vector["names_epoch"] << 3 | vector["kind"]])
    address = vector["address"].to_bytes(2, "big")
    header = first + address + (vector["counter"] % 2**24).to_bytes(3, "big")
    if vector["names_epoch"]:
        header += epoch
    nonce = first + epoch + address + vector["counter"].to_bytes(6, "big")
    content = bytes.fromhex(vector["content"])
    sealed = AESCCM(key, tag_length=8).encrypt(nonce, content, header)
    assert (header + sealed).hex() == vector["frame"]


def number(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the upper bit says that more follow."""
    groups = [value >> shift & 0x7F for shift in range(0, max(1, value.bit_length()), 7)]
    return bytes([group | 0x80 for group in groups[:-1]] + groups[-1:])


def test_the_schedule_read_literally() -> None:
    """docs/wire-format.md section 13, with nothing of ours but the vector."""
    schedule = RADIO["schedule"]
    root, info = bytes.fromhex(RADIO["node_radio_key"]), b"muster/1 radio receipts\0"
    key = derived(root, info + RADIO["frames"][0]["epoch"].to_bytes(4, "big"))
    assert key.hex() == schedule["receipt_key"]
    head = (1 << 15 | schedule["slot_ms"]).to_bytes(2, "big") + schedule["time_s"].to_bytes(
        4, "big"
    )
    content = head
    for turn in schedule["turns"]:
        octet = turn["grant"] << 4 | turn["has_receipt"] << 3 | turn["flags"]
        said = turn["address"].to_bytes(2, "big") + bytes([octet])
        if not turn["has_receipt"]:
            content += said
            continue
        said += number(turn["upto"]) + bytes([len(turn["gaps"])])
        before = 0
        for first, last in turn["gaps"]:
            said += number(first - before - 1) + number(last - first)
            before = last
        tag = hmac.digest(key, head + said, "sha256")[:4]
        assert tag.hex() == turn["tag"]
        content += said + tag
    assert content.hex() == schedule["content"]


def test_contents_from_a_terminal_read_literally() -> None:
    """docs/wire-format.md section 12, with nothing of ours but the vector."""
    steps = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 32, 64, 256]
    contents = {}
    for vector in RADIO["up"]:
        content = bytes.fromhex(vector["content"])
        code = max(place for place, step in enumerate(steps) if step <= vector["backlog"])
        assert content[0] == vector["left"] << 4 | code
        contents[vector["name"]] = content[1:]
    status = (
        (318).to_bytes(2, "big") + (95).to_bytes(2, "big") + bytes([1 | 8, 74, 17])
        + number(3) + number(2) + b"\x00\x00" + bytes([101, 12]) + b"\x01\x04" + bytes([87, 3])
    )  # fmt: skip
    assert contents["status"] == status
    sealed = number(300) + b"\x0cfirst sealed\x0dsecond sealed"
    assert contents["sealed"][8:] == sealed
    pieces = [contents["piece 0"], contents["piece 1"]]
    assert [piece[:2] for piece in pieces] == [b"\x09\x01", b"\x09\x11"]
    whole = b"".join(piece[2:] for piece in pieces)
    assert whole == b"\x02a wrapped key, as in an envelope"


def test_the_roster_order_read_literally() -> None:
    """docs/wire-format.md section 11, with nothing of ours but the vector."""
    roster = RADIO["roster"]
    points = list(dict.fromkeys(point for *_, point, _ in roster["people"]))
    units = list(dict.fromkeys((point, unit) for *_, unit, point, _ in roster["people"]))
    rank = {group: (points.index(group[0]), units.index(group)) for group in units}
    ordered = sorted(roster["people"], key=lambda person: rank[person[3], person[2]])
    assert [number for number, *_ in ordered] == roster["order"]
    people = [
        [number, bytes.fromhex(digest), unit, point, [bytes.fromhex(each) for each in others]]
        for number, digest, unit, point, others in roster["people"]
    ]
    content = [roster["version"], roster["issued_ms"], roster["points"], people]
    digest = hashlib.sha256(msgspec.msgpack.encode(content)).digest()
    assert digest[:3].hex() == roster["fingerprint"]


@pytest.mark.parametrize("vector", RADIO["batches"], ids=lambda vector: str(vector["name"]))
def test_batches_take_all_and_begin_with_roster_and_count(vector: Json) -> None:
    assert vector["taken"] == len(vector["sent"]) == len(vector["received"])
    content = bytes.fromhex(vector["content"])
    assert content[:3].hex() == RADIO["roster"]["fingerprint"]
    assert content[3] + 1 == vector["taken"]
    assert [seq for seq, _ in vector["sent"]] == [seq for seq, _ in vector["received"]]


@pytest.mark.parametrize("vector", RADIO["batches"], ids=lambda vector: str(vector["name"]))
def test_batches_read_by_the_book(vector: Json) -> None:
    """docs/wire-format.md section 11, with nothing of ours but the vector."""
    book = Book(bytes.fromhex(vector["content"]), RADIO["roster"])
    received = [
        [seq, (fields if isinstance(fields, bytes) else msgspec.msgpack.encode(fields)).hex()]
        for seq, fields in book.read()
    ]
    assert received == vector["received"]


@pytest.mark.parametrize("seed", range(20))
def test_long_stories_read_by_the_book(seed: int) -> None:
    dice = random.Random(seed)
    numbers = [*range(1000, 1060), *dice.choices(range(1000, 1060), k=60)]
    if seed % 2:
        dice.shuffle(numbers)
    after_s, story = 0.0, []
    for seq, number in enumerate(numbers, 1):
        after_s += dice.expovariate(1 / dice.choice([1, 1, 90]))
        lane = dice.choice([1] * 30 + [2])
        story.append(Numbered(seq, made.check_in(number, after_s, lane=lane)))
    content, taken = pack_batch(story, made.ORDER, limit_bytes=241)
    assert taken > 60
    by_the_book = Book(content, RADIO["roster"]).read()
    for (seq, fields), ours in zip(by_the_book, unpack_batch(content, made.ORDER), strict=True):
        assert not isinstance(ours.record, UnknownRecord)
        assert (seq, msgspec.msgpack.encode(fields)) == (ours.seq, encode_record(ours.record))
