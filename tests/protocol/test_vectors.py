"""The golden vectors: our code agrees with them, and so does the specification read literally."""

import hashlib
import hmac
import json
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from protocol import errors, suites
from protocol.badge import BadgeVerdict, check_badge, issuers_of, parse_badge_id
from protocol.base45 import decode_base45, encode_base45
from protocol.bulletin import unpack_bulletin
from protocol.codec import decode_record, encode_record, kind_of
from protocol.downlink import Activation, unpack_downlink
from protocol.envelope import RecordOpener, unpack_envelope
from protocol.errors import Malformed
from protocol.health import unpack_heartbeat
from protocol.ids import parse_name
from protocol.keys import credential_digest, verify_enrolment
from protocol.receipts import unpack_receipt, unpack_refusal
from protocol.records import UnknownRecord
from protocol.revocations import unpack_revocations
from protocol.roster import RosterPart
from protocol.sequences import SeqSet
from protocol.suites import OpeningKey, VerifyKey
from tests.vectors import make_vectors as made

Json = dict[str, Any]

HPKE = made.load("hpke.json")
RECORDS = made.load("records.json")
STATEMENTS = {entry["name"]: entry for entry in made.load("statements.json")["statements"]}
NEGATIVE = made.load("negative.json")
NAMES = made.load("names.json")
BADGE = made.load("badge.json")


def message(name: str) -> bytes:
    return bytes.fromhex(STATEMENTS[name]["message"])


def signer(name: str) -> VerifyKey:
    return VerifyKey.from_public_bytes(bytes.fromhex(STATEMENTS[name]["signer_public"]))


@pytest.mark.parametrize("name", sorted(made.build(HPKE)))
def test_the_committed_files_are_what_the_generator_makes(name: str) -> None:
    as_json = json.loads(json.dumps(made.build(HPKE)[name]))
    assert made.load(name) == as_json


@pytest.mark.parametrize("vector", HPKE["vectors"], ids=lambda vector: str(vector["name"]))
def test_what_hpke_sealed_opens(vector: Json) -> None:
    private = OpeningKey.from_private_bytes(bytes.fromhex(vector["recipient_private"]))
    assert suites.key_id(private.public_key()).hex() == vector["recipient_key_id"]
    plain = suites.hpke_open(
        private, bytes.fromhex(vector["sealed"]), bytes.fromhex(vector["info"])
    )
    assert plain.hex() == vector["plaintext"]


def test_hpke_vectors_are_about_the_records_and_messages_of_the_other_files() -> None:
    inputs = made.hpke_inputs()
    assert [vector["name"] for vector in HPKE["vectors"]] == list(inputs)
    for vector in HPKE["vectors"]:
        _, info, plain = inputs[vector["name"]]
        assert (vector["info"], vector["plaintext"]) == (info.hex(), plain.hex())


@pytest.mark.parametrize("name", made.RECORDS)
def test_records_have_the_bytes_of_the_vectors(name: str) -> None:
    bodies = {entry["name"]: bytes.fromhex(entry["body"]) for entry in RECORDS["records"]}
    assert encode_record(made.RECORDS[name]) == bodies[name]
    assert decode_record(bodies[name]) == made.RECORDS[name]


def test_an_appended_field_is_ignored_and_other_kinds_are_kept() -> None:
    bodies = {entry["name"]: bytes.fromhex(entry["body"]) for entry in RECORDS["records"]}
    assert decode_record(bodies["appended field"]) == made.RECORDS["accepted"]
    assert decode_record(bodies["unknown kind"]) == UnknownRecord(99, bodies["unknown kind"])
    assert kind_of(bodies["not a record"]) == 0


@pytest.mark.parametrize("vector", RECORDS["sealed"], ids=lambda vector: str(vector["seq"]))
def test_sealing_read_literally(vector: Json) -> None:
    """docs/wire-format.md section 3, with nothing of ours but the vector."""
    nonce = b"\0\0\0\0" + vector["seq"].to_bytes(8, "big")
    aad = b"\0".join([vector["county"].encode(), vector["node"].encode(), b""])
    aad += vector["epoch"].to_bytes(4, "big") + bytes.fromhex(vector["key_id"]) + nonce
    assert (nonce.hex(), aad.hex()) == (vector["nonce"], vector["aad"])
    cipher = AESGCM(bytes.fromhex(vector["record_key"]))
    body = bytes.fromhex(vector["body"])
    assert cipher.encrypt(nonce, body, aad).hex() == vector["sealed"]
    with pytest.raises(InvalidTag):
        cipher.decrypt(nonce, bytes.fromhex(vector["sealed"]), aad[:-1] + b"\0")


@pytest.mark.parametrize("entry", STATEMENTS.values(), ids=list(STATEMENTS))
def test_signing_read_literally(entry: Json) -> None:
    """docs/wire-format.md section 5, with nothing of ours but the vector."""
    suite, payload, signature = msgspec.msgpack.decode(bytes.fromhex(entry["message"]))
    covered = bytes.fromhex(entry["label"]) + bytes([suite]) + payload
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(entry["signer_public"]))
    key.verify(signature, covered)


@pytest.mark.parametrize("private", [made.GATEWAY_OPENING, made.SECOND_OPENING])
def test_the_envelope_opens_for_both_recipients(private: OpeningKey) -> None:
    envelope = unpack_envelope(message("envelope"), signer("envelope"))
    assert (envelope.first_seq, envelope.last_seq) == (41, 45)
    expected = [bytes.fromhex(vector["body"]) for vector in RECORDS["sealed"]]
    assert RecordOpener([private]).open(envelope) == expected


