"""The bulletin: what everybody must know now, in one message signed by the gateway.

The activation, the latest notices, and the last change of the roster. A bulletin replaces the one
before it, so nobody has to catch up with a history. It is small enough for radio, where it is
broadcast once for all (`radio_news`); over MQTT and by courier it is the same message.
"""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from protocol.downlink import Activation
from protocol.errors import Malformed, OtherRoster
from protocol.fields import Count, Milliseconds, NameText
from protocol.roster import Person, Roster
from protocol.signed import Label, decode_signed, encode_signed
from protocol.suites import SigningKey, VerifyKey

MAX_NOTICES = 3
MAX_NOTICE_CHARS = 120  # two radio frames in Chinese at most, and a page's width
MAX_CHANGED = 100  # people; what is more travels as a whole roster

NoticeText = Annotated[str, Meta(min_length=1, max_length=MAX_NOTICE_CHARS)]


class Notice(Struct, frozen=True, array_like=True):
    """A sentence from the county to everybody."""

    at_ms: Milliseconds
    text: NoticeText


class Placed(Struct, frozen=True, array_like=True):
    """A person who is new in a roster, or stands in another place or otherwise than before."""

    place: Count
    person: Person


class RosterChange(Struct, frozen=True, array_like=True):
    """What makes one version of a roster of another.

    First those `gone` leave, then each of the `placed` takes their place, in ascending order.
    """

    base: Count
    """The version it changes."""
    base_issued_ms: Milliseconds
    version: Count
    issued_ms: Milliseconds
    gone: Annotated[tuple[Count, ...], Meta(max_length=MAX_CHANGED)]
    placed: Annotated[tuple[Placed, ...], Meta(max_length=MAX_CHANGED)]


class Bulletin(Struct, frozen=True, array_like=True):
    """What holds now."""

    county: NameText
    number: Count
    """Rises with each bulletin of a gateway's database, from 1."""
    issued_ms: Milliseconds
    activation: Activation
    ended_ms: Milliseconds
    """When the activation was ended; 0: it runs."""
    notices: Annotated[tuple[Notice, ...], Meta(max_length=MAX_NOTICES)]
    """The latest ones, newest first."""
    roster_version: Count
    """Of the newest roster; 0: there is none."""
    change: RosterChange | None


def pack_bulletin(bulletin: Bulletin, key: SigningKey) -> bytes:
    """Sign as the gateway."""
    return encode_signed(Label.BULLETIN, bulletin, key)


def unpack_bulletin(message: bytes, county: str, key: VerifyKey) -> Bulletin:
    """Verify a bulletin of this county; raises `ProtocolError`."""
    bulletin = decode_signed(Label.BULLETIN, message, key, Bulletin)
    if bulletin.county != county:
        raise Malformed("a bulletin of another county")
    return bulletin


def change_between(old: Roster, new: Roster) -> RosterChange | None:
    """What makes `new` of `old`; None if that is more than a change can say."""
    if tuple(old.points.values()) != tuple(new.points.values()):
        return None
    kept = _kept(old.people, new.people)
    gone = tuple(each.number for each in old.people if each.number not in kept)
    placed = tuple(
        Placed(place, each) for place, each in enumerate(new.people) if each.number not in kept
    )
    if max(len(gone), len(placed)) > MAX_CHANGED:
        return None
    return RosterChange(old.version, old.issued_ms, new.version, new.issued_ms, gone, placed)


def changed(roster: Roster, change: RosterChange) -> Roster:
    """The roster after the change.

    Raises `OtherRoster` if the change is of another one, `Malformed` for a place that is none.
    """
    if (roster.version, roster.issued_ms) != (change.base, change.base_issued_ms):
        raise OtherRoster("a change of another roster")
    gone = set(change.gone)
    people = [each for each in roster.people if each.number not in gone]
    for placed in change.placed:
        if placed.place > len(people):
            raise Malformed("a place behind the end of the roster")
        people.insert(placed.place, placed.person)
    return Roster(change.version, change.issued_ms, roster.points.values(), people)


def _kept(old: Sequence[Person], new: Sequence[Person]) -> set[int]:
    """Numbers of people who are the same in both, as far as they stand in the same order.

    People are numbered as they are first imported and listed by number, so that all who are the
    same do; in any other order fewer are kept and more are placed.
    """
    old_places = {each.number: place for place, each in enumerate(old)}
    kept: set[int] = set()
    last = -1
    for each in new:
        place = old_places.get(each.number, -1)
        if place > last and old[place] == each:
            kept.add(each.number)
            last = place
    return kept
