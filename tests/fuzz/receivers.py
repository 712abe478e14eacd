"""Satellite receivers: sentences, packets, and gpsd's lines."""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import xor
from random import Random

from drivers.gnss.epoch import EpochAssembler
from drivers.gnss.facts import NoFact, read_fact
from drivers.gnss.gpsd import LineSplitter
from drivers.gnss.gpsd_reports import (
    MAX_LINE_BYTES,
    Report,
    Sky,
    moment,
    position_facts,
    read_line,
    sky_facts,
)
from drivers.gnss.sentences import MAX_SENTENCE_CHARS, SentenceFramer
from drivers.gnss.ubx import MAX_PAYLOAD_BYTES, MON_HW, SYNC, UbxFrame, UbxFramer, read_report
from tests.fuzz.row import Feed, Row

STEP_S = 0.1
_SENTENCES = (
    "GNRMC,100000.00,A,3039.42000,N,10403.96000,E,0.1,,010526,,,A,V",
    "GNGGA,100000.00,3039.42000,N,10403.96000,E,1,10,0.90,500.0,M,0.0,M,,",
    "GNGSA,A,3,02,05,08,11,14,,,,,,,,0.90,0.90,0.90,1",
    "GPGSV,2,1,06,02,80,000,45,05,68,137,44,08,57,274,43,11,45,051,42,1",
    "GNZDA,100000.00,01,05,2026,00,00",
)
_MON_HW_BYTES = 60
_REPORTS = (
    '{"class":"TPV","mode":3,"time":"2026-05-01T10:00:00.000Z","lat":30.5,"lon":104.1,"alt":1.5}',
    '{"class":"SKY","hdop":0.9,"satellites":[{"PRN":1,"ss":40,"used":true}]}',
    '{"class":"VERSION","release":"3.22","proto_major":3,"proto_minor":14}',
)


def _nmea() -> Feed:
    sentences, epochs, steps = SentenceFramer(), EpochAssembler(), [0]

    def feed(data: bytes) -> Sequence[object]:
        steps[0] += 1
        found = sentences.feed(data)
        for sentence in found:
            fact = read_fact(sentence)
            if not isinstance(fact, NoFact):
                epochs.feed(fact, steps[0] * STEP_S)
        return found

    return Feed(feed, tuple, lambda: len(sentences._pending))


def _sentence(random: Random) -> tuple[bytes, object]:
    body = random.choice(_SENTENCES)
    whole = f"${body}*{reduce(xor, body.encode()):02X}"
    return f"{whole}\r\n".encode(), whole


def _ubx() -> Feed:
    packets = UbxFramer()

    def feed(data: bytes) -> Sequence[object]:
        found = packets.feed(data)
        for packet in found:
            read_report(packet)
        return found

    return Feed(feed, tuple, lambda: len(packets._pending))


def _packets(random: Random) -> tuple[bytes, object]:
    """As many as the longest packet has bytes: without a pause that ends one, that is how long a
    false head may keep the framer waiting."""
    payload = random.randbytes(_MON_HW_BYTES)
    covered = bytes(MON_HW) + len(payload).to_bytes(2, "little") + payload
    first = second = 0
    for value in covered:
        first = (first + value) & 0xFF
        second = (second + first) & 0xFF
    packet = SYNC + covered + bytes([first, second])
    count = MAX_PAYLOAD_BYTES // len(packet) + 2
    return packet * count, UbxFrame(MON_HW, payload)


def _gpsd() -> Feed:
    lines = LineSplitter()

    def feed(data: bytes) -> Sequence[object]:
        found = lines.feed(data)
        for line in found:
            said = read_line(line)
            if isinstance(said, Report):
                moment(said)
                position_facts(said, None)
            elif isinstance(said, Sky):
                sky_facts(said)
        return found

    return Feed(feed, tuple, lambda: len(lines._pending))


def _report(random: Random) -> tuple[bytes, object]:
    """The line end in front ends whatever noise has begun."""
    line = random.choice(_REPORTS).encode()
    return b"\n" + line + b"\r\n", line


RECEIVERS: Mapping[str, Row] = {
    "nmea": Row(_nmea, _sentence, MAX_SENTENCE_CHARS, b"$GNRMC,"),
    "ubx": Row(_ubx, _packets, MAX_PAYLOAD_BYTES + 8, SYNC + b"\x0a\x09\xff\x03"),
    "gpsd": Row(_gpsd, _report, MAX_LINE_BYTES, b'{"class":"TPV",' * 5),
}
