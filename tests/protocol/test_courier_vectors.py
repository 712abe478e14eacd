"""The courier's vectors, read by the specification and by the code."""

import hashlib
import json
import zlib
from typing import Any

import msgspec
import pytest

from protocol.base45 import decode_base45
from protocol.courier import CourierHead, pack_courier, unpack_courier
from protocol.fragments import Gatherer, parse_fragment
from tests.vectors.make_courier_vectors import build
from tests.vectors.make_vectors import load

VECTORS = load("courier.json")
STATEMENTS = {each["name"]: each["message"] for each in load("statements.json")["statements"]}
Json = dict[str, Any]


def test_the_committed_file_is_what_the_generator_makes() -> None:
    assert json.loads(json.dumps(build())) == VECTORS


@pytest.mark.parametrize("vector", VECTORS["files"], ids=lambda vector: str(vector["direction"]))
def test_a_file_read_literally(vector: Json) -> None:
    """docs/wire-format.md section 14, with nothing of ours but the vector."""
    data = bytes.fromhex(vector["file"])
    assert data[:8] == b"MUSTER\x1a\x01"
    end = 10 + int.from_bytes(data[8:10], "big")
    assert msgspec.msgpack.decode(data[10:end]) == vector["head"]
    assert data[end : end + 8] == hashlib.sha256(data[10:end]).digest()[:8]
    at, found = end + 8, []
    while kind := data[at]:
        size = int.from_bytes(data[at + 1 : at + 5], "big")
        message = data[at + 5 : at + 5 + size]
        at += 5 + size + 8
        assert data[at - 8 : at] == hashlib.sha256(message).digest()[:8]
        found.append((kind, message.hex()))
    assert found == [(kind, STATEMENTS[name]) for kind, name in vector["messages"]]
    assert data[at + 1 :] == hashlib.sha256(data[: at + 1]).digest()


@pytest.mark.parametrize("vector", VECTORS["files"], ids=lambda vector: str(vector["direction"]))
def test_the_code_reads_and_writes_it(vector: Json) -> None:
    data = bytes.fromhex(vector["file"])
    file = unpack_courier(data)
    assert file.is_whole
    assert file.head == msgspec.convert(vector["head"], CourierHead)
    assert file.head.name == vector["name"]
    assert pack_courier(file.head, file.messages) == data


@pytest.mark.parametrize("vector", VECTORS["torn"], ids=lambda vector: str(vector["name"]))
def test_a_torn_file_gives_up_what_is_whole(vector: Json) -> None:
    file = unpack_courier(bytes.fromhex(vector["file"]))
    assert not file.is_whole
    assert [int(each.kind) for each in file.messages] == vector["whole"]


def test_codes_read_literally() -> None:
    """docs/wire-format.md section 14, with nothing of ours but Base45."""
    data = bytes.fromhex(VECTORS["files"][0]["file"])
    parts = b""
    for index, text in enumerate(VECTORS["codes"]):
        fragment = decode_base45(text.removeprefix("MC1:"))
        assert fragment[:8] == hashlib.sha256(data).digest()[:8]
        assert (fragment[8], fragment[9]) == (index, len(VECTORS["codes"]))
        assert zlib.crc32(fragment[:-4]) == int.from_bytes(fragment[-4:], "big")
        parts += fragment[10:-4]
    assert parts == data


def test_the_code_gathers_them() -> None:
    gatherer = Gatherer()
    taken = [gatherer.take(parse_fragment(text)) for text in reversed(VECTORS["codes"])]
    assert taken[-1] == bytes.fromhex(VECTORS["files"][0]["file"])
    assert set(taken[:-1]) == {None}
