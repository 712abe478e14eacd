"""Makes the golden vectors of docs/wire-format.md, for programs in any language.

    python -m tests.vectors.make_vectors           writes every file again except hpke.json
    python -m tests.vectors.make_vectors --hpke    draws new HPKE ciphertexts first

Run it by hand, and only when the wire format changes on purpose: the committed files are what
deployed programs were built against. HPKE is randomised, so its outputs are drawn once and kept in
hpke.json; all else follows from them, which `tests/protocol/test_vectors.py` checks. All bytes are
hexadecimal. Every key is the SHA-256 of a public sentence: TEST KEYS, NEVER TO BE USED.
"""

import binascii
import hashlib
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from protocol import suites, topics
from protocol.badge import Badge, BadgeVerdict, badge_id_text, check_badge, encode_badge, issuers_of
from protocol.base45 import decode_base45, encode_base45
from protocol.bulletin import Bulletin, Notice, Placed, RosterChange, pack_bulletin
from protocol.codec import encode_record
from protocol.downlink import Activation, Downlink, Mode
from protocol.envelope import Envelope, Origin, Run, Wrap, WrappedKey, pack_envelope
from protocol.health import (
    DeviceHealth,
    DeviceReport,
    DeviceRole,
    Heartbeat,
    PositionTrust,
    PowerReport,
    pack_heartbeat,
)
from protocol.keys import Enrolment, Role, credential_digest, issue_enrolment
from protocol.receipts import Receipt, Refusal, RefusalReason, pack_receipt, pack_refusal
from protocol.records import CheckIn, Credential, CredentialKind, Record, Stamp, TimeSource, Undo
from protocol.revocations import pack_revocations
from protocol.roster import Person, PersonStatus, Point, RosterPart
from protocol.sequences import Range, SeqSet
from protocol.signed import Label, encode_signed
from protocol.suites import NONCE_BYTES, OpeningKey, SigningKey
from protocol.verdict import Reason, Verdict

FOLDER = Path(__file__).parent
WARNING = "TEST KEYS, NEVER TO BE USED. All bytes are hexadecimal. See docs/wire-format.md."
COUNTY, NODE, GATEWAY, EPOCH = "qinghe", "qingshui-1", "county-1", 0x89ABCDEF
AT_MS = 1_795_000_000_000
Json = dict[str, Any]  # any JSON object: vectors have as many shapes as the wire


def secret(name: str) -> bytes:
    """A 32-byte test key."""
    return hashlib.sha256(f"muster test key: {name}".encode()).digest()


AUTHORITY = SigningKey.from_private_bytes(secret("authority signing"))
TERMINAL = SigningKey.from_private_bytes(secret("terminal signing"))
GATEWAY_SIGNING = SigningKey.from_private_bytes(secret("gateway signing"))
TERMINAL_OPENING = OpeningKey.from_private_bytes(secret("terminal opening"))
GATEWAY_OPENING = OpeningKey.from_private_bytes(secret("gateway opening"))
SECOND_OPENING = OpeningKey.from_private_bytes(secret("second gateway opening"))
BADGE_ISSUER = SigningKey.from_private_bytes(secret("badge issuer"))
COUNTY_KEY = secret("county")
ORIGIN = Origin(COUNTY, NODE, EPOCH)
RECORD_KEYS = {"first": secret("record key 1"), "second": secret("record key 2")}
KEY_IDS = {"first": bytes.fromhex("0102030405060708"), "second": bytes.fromhex("1112131415161718")}

