"""Every framer there is, in the form in which it is fuzzed: one row each.

A row knows how to make the framer, how the driver tells it that the line is quiet, what valid
traffic looks like, and what must come out of it.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import xor
from random import Random

from drivers.gnss.epoch import EpochAssembler
from drivers.gnss.facts import read_fact
from drivers.gnss.sentences import MAX_SENTENCE_CHARS, SentenceFramer
from drivers.readers.resident_card import UnknownLayout, parse_text_block
from drivers.readers.sdt_frames import PREAMBLE, SdtFramer, parse_reply, sam_identity, text_block


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


ROWS: Mapping[str, Row] = {
    "sdt": Row(_sdt, _sdt_reply, held_limit_bytes=2407, head=PREAMBLE + b"\x09\x5c"),
    "nmea": Row(_nmea, _nmea_sentence, held_limit_bytes=MAX_SENTENCE_CHARS, head=b"$GNRMC,"),
}
