"""The specification names the numbers and bytes that the code uses."""

import re
from enum import IntEnum
from pathlib import Path

import pytest

from protocol import (
    badge,
    courier,
    fragments,
    frames,
    limits,
    neighbours,
    packed,
    packed_people,
    radio_keys,
    radio_schedule,
    radio_up,
    replay,
    topics,
)
from protocol.courier import CourierHead, CourierKind, Direction
from protocol.downlink import Activation, Downlink, Mode
from protocol.envelope import MAX_WRAPPED_BYTES, Envelope
from protocol.health import DeviceHealth, DeviceRole, Heartbeat, PositionTrust
from protocol.ids import NAME_PATTERN
from protocol.keys import Enrolment, IdentityFile, Role
from protocol.receipts import Receipt, Refusal, RefusalReason
from protocol.records import CheckIn, CredentialKind, Record, Stamp, TimeSource, Undo
from protocol.revocations import Revocations
from protocol.roster import Person, PersonStatus, Point, RosterPart
from protocol.roster_order import FINGERPRINT_BYTES
from protocol.signed import Label
from protocol.verdict import Reason, Verdict
from terminal.links.lan import TTL
from terminal.neighbours import BEAT_S, HURRY_S
from terminal.settings import NeighbourSettings

TEXT = (Path(__file__).parents[2] / "docs" / "wire-format.md").read_text(encoding="utf-8")
SPEC = " ".join(TEXT.split())


@pytest.mark.parametrize("label", Label)
def test_every_label_is_listed(label: Label) -> None:
    assert f"| `{label.value.decode().replace(chr(0), chr(92) + '0')}` |" in SPEC


@pytest.mark.parametrize(
    "shape",
    [Stamp, Envelope, Receipt, Refusal, Heartbeat, Enrolment, Downlink, RosterPart, Activation,
     Point, Person, IdentityFile, Revocations, CourierHead],
)  # fmt: skip
def test_every_structure_is_listed_field_by_field(shape: type) -> None:
    fields: tuple[str, ...] = shape.__struct_fields__  # type: ignore[attr-defined]  # any Struct
    assert f"`[{', '.join(fields)}]`" in SPEC


@pytest.mark.parametrize(("kind", "record"), [(1, CheckIn), (2, Undo)])
def test_every_field_of_a_record_is_listed_in_order(kind: int, record: type[Record]) -> None:
    table = TEXT.split(f"| kind {kind},")[1].split("\n\n")[0]
    rows = re.findall(r"^\| (\w[\w, ]*) \|", table, re.MULTILINE)
    assert ", ".join(rows) == ", ".join(record.__struct_fields__)


@pytest.mark.parametrize(
    "enumeration",
    [Verdict, Reason, TimeSource, CredentialKind, RefusalReason, DeviceHealth, DeviceRole,
     PositionTrust, Role, PersonStatus,
     Mode, CourierKind, Direction],
)  # fmt: skip
def test_every_number_of_an_enumeration_is_listed(enumeration: type[IntEnum]) -> None:
    first_words = [f"{member.value} {member.name.split('_')[0].lower()}" for member in enumeration]
    pattern = "[^0-9]+ ".join(map(re.escape, first_words)).replace("[^0-9]+ ", r"\b.{0,60}?\b")
    assert re.search(pattern, SPEC.lower().replace("hong kong", "hmt")), first_words


@pytest.mark.parametrize("channel", [*topics.Up, *topics.Down])
def test_every_topic_is_listed(channel: topics.Up | topics.Down) -> None:
    way = "up" if isinstance(channel, topics.Up) else "dn"
    assert f"| `muster/1/{{county}}/{way}/{{node}}/{channel.value}" in SPEC