STAMP = Stamp(AT_MS, 123_456, 0xDEADBEEF, TimeSource.GNSS, 25)
NUMBER = "110101199003074477"  # check digit right, person invented
DIGEST = credential_digest(COUNTY_KEY, NUMBER)
RECORDS: dict[str, Record] = {
    "accepted": CheckIn(
        STAMP, 7, "qingshui", 1, Verdict.ACCEPTED, Reason.EXPECTED_HERE, 3, 1234,
        Credential(CredentialKind.RESIDENT_ID, DIGEST, NUMBER[-4:]),
    ),
    "on no roster, clock unset": CheckIn(
        Stamp(AT_MS, 0, 0, TimeSource.UNSET, 2**32 - 1), 7, "qingshui", 2, Verdict.LOOK,
        Reason.NOT_ON_ROSTER, 3, None, Credential(CredentialKind.FOREIGN_2023, DIGEST, "477X"),
    ),
    "unreadable card": CheckIn(
        STAMP, 0, "qingshui", 1, Verdict.LOOK, Reason.UNREADABLE, 0, None,
        Credential(CredentialKind.UNREADABLE),
    ),
    "taken back": Undo(
        STAMP, 7, "qingshui", 1, 41, 1234,
        Credential(CredentialKind.RESIDENT_ID, DIGEST, NUMBER[-4:]),
    ),
}  # fmt: skip
BODIES = {
    **{name: encode_record(record) for name, record in RECORDS.items()},
    "unknown kind": msgspec.msgpack.encode(
        [99, "a fact of a later release", {"and": ["so", "on"]}]
    ),
    "appended field": msgspec.msgpack.encode(
        [*msgspec.msgpack.decode(encode_record(RECORDS["accepted"])), "a field of a later release"]
    ),
    "not a record": b"\xc1",
}
ACTIVATION = Activation(7, "防汛集结", "Flood muster", Mode.DRILL, AT_MS, 90, 60)
ROSTER_PART = RosterPart(
    3, AT_MS, 0, 1, (Point("qingshui", "清水镇", "Qingshui"),),
    (
        Person(1234, DIGEST, "张伟", "民兵一排", "qingshui", "排长"),
        Person(1235, credential_digest(COUNTY_KEY, "M1234567"), "王芳", "民兵一排", "qingshui",
               status=PersonStatus.CARD_LOST),
        Person(1236, credential_digest(COUNTY_KEY, "M7654321"), "李强", "民兵一排", "qingshui",
               other_digests=(credential_digest(COUNTY_KEY, "04A22F1B5C6780"),)),
    ),
)  # fmt: skip
FIRST_DAY, LAST_DAY = date(2026, 11, 1), date(2028, 10, 31)
BADGES = {
    "first": Badge(bytes.fromhex("0123456789"), DIGEST, FIRST_DAY, LAST_DAY),
    "second": Badge(bytes.fromhex("fedcba9876"), DIGEST, FIRST_DAY, LAST_DAY),
    "first and last days there are": Badge(bytes(5), bytes(16), date(1970, 1, 1), date(2149, 6, 6)),
}
REVOKED = (BADGES["second"].badge_id,)
BULLETIN = Bulletin(
    COUNTY, 2, AT_MS + 5000, ACTIVATION, AT_MS + 4000,
    (Notice(AT_MS + 3000, "改到小学操场集合"),), 3,
    RosterChange(
        2, AT_MS - 1000, 3, AT_MS + 2000, (7,),
        (Placed(1, Person(9, bytes(range(16)), "李四", "民兵一排", "qingshui")),),
    ),
)  # fmt: skip
RECEIPT = Receipt(COUNTY, NODE, EPOCH, 126, ((3, 4), (9, 9)), ((7, 7),), GATEWAY, AT_MS)
HEARTBEAT = Heartbeat(
    COUNTY, NODE, "qingshui", STAMP, 3600, "0.1.0", EPOCH, 126, 8, 360, 1, 118, 3,
    (
        DeviceReport(DeviceRole.READER, "sdt", DeviceHealth.READY),
        DeviceReport(DeviceRole.GNSS, "nmea", DeviceHealth.SILENT),
    ),
    10**10, 30_123_456, -103_123_456, PositionTrust.STALE, PowerReport(False, 78, False, 51), False,
)  # fmt: skip


