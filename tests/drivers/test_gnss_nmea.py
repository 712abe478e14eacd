"""The receiver's own duties: counting, and taking whatever a line brings."""

import asyncio
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import PortGone
from drivers.gnss.base import GnssEvent
from drivers.gnss.nmea import NmeaReceiver, SentenceCounts

RMC = b"$GPRMC,030719.000,A,3747.0873,S,17518.8938,E,0.69,181.39,311214,,,A*7D\r\n"
GGA = b"$GPGGA,030719.000,3747.0873,S,17518.8938,E,1,08,1.1,59.9,M,23.7,M,,0000*7D\r\n"
BAD_TIME = b"$GPRMC,246060.00,V,,,,,,,311214,,,N*7F\r\n"
PIECES = [RMC, GGA, BAD_TIME, b"$PSTI,030*01\r\n", b"$GPTXT,01,01,01,ANTENNA OK*35\r\n", b"$GP"]


class Pieces:
    """A `BytePort` that hands over these pieces and is then unplugged."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = iter(pieces)

    async def read(self) -> bytes:
        piece = next(self._pieces, None)
        if piece is None:
            raise PortGone("nothing more")
        return piece

    async def write(self, data: bytes) -> None:
        raise AssertionError(f"the driver only listens, got {len(data)} bytes")

    async def close(self) -> None:
        pass


def heard(pieces: list[bytes]) -> tuple[list[GnssEvent], SentenceCounts]:
    receiver = NmeaReceiver(Pieces(pieces), built=date(2026, 1, 1), monotonic=lambda: 0.0)
    events: list[GnssEvent] = []

    async def collect() -> None:
        async for event in receiver.events():
            events.append(event)  # noqa: PERF401 - extend() would lose them at PortGone

    with pytest.raises(PortGone):
        asyncio.run(collect())
    return events, receiver.counts


def test_every_sentence_is_counted_once_for_what_it_is() -> None:
    _, counts = heard([*PIECES, b"$GPXXX,1*52\r\n"])
    assert counts == SentenceCounts(accepted=6, unknown=2, unreadable=1, damaged=1)


def test_damage_is_counted_even_when_nothing_good_follows() -> None:
    _, counts = heard([b"$GPRMC,1*00\r\n" * 3])
    assert counts == SentenceCounts(damaged=3)


@given(st.lists(st.binary(max_size=40) | st.sampled_from(PIECES), max_size=20))
def test_any_bytes_end_in_nothing_but_port_gone(pieces: list[bytes]) -> None:
    events, counts = heard(pieces)
    assert len(events) <= counts.accepted