def test_limits_are_the_codes() -> None:
    for number in (limits.MAX_MESSAGE_BYTES, limits.ROSTER_PART_BYTES):
        assert f"{number:,}".replace(",", " ") in SPEC
    for row in (
        f"| records in an envelope | {limits.MAX_RECORDS_PER_ENVELOPE} |",
        f"| sealed record | {limits.MAX_SEALED_BYTES} bytes |",
        f"| recipients of a key | {limits.MAX_RECIPIENTS} |",
        f"| ranges in a receipt | {limits.MAX_RANGES} |",
        f"| name; heartbeat's version | {limits.MAX_NAME_CHARS} characters |",
        f"| other text | {limits.MAX_TEXT_CHARS} characters |",
        f"| count | 0 to 2^{limits.MAX_COUNT.bit_length()} - 1 |",
        f"| milliseconds | 0 to 2^{limits.MAX_MS.bit_length()} - 1 |",
        f"| points; parts of a roster | {limits.MAX_POINTS}; {limits.MAX_ROSTER_PARTS} |",
        f"| other credentials of a person | {limits.MAX_OTHER_CREDENTIALS} |",
        f"| revoked badges | {limits.MAX_REVOKED_BADGES} |",
        f"| badge issuers | {limits.MAX_BADGE_ISSUERS} |",
        f"{badge.BADGE_CHARS} characters, all of them in the QR code's alphanumeric set",
        f"`{badge.PREFIX}` and the Base45 (RFC 9285) of {badge.BADGE_BYTES} bytes",
        f"`wrapped` at most {MAX_WRAPPED_BYTES} bytes",
        f"at most {limits.MAX_IN_FLIGHT} messages in flight",
    ):
        assert row in SPEC
    assert f"`{NAME_PATTERN.replace('(?:', '(')}`" in SPEC


def test_the_numbers_of_the_radio_are_the_codes() -> None:
    for row in (
        f"A frame is at most {frames.MAX_FRAME_BYTES} bytes",
        f"shorter than {frames.OVERHEAD_BYTES} bytes or longer than {frames.MAX_FRAME_BYTES}",
        f"which of the {replay.WINDOW} up to it",
        f"whose low {replay.CLEAR_BITS} bits",
        f"| {radio_keys.TAG_BYTES} | tag |",
        f"at {packed.MAX_RECORDS_PER_BATCH} records",
        f"within {packed_people.REACH} free places",
    ):
        assert row in SPEC
    for number, way in enumerate(packed_people.Way):
        assert f"| {number} {way.name.lower()} |" in SPEC
    for direction in radio_keys.Direction:
        assert f"{direction.value} {direction.name.lower()}" in SPEC
    for kind in radio_up.UpKind:
        assert f"| {kind.value} | {kind.name.lower()} |" in SPEC
    assert ", ".join(map(str, radio_up.BACKLOG_STEPS)) in SPEC
    assert f"up to {radio_up.MAX_HEARD} times" in SPEC
    assert f"There are at most {radio_schedule.MAX_GAPS}." in SPEC
    assert f"the first {radio_keys.RECEIPT_TAG_BYTES} bytes" in SPEC


def test_the_numbers_of_the_courier_are_the_codes() -> None:
    for row in (
        f"A file is at most {courier.MAX_FILE_BYTES:,} bytes".replace(",", " "),
        f"`{courier.MAGIC.hex(' ').upper()}`",
        f"| {courier.CHECK_BYTES} | check | first {courier.CHECK_BYTES} bytes of SHA-256",
        f"A courier file of at most {fragments.MAX_TOTAL_BYTES:,} bytes".replace(",", " "),
        f"`{fragments.PREFIX}` and the Base45 of",
        f"| 1 to {fragments.PART_BYTES} | part |",
        f"| 1 | total | 1 to {fragments.MAX_FRAGMENTS} |",
        f"{courier.UP_SUFFIX}`",
        f"{courier.DOWN_SUFFIX}`",
    ):
        assert row in SPEC


def test_the_numbers_of_neighbours_are_the_codes() -> None:
    section = " ".join(TEXT.split("## 15.")[1].split("\n## ")[0].split())
    settings = NeighbourSettings()
    for row in (
        f"`point {neighbours.POINT_MARK_BYTES} || lane 1 || roster {FINGERPRINT_BYTES}",
        f"`lane` 1 to {neighbours.MAX_LANE};",
        f"digest {neighbours.DIGEST_MARK_BYTES} | the first {neighbours.DIGEST_MARK_BYTES} bytes",
        f"below 2^{neighbours.MAX_PLACE.bit_length()}",
        f"At most 2^{neighbours.MAX_AGE_S.bit_length()} - 1",
        f"direction {radio_keys.Direction.PEER.value}, kind {neighbours.PeerKind.SIGHTINGS.value},",
        f"{settings.group}, port {settings.port}, TTL {TTL} ",
        f"a frame every {BEAT_S:.0f} s, or every {HURRY_S} s",
    ):
        assert row in section