def seal(key: str, seq: int, body: bytes) -> bytes:
    """Seal one record under a known key."""
    nonce = seq.to_bytes(NONCE_BYTES, "big")
    cipher = suites.record_cipher(RECORD_KEYS[key])
    return cipher.encrypt(nonce, body, ORIGIN.prefix(KEY_IDS[key]) + nonce)


def hpke_inputs() -> dict[str, tuple[OpeningKey, bytes, bytes]]:
    """Name -> (recipient, info, plaintext) of everything that HPKE seals."""
    header = f"muster/1 downlink\0{COUNTY}\0{NODE}\0".encode()
    return {
        **{
            f"{key} record key to {name}": (private, ORIGIN.info(KEY_IDS[key]), RECORD_KEYS[key])
            for key in RECORD_KEYS
            for name, private in (("gateway", GATEWAY_OPENING), ("second gateway", SECOND_OPENING))
        },
        "activation": (
            TERMINAL_OPENING,
            header + b"activation",
            msgspec.msgpack.encode(ACTIVATION),
        ),
        "roster part": (TERMINAL_OPENING, header + b"roster", msgspec.msgpack.encode(ROSTER_PART)),
    }


def make_hpke() -> Json:
    """Draw new ciphertexts; different on every call."""
    return {
        "warning": WARNING,
        "vectors": [
            {
                "name": name,
                "recipient_private": private.private_bytes_raw().hex(),
                "recipient_public": private.public_key().public_bytes_raw().hex(),
                "recipient_key_id": suites.key_id(private.public_key()).hex(),
                "info": info.hex(),
                "plaintext": plain.hex(),
                "sealed": suites.hpke_seal(private.public_key(), plain, info).hex(),
            }
            for name, (private, info, plain) in hpke_inputs().items()
        ],
    }


def _wrapped(key: str, sealed: dict[str, bytes]) -> WrappedKey:
    recipients = {"gateway": GATEWAY_OPENING, "second gateway": SECOND_OPENING}
    return WrappedKey(
        KEY_IDS[key],
        suites.SUITE,
        tuple(
            Wrap(suites.key_id(private.public_key()), sealed[f"{key} record key to {name}"])
            for name, private in recipients.items()
        ),
    )


def _rows() -> list[tuple[str, int, bytes]]:
    """(record key, seq, body): three records under the first key, two under the second."""
    names = ["accepted", "on no roster, clock unset", "unreadable card", "unknown kind", "accepted"]
    keys = ["first", "first", "first", "second", "second"]
    pairs = zip(keys, names, strict=True)
    return [(key, seq, BODIES[name]) for seq, (key, name) in enumerate(pairs, 41)]


def records() -> Json:
    """Record encodings, and each sealed as number 41 of its stream."""
    return {
        "warning": WARNING,
        "records": [
            {"name": name, "body": body.hex(), "fields": _plain(body)}
            for name, body in BODIES.items()
        ],
        "sealed": [
            {
                "record_key": RECORD_KEYS[key].hex(),
                "key_id": KEY_IDS[key].hex(),
                "county": COUNTY,
                "node": NODE,
                "epoch": EPOCH,
                "seq": seq,
                "nonce": seq.to_bytes(NONCE_BYTES, "big").hex(),
                "aad": (ORIGIN.prefix(KEY_IDS[key]) + seq.to_bytes(NONCE_BYTES, "big")).hex(),
                "body": body.hex(),
                "sealed": seal(key, seq, body).hex(),
            }
            for key, seq, body in _rows()
        ],
    }


def _plain(body: bytes) -> object:
    """The fields in JSON's terms, bytes as hexadecimal; nothing for a body that has none."""
    try:
        return _hex(msgspec.msgpack.decode(body))
    except msgspec.DecodeError:
        return None


def _hex(value: object) -> object:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    return [_hex(item) for item in value] if isinstance(value, list) else value


