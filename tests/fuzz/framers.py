"""Every framer there is, in the form in which it is fuzzed: one row each.

A row knows how to make the framer, how the driver tells it that the line is quiet, what valid
traffic looks like, and what must come out of it.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import xor
from random import Random

from drivers.gnss.epoch import EpochAssembler
from drivers.gnss.facts import read_fact
from drivers.gnss.sentences import MAX_SENTENCE_CHARS, SentenceFramer
from drivers.readers.framer import Damage, Framer
from drivers.readers.key_events import EVENT, KeyDecoder
from drivers.readers.line_framer import LINE_MAX_BYTES, LineFramer
from drivers.readers.mrz_framer import BLOCK_GAP_S, MrzFramer
from drivers.readers.mrz_zone import MrzDamaged, UnknownDocument, parse_zone
from drivers.readers.pn532_frames import Pn532Framer, exchanged, parse_target
from drivers.readers.resident_card import UnknownLayout, parse_text_block
from drivers.readers.sdt_frames import PREAMBLE, SdtFramer, parse_reply, sam_identity, text_block
from sim.devices.travel import LINE_CHARACTERS, TravelDocument, zone


@dataclass(frozen=True, slots=True)
class Feed:
    """One framer, with the parser behind it."""

    feed: Callable[[bytes], Sequence[object]]
    """Take bytes as they come; what they complete, read as far as a driver reads it."""
    quiet: Callable[[], Sequence[object]]
    """Nothing more comes, for longer than the driver waits."""
    held_bytes: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Row:
    """How one kind of framer is fuzzed."""

    make: Callable[[], Feed]
    traffic: Callable[[Random], tuple[bytes, object]]
    """A whole frame as the device sends it, and what `feed` makes of it."""
    held_limit_bytes: int
    """What a framer may hold between two calls, however long the garbage."""
    head: bytes
    """What frames begin with: the worst kind of garbage is made of it."""


# --- the resident-ID reader ------------------------------------------------------------------


def _sdt() -> Feed:
    frames = SdtFramer()

    def read(payloads: Sequence[bytes]) -> Sequence[object]:
        for payload in payloads:
            reply = parse_reply(payload)
            assert reply.words
            sam_identity(reply.data)
            text = text_block(reply.data)
            if text is not None:
                _parse_card(text)
        return payloads

    def quiet() -> Sequence[object]:
        found: list[object] = []
        while frames.is_inside_frame:
            found += read(frames.give_up())
        frames.clear()
        return found

    return Feed(lambda data: read(frames.feed(data)), quiet, lambda: len(frames._pending))


def _parse_card(text: bytes) -> None:
    with contextlib.suppress(UnknownLayout):  # the one declared error
        parse_text_block(text)


def _sdt_reply(random: Random) -> tuple[bytes, object]:
    data = b""
    if random.random() < 0.3:
        text, photo = random.randbytes(256), bytes(1024)
        data = len(text).to_bytes(2, "big") + len(photo).to_bytes(2, "big") + text + photo
    payload = b"\0\0\x90" + data
    checked = (len(payload) + 1).to_bytes(2, "big") + payload
    return PREAMBLE + checked + bytes([reduce(xor, checked)]), payload


# --- the PN532 -----------------------------------------------------------------------------------


def _pn532() -> Feed:
    frames = Pn532Framer()

    def read(bodies: Sequence[bytes]) -> Sequence[object]:
        for body in bodies:
            parse_target(body[2:])
            exchanged(body[2:])
        return bodies

    def quiet() -> Sequence[object]:
        found: list[object] = []
        while frames.is_inside_frame:
            found += read(frames.give_up())
        frames.clear()
        return found

    return Feed(lambda data: read(frames.feed(data)), quiet, lambda: len(frames._pending))


def _pn532_answer(random: Random) -> tuple[bytes, object]:
    body = b"\xd5\x41" + random.randbytes(random.randint(1, 262))
    size = len(body).to_bytes(2, "big")
    short = bytes([len(body) & 0xFF, -len(body) & 0xFF])
    lengths = short if len(body) < 256 else b"\xff\xff" + size + bytes([-sum(size) & 0xFF])
    return b"\0\0\xff" + lengths + body + bytes([-sum(body) & 0xFF, 0]), body


# --- satellite receivers ---------------------------------------------------------------------

_SENTENCES = (
    "GNRMC,100000.00,A,3039.42000,N,10403.96000,E,0.1,,010526,,,A,V",
    "GNGGA,100000.00,3039.42000,N,10403.96000,E,1,10,0.90,500.0,M,0.0,M,,",
    "GNGSA,A,3,02,05,08,11,14,,,,,,,,0.90,0.90,0.90,1",
    "GPGSV,2,1,06,02,80,000,45,05,68,137,44,08,57,274,43,11,45,051,42,1",
    "GNZDA,100000.00,01,05,2026,00,00",
)


def _nmea() -> Feed:
    sentences, epochs = SentenceFramer(), EpochAssembler()
    fed = [0]

    def feed(data: bytes) -> Sequence[object]:
        fed[0] += 1
        found = sentences.feed(data)
        for sentence in found:
            fact = read_fact(sentence)
            if not hasattr(fact, "name"):  # NoFact is an Enum: a type of sentence nobody reads
                epochs.feed(fact, fed[0] / 10)
        return found

    return Feed(feed, tuple, lambda: len(sentences._pending))


def _nmea_sentence(random: Random) -> tuple[bytes, object]:
    body = random.choice(_SENTENCES)
    whole = f"${body}*{reduce(xor, body.encode()):02X}"
    return f"{whole}\r\n".encode(), whole


# --- devices that talk by themselves: bytes and, at each call, a moment later ------------------

_TICK_S = 0.001


def _timed(framer: Framer, read: Callable[[str], object], held_bytes: Callable[[], int]) -> Feed:
    """A `Framer` with its clock, and what the driver reads in a text."""
    now_s = [0.0]

    def texts(found: Sequence[str | Damage]) -> Sequence[object]:
        return [read(text) for text in found if isinstance(text, str)]

    def feed(data: bytes) -> Sequence[object]:
        now_s[0] += _TICK_S
        return texts(framer.feed(data, now_s[0]))

    def quiet() -> Sequence[object]:
        found: list[object] = []
        while (ends_at_s := framer.ends_at_s) is not None:
            now_s[0] = ends_at_s
            found += texts(framer.give_up(now_s[0]))
        now_s[0] += BLOCK_GAP_S
        framer.give_up(now_s[0])
        return found

    return Feed(feed, quiet, held_bytes)


def _lines() -> Feed:
    framer = LineFramer()
    return _timed(framer, str, lambda: len(framer._pending))


def _code(random: Random) -> tuple[bytes, object]:
    text = "".join(random.choices("MT1:ABC0123456789姓", k=random.randint(1, 40)))
    return text.encode() + random.choice((b"\r", b"\n", b"\r\n", b"\t")), text


def _zones() -> Feed:
    framer = MrzFramer()

    def read(zone: str) -> object:
        with suppress(MrzDamaged, UnknownDocument):  # the two declared errors
            return parse_zone(zone, date(2027, 1, 1)).number
        return None

    return _timed(framer, read, lambda: len(framer._lines._pending) + sum(map(len, framer._block)))


def _zone(random: Random) -> tuple[bytes, object]:
    number = "".join(random.choices("ABC0123456789", k=9))
    form = random.choice(tuple(LINE_CHARACTERS))
    lines = zone(TravelDocument(number=number, surname="ERIKSSON", form=form))
    return "".join(f"{line}\r" for line in lines).encode(), number


def _typed() -> Feed:
    keys, framer = KeyDecoder(), LineFramer()
    lines = _timed(framer, str.lower, lambda: len(framer._pending) + len(keys._pending))
    return Feed(lambda data: lines.feed(keys.feed(data)), lines.quiet, lines.held_bytes)


_KEYS = {"M": 50, "T": 20, "1": 2, "2": 3, "3": 4}
_ENTER = 28
_MODIFIERS = (29, 42, 54, 56, 97, 100, 125, 126)


def _event_and_report(code: int, value: int) -> bytes:
    at = (1_800_000_000, 123_456)
    return EVENT.pack(*at, 1, code, value) + EVENT.pack(*at, 0, 0, 0)


def _typed_code(random: Random) -> tuple[bytes, object]:
    text = "".join(random.choices(tuple(_KEYS), k=random.randint(1, 20)))
    # What garbage left half an event of, ends here; what it left held down, is let go of.
    keys = [(_ENTER, 0), (_ENTER, 0), *((code, 0) for code in _MODIFIERS), (_ENTER, 1)]
    for code in (*(_KEYS[character] for character in text), _ENTER):
        keys += [(code, 1), (code, 0)]
    return b"".join(_event_and_report(*key) for key in keys), text.lower()


ROWS: Mapping[str, Row] = {
    "mrz": Row(_zones, _zone, held_limit_bytes=LINE_MAX_BYTES + 1 + 2 * 44, head=b"P<UTO"),
    "scanner": Row(_lines, _code, held_limit_bytes=LINE_MAX_BYTES + 1, head=b"MT1:"),
    "wedge": Row(
        _typed,
        _typed_code,
        held_limit_bytes=LINE_MAX_BYTES + 1 + EVENT.size,
        head=_event_and_report(30, 1),
    ),
    "pn532": Row(_pn532, _pn532_answer, held_limit_bytes=273, head=b"\0\0\xff\xff\xff\x01\x09\xf6"),
    "sdt": Row(_sdt, _sdt_reply, held_limit_bytes=2407, head=PREAMBLE + b"\x09\x5c"),
    "nmea": Row(_nmea, _nmea_sentence, held_limit_bytes=MAX_SENTENCE_CHARS, head=b"$GNRMC,"),
}
