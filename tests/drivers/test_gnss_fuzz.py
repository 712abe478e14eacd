"""A million bytes of rubbish, sentences, packets and JSON through every framer of this role."""

from functools import reduce
from operator import xor
from random import Random

import pytest

from drivers.gnss.epoch import EpochAssembler
from drivers.gnss.facts import NoFact, read_fact
from drivers.gnss.gpsd import LineSplitter
from drivers.gnss.gpsd_reports import MAX_LINE_BYTES, Report, position_facts, read_line
from drivers.gnss.sentences import MAX_SENTENCE_CHARS, SentenceFramer
from drivers.gnss.ubx import MAX_PAYLOAD_BYTES, SYNC, UbxFramer, read_report

TOTAL_BYTES = 1_000_000


def framed(body: str) -> bytes:
    return f"${body}*{reduce(xor, body.encode(), 0):02X}\r\n".encode()


PIECES = [
    framed("GNRMC,100000.00,A,3030.00000,N,10406.00000,E,0.5,,010526,,,A,V"),
    framed("GPGGA,100000.00,3030.00000,N,10406.00000,E,1,08,0.9,500.0,M,,M,,"),
    framed("GPGSV,1,1,02,17,72,207,32,28,59,095,31"),
    bytes.fromhex("b5 62 05 01 02 00 06 8a 98 c1"),
    b"$",
    b"*00\r\n",
    SYNC,
    SYNC + b"\x27\x09\x0c\x00\x01\x00\x00\x00",
    SYNC + b"\x0a\x09\xff\xff",
    b'{"class":"TPV","mode":3,"time":"2026-05-01T10:00:00.000Z","lat":30.5,"lon":104.1}\n',
    b'{"class":"SKY","satellites":[{"PRN":1,"ss":40,"used":true}]}\n',
    b'{"class":"TPV","mode":',
    b"[" * 50,
    b"\n",
]


def rubbish(random: Random) -> bytes:
    """Pieces of what could come, some with a byte changed, some noise."""
    made = bytearray()
    while len(made) < TOTAL_BYTES:
        piece = bytearray(random.choice(PIECES) if random.random() < 0.7 else random.randbytes(30))
        if random.random() < 0.3:
            piece[random.randrange(len(piece))] = random.randrange(256)
        made += piece
    return bytes(made)


def cut(data: bytes, random: Random) -> list[bytes]:
    pieces, start = [], 0
    while start < len(data):
        end = start + random.randint(1, 4096)
        pieces.append(data[start:end])
        start = end
    return pieces


@pytest.mark.parametrize("seed", [1])
def test_whatever_comes_is_taken_and_memory_stays_bounded(seed: int) -> None:
    random = Random(seed)
    sentences, packets, lines = SentenceFramer(), UbxFramer(), LineSplitter()
    assembler, found = EpochAssembler(), [0, 0, 0]
    for now_s, piece in enumerate(cut(rubbish(random), random)):
        for sentence in sentences.feed(piece):
            fact = read_fact(sentence)
            if not isinstance(fact, NoFact):
                assembler.feed(fact, now_s)
                found[0] += 1
        for frame in packets.feed(piece):
            read_report(frame)
            found[1] += 1
        for line in lines.feed(piece):
            report = read_line(line)
            if isinstance(report, Report):
                for stated in position_facts(report, None):
                    assembler.feed(stated, now_s)
                found[2] += 1
        assert len(sentences._pending) <= MAX_SENTENCE_CHARS
        assert len(packets._pending) <= MAX_PAYLOAD_BYTES + 8
        assert len(lines._pending) <= MAX_LINE_BYTES
    assert min(found) > 100  # it was not all rubbish


def test_a_sentence_gets_through_any_rubbish() -> None:
    random = Random(2)
    framer, wanted = SentenceFramer(), framed("GPTXT,01,01,01,ANTENNA OK")
    for piece in cut(rubbish(random), random):
        assert framer.feed(piece + b"\r\n" + wanted)[-1] == wanted.decode().strip()