def envelope(sealed: dict[str, bytes]) -> bytes:
    """Five records under two keys, each wrapped to two gateways."""
    keys = [_wrapped("first", sealed), _wrapped("second", sealed)]
    rows = [(list(RECORD_KEYS).index(key), seal(key, seq, body)) for key, seq, body in _rows()]
    return pack_envelope(ORIGIN, _rows()[0][1], rows, keys, TERMINAL)


def statements(sealed: dict[str, bytes]) -> Json:
    """One signed message of every kind."""
    recipient = suites.key_id(TERMINAL_OPENING.public_key())
    enrolment = Enrolment(
        COUNTY,
        NODE,
        Role.TERMINAL,
        TERMINAL.public_key().public_bytes_raw(),
        TERMINAL_OPENING.public_key().public_bytes_raw(),
        "qingshui",
        AT_MS,
        1,
    )
    message = envelope(sealed)
    refusal = Refusal(
        COUNTY, NODE, suites.message_digest(message), RefusalReason.CANNOT_OPEN, GATEWAY, AT_MS
    )
    made: list[tuple[str, Label, SigningKey, bytes]] = [
        ("envelope", Label.ENVELOPE, TERMINAL, message),
        ("heartbeat", Label.HEARTBEAT, TERMINAL, pack_heartbeat(HEARTBEAT, TERMINAL)),
        ("receipt", Label.RECEIPT, GATEWAY_SIGNING, pack_receipt(RECEIPT, GATEWAY_SIGNING)),
        ("refusal", Label.REFUSAL, GATEWAY_SIGNING, pack_refusal(refusal, GATEWAY_SIGNING)),
        ("enrolment", Label.ENROLMENT, AUTHORITY, issue_enrolment(AUTHORITY, enrolment)),
        (
            "revocations",
            Label.REVOCATIONS,
            BADGE_ISSUER,
            pack_revocations(COUNTY, 2, AT_MS, REVOKED, BADGE_ISSUER),
        ),
        ("bulletin", Label.BULLETIN, GATEWAY_SIGNING, pack_bulletin(BULLETIN, GATEWAY_SIGNING)),
    ]
    for content in ("activation", "roster part"):
        downlink = Downlink(COUNTY, NODE, recipient, sealed[content])
        signed = encode_signed(Label.DOWNLINK, downlink, GATEWAY_SIGNING)
        made.append((content, Label.DOWNLINK, GATEWAY_SIGNING, signed))
    return {
        "warning": WARNING,
        "statements": [
            {
                "name": name,
                "label": label.value.hex(),
                "signer_private": key.private_bytes_raw().hex(),
                "signer_public": key.public_key().public_bytes_raw().hex(),
                "message": message.hex(),
            }
            for name, label, key, message in made
        ],
    }