def test_the_bulletin_is_the_gateways() -> None:
    bulletin = unpack_bulletin(message("bulletin"), made.COUNTY, signer("bulletin"))
    assert bulletin == made.BULLETIN
    payload = msgspec.msgpack.decode(msgspec.msgpack.decode(message("bulletin"))[1])
    assert payload[:3] == [made.COUNTY, 2, made.AT_MS + 5000]
    assert payload[4:7] == [made.AT_MS + 4000, [[made.AT_MS + 3000, "改到小学操场集合"]], 3]
    person = [9, bytes(range(16)), "李四", "民兵一排", "qingshui", "", 0, []]
    assert payload[7] == [
        2, made.AT_MS - 1000, 3, made.AT_MS + 2000, [7], [[1, person]]
    ]  # fmt: skip


def test_the_other_statements_say_what_they_said() -> None:
    assert unpack_heartbeat(message("heartbeat"), signer("heartbeat")) == made.HEARTBEAT
    assert unpack_receipt(message("receipt"), signer("receipt")) == made.RECEIPT
    refusal = unpack_refusal(message("refusal"), signer("refusal"))
    assert refusal.message_digest == hashlib.sha256(message("envelope")).digest()
    peer = verify_enrolment(signer("enrolment"), message("enrolment"))
    assert peer.enrolment.node == made.NODE
    assert peer.verify_key == made.TERMINAL.public_key()
    issuers = issuers_of([signer("revocations")])
    assert unpack_revocations(message("revocations"), made.COUNTY, issuers).badge_ids == (
        made.REVOKED
    )


def test_the_downlink_opens_at_its_terminal() -> None:
    gateway, opening = signer("activation"), made.TERMINAL_OPENING
    activation = unpack_downlink(message("activation"), Activation, gateway, made.NODE, opening)
    assert activation == made.ACTIVATION
    part = unpack_downlink(message("roster part"), RosterPart, gateway, made.NODE, opening)
    assert part == made.ROSTER_PART


@pytest.mark.parametrize("case", NEGATIVE["envelopes"], ids=lambda case: str(case["name"]))
def test_bad_envelopes_are_refused_for_the_stated_reason(case: Json) -> None:
    key = VerifyKey.from_public_bytes(bytes.fromhex(NEGATIVE["signer_public"]))
    with pytest.raises(errors.ProtocolError) as caught:
        unpack_envelope(bytes.fromhex(case["message"]), key)
    assert type(caught.value).__name__ == case["error"]


def test_sequence_sets_step_by_step() -> None:
    held = SeqSet()
    for step in made.load("sequences.json")["steps"]:
        first, last = step["range"]
        if step["do"] == "add":
            assert [list(new) for new in held.add(first, last)] == step["new"]
        else:
            held.discard(first, last)
        assert [list(held_range) for held_range in held] == step["ranges"]
        assert [list(gap) for gap in held.gaps()] == step["gaps"]
        assert (held.count, held.highest) == (step["count"], step["highest"])


@pytest.mark.parametrize("name", NAMES["names"])
def test_names(name: str) -> None:
    assert parse_name(name) == name


@pytest.mark.parametrize("name", NAMES["no_names"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(Malformed):
        parse_name(name)


@pytest.mark.parametrize("vector", NAMES["credential_digests"], ids=lambda vector: vector["number"])
def test_credential_digests_read_literally(vector: Json) -> None:
    key = bytes.fromhex(NAMES["county_key"])
    assert credential_digest(key, vector["number"]).hex() == vector["digest"]
    number = vector["number"].strip().upper().encode()
    assert hmac.digest(key, number, "sha256")[:16].hex() == vector["digest"]


@pytest.mark.parametrize("vector", BADGE["badges"], ids=lambda vector: str(vector["name"]))
def test_badges_read_literally(vector: Json) -> None:
    """docs/wire-format.md section 9, with nothing of ours but Base45."""
    data = bytes.fromhex(vector["bytes"])
    assert vector["text"] == "MT1:" + encode_base45(data)
    assert (data[:8].hex(), data[8:13].hex(), data[13:29].hex()) == (
        BADGE["issuer"],
        vector["id"],
        vector["holder"],
    )
    for place, day in ((29, "first_day"), (31, "last_day")):
        days = int.from_bytes(data[place : place + 2], "big")
        assert date(1970, 1, 1) + timedelta(days=days) == date.fromisoformat(vector[day])
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(BADGE["issuer_public"]))
    assert hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16] == BADGE["issuer"]
    key.verify(data[33:97], b"muster/1 badge\0\x01" + data[:33])
    crc = 0xFFFF
    for byte in data[:97]:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    assert data[97:] == crc.to_bytes(2, "big")
    assert parse_badge_id(vector["id_text"]).hex() == vector["id"]


@pytest.mark.parametrize("case", BADGE["checks"], ids=lambda case: str(case["name"]))
def test_badges_get_the_stated_verdict(case: Json) -> None:
    key = VerifyKey.from_public_bytes(bytes.fromhex(BADGE["issuer_public"]))
    revoked = {bytes.fromhex(badge_id) for badge_id in BADGE["revoked"]}
    today = date.fromisoformat(case["today"]) if case["today"] else None
    check = check_badge(case["text"], issuers_of([key]), revoked, today)
    assert check.verdict.value == case["verdict"]


def test_there_is_a_badge_for_every_verdict() -> None:
    assert {case["verdict"] for case in BADGE["checks"]} == {each.value for each in BadgeVerdict}
    assert BADGE["verdicts"] == [each.value for each in BadgeVerdict]


@pytest.mark.parametrize("vector", BADGE["base45"], ids=lambda vector: str(vector["text"]))
def test_base45(vector: Json) -> None:
    assert encode_base45(bytes.fromhex(vector["bytes"])) == vector["text"]
    assert decode_base45(vector["text"]).hex() == vector["bytes"]