def negative(sealed: dict[str, bytes]) -> Json:
    """Envelopes that must be refused, with the class of the error."""
    good = envelope(sealed)
    suite, payload, signature = msgspec.msgpack.decode(good)
    inside = msgspec.msgpack.decode(payload, type=Envelope)

    def changed(**fields: object) -> bytes:
        return encode_signed(Label.ENVELOPE, msgspec.structs.replace(inside, **fields), TERMINAL)

    def outer(*fields: object) -> bytes:
        return msgspec.msgpack.encode(fields)

    flipped = bytes([payload[0], payload[1] ^ 1]) + payload[2:]
    cases: dict[str, tuple[bytes, str]] = {
        "a bit of the payload flipped": (outer(suite, flipped, signature), "BadSignature"),
        "signed as a heartbeat": (encode_signed(Label.HEARTBEAT, inside, TERMINAL), "BadSignature"),
        "signed by somebody else": (
            encode_signed(Label.ENVELOPE, inside, GATEWAY_SIGNING),
            "BadSignature",
        ),
        "signature cut short": (outer(suite, payload, signature[:-1]), "BadSignature"),
        "suite 2": (outer(2, payload, signature), "Unsupported"),
        "suite 257": (outer(257, payload, signature), "Malformed"),
        "version 2": (changed(version=2), "Unsupported"),
        "runs that do not cover": (changed(runs=(Run(0, 3), Run(1, 1))), "Malformed"),
        "an empty run": (changed(runs=(Run(0, 3), Run(1, 2), Run(0, 0))), "Malformed"),
        "a key that is not there": (changed(runs=(Run(0, 3), Run(2, 2))), "Malformed"),
        "no records": (changed(runs=(), sealed=()), "Malformed"),
        "first_seq 0": (changed(first_seq=0), "Malformed"),
        "last_seq above 2^48 - 1": (changed(first_seq=2**48 - 4), "Malformed"),
        "epoch above 2^32 - 1": (changed(epoch=2**32), "Malformed"),
        "a node that is no name": (changed(node="Qingshui/#"), "Malformed"),
        "a fourth field beside the signature": (outer(suite, payload, signature, 0), "Malformed"),
        "a byte too many": (good + b"\0", "Malformed"),
        "cut in half": (good[: len(good) // 2], "Malformed"),
        "empty": (b"", "Malformed"),
        "nested without end": (b"\x94\x01\xc4\x00\xc4\x00" + b"\x91" * 5000, "Malformed"),
    }
    return {
        "warning": WARNING,
        "signer_public": TERMINAL.public_key().public_bytes_raw().hex(),
        "envelopes": [
            {"name": name, "message": message.hex(), "error": error}
            for name, (message, error) in cases.items()
        ],
    }


def sequences() -> Json:
    """A set of sequence numbers, step by step."""
    held = SeqSet()
    steps: list[Json] = []
    for verb, first, last in [
        ("add", 1, 10), ("add", 11, 11), ("add", 21, 30), ("add", 5, 25), ("add", 7, 8),
        ("discard", 3, 4), ("discard", 28, 40), ("add", 40, 40), ("discard", 50, 60),
        ("add", 2, 50),
    ]:  # fmt: skip
        new: list[Range] | None = None
        if verb == "add":
            new = held.add(first, last)
        else:
            held.discard(first, last)
        steps.append(
            {
                "do": verb,
                "range": [first, last],
                "new": new,
                "ranges": list(held),
                "gaps": held.gaps(),
                "count": held.count,
                "highest": held.highest,
            }
        )
    return {"steps": steps}


def names() -> Json:
    """Topics, subscriptions, names, key ids and credential digests."""
    return {
        "warning": WARNING,
        "topics": {
            **{channel.value: topics.up(COUNTY, NODE, channel) for channel in topics.Up},
            "receipt": topics.down(COUNTY, NODE, topics.Down.RECEIPT),
            "refusal": topics.down(COUNTY, NODE, topics.Down.REFUSAL),
            "roster part 12": topics.down(COUNTY, NODE, topics.Down.ROSTER, 12),
            "activation": topics.down(COUNTY, NODE, topics.Down.ACTIVATION),
            "revocations": topics.down(COUNTY, NODE, topics.Down.REVOCATIONS),
            "bulletin": topics.down(COUNTY, NODE, topics.Down.BULLETIN),
            "gateway state": topics.gateway_state(COUNTY, GATEWAY),
            "gateway subscribes": topics.all_up(COUNTY),
            "terminal subscribes": topics.all_down(COUNTY, NODE),
            "terminal subscribes as well": topics.any_gateway_state(COUNTY),
        },
        "names": ["a", "7", "county-1", "a--b", "x" * 32],
        "no_names": ["", "-a", "a-", "A", "a b", "a/b", "+", "#", "a\n", "镇", "x" * 33],
        "county_key": COUNTY_KEY.hex(),
        "credential_digests": [
            {"number": number, "digest": credential_digest(COUNTY_KEY, number).hex()}
            for number in (NUMBER, "11010119900307447x", " 11010119900307447X ", "M1234567")
        ],
    }


def badges() -> Json:
    """Badges, and what a check of texts says on a day; `today` is nothing for an unknown day."""
    texts = {name: encode_badge(badge, BADGE_ISSUER) for name, badge in BADGES.items()}
    good, revoked = texts["first"], texts["second"]
    forged = bytearray(decode_base45(good.removeprefix("MT1:"))[:-2])
    forged[13] ^= 1  # of the holder
    crc = binascii.crc_hqx(bytes(forged), 0xFFFF).to_bytes(2, "big")
    stranger = SigningKey.from_private_bytes(secret("another county's badge issuer"))
    cases: list[tuple[str, str, date | None]] = [
        ("good", good, FIRST_DAY),
        ("on its last day", good, LAST_DAY),
        ("lower case, with a line end", f" {good.lower()}\r\n", FIRST_DAY),
        ("before its first day", good, date(2026, 10, 31)),
        ("after its last day", good, date(2028, 11, 1)),
        ("nobody knows the day", good, None),
        ("revoked", revoked, FIRST_DAY),
        ("revoked and expired", revoked, date(2028, 11, 1)),
        ("another county's", encode_badge(BADGES["first"], stranger), FIRST_DAY),
        ("forged, with a right checksum", "MT1:" + encode_base45(bytes(forged) + crc), FIRST_DAY),
        ("one character wrong", good[:40] + ("A" if good[40] != "A" else "B") + good[41:], None),
        ("cut short", good[:-1], FIRST_DAY),
        ("another layout", good.replace("MT1:", "MT2:"), FIRST_DAY),
        ("empty", "", FIRST_DAY),
    ]
    issuers = issuers_of([BADGE_ISSUER.public_key()])
    return {
        "warning": WARNING,
        "issuer_private": BADGE_ISSUER.private_bytes_raw().hex(),
        "issuer_public": BADGE_ISSUER.public_key().public_bytes_raw().hex(),
        "issuer": suites.key_id(BADGE_ISSUER.public_key()).hex(),
        "badges": [
            {
                "name": name,
                "id": badge.badge_id.hex(),
                "id_text": badge_id_text(badge.badge_id),
                "holder": badge.holder.hex(),
                "first_day": badge.first_day.isoformat(),
                "last_day": badge.last_day.isoformat(),
                "bytes": decode_base45(texts[name].removeprefix("MT1:")).hex(),
                "text": texts[name],
            }
            for name, badge in BADGES.items()
        ],
        "revoked": [badge_id.hex() for badge_id in REVOKED],
        "checks": [
            {
                "name": name,
                "text": text,
                "today": today and today.isoformat(),
                "verdict": check_badge(text, issuers, REVOKED, today).verdict.value,
            }
            for name, text, today in cases
        ],
        "verdicts": [verdict.value for verdict in BadgeVerdict],
        "base45": [
            {"bytes": data.hex(), "text": encode_base45(data)}
            for data in (b"", b"AB", b"Hello!!", b"ietf!", b"\0", b"\xff\xff\xff")
        ],
    }


def build(hpke: Json) -> dict[str, Json]:
    """Every file that follows from hpke.json."""
    sealed = {vector["name"]: bytes.fromhex(vector["sealed"]) for vector in hpke["vectors"]}
    return {
        "records.json": records(),
        "statements.json": statements(sealed),
        "negative.json": negative(sealed),
        "sequences.json": sequences(),
        "names.json": names(),
        "badge.json": badges(),
    }


def load(name: str) -> Json:
    """Read one committed file."""
    content: Json = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return content


def save(name: str, content: Json) -> None:
    """Write one file."""
    text = json.dumps(content, ensure_ascii=False, indent=1)
    (FOLDER / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    if "--hpke" in sys.argv:
        save("hpke.json", make_hpke())
    for file_name, file_content in build(load("hpke.json")).items():
        save(file_name, file_content)
