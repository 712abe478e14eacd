"""Zones out of lines, and the driver on top."""

import asyncio
import logging
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import OtherDevice, PortGone
from drivers.readers.base import CardRead, CardTrouble, ReaderEvent, TroubleReason
from drivers.readers.framer import Damage
from drivers.readers.line_framer import GAP_S
from drivers.readers.mrz import MrzReader
from drivers.readers.mrz_framer import BLOCK_GAP_S, MrzFramer
from sim.clock import Run
from sim.devices.mrz import SimMrz
from sim.devices.travel import TD1, TD2, TD3, TravelDocument, zone
from sim.memory import MemoryCable

PASSPORT = TravelDocument(
    number="L898902C3", surname="ERIKSSON", given="ANNA", optional="ZE184226B"
)
CARD = TravelDocument(number="D23145891", surname="LI", form=TD1, code="I")
SMALL = TravelDocument(number="D23145892", surname="WANG", form=TD2, code="I")
TODAY = date(2027, 1, 31)


def swipe(frames: MrzFramer, lines: list[str], at_s: float, end: bytes = b"\r") -> list[object]:
    found = frames.feed(b"".join(line.encode() + end for line in lines), at_s)
    found += frames.give_up(at_s + GAP_S)
    return [*found, *frames.give_up(at_s + BLOCK_GAP_S)]


@pytest.mark.parametrize("document", [PASSPORT, CARD, SMALL])
@pytest.mark.parametrize("end", [b"\r", b"\r\n", b"\n", b""])
def test_a_zone_comes_whole(document: TravelDocument, end: bytes) -> None:
    frames = MrzFramer()
    for at_s in (1.0, 5.0):
        assert swipe(frames, zone(document), at_s, end) == ["".join(zone(document))]
    assert frames.ends_at_s is None


def test_the_last_line_may_lack_its_end() -> None:
    frames = MrzFramer()
    for at_s in (1.0, 5.0):
        assert swipe(frames, ["\r".join(zone(PASSPORT))], at_s, b"") == ["".join(zone(PASSPORT))]


@pytest.mark.parametrize(
    "lines",
    [
        zone(PASSPORT)[:1],
        zone(CARD)[:2],
        [zone(PASSPORT)[0], zone(PASSPORT)[1][:40]],
        [zone(PASSPORT)[0], zone(CARD)[0]],
        ["$GPGGA,1,2"],
        [zone(PASSPORT)[0], "*" * 44],
    ],
)
def test_half_a_zone_is_torn_and_hurts_no_other(lines: list[str]) -> None:
    frames = MrzFramer()
    assert set(swipe(frames, lines, 1.0)) == {Damage.TORN}
    assert swipe(frames, zone(SMALL), 5.0) == ["".join(zone(SMALL))]


def test_a_line_of_another_form_begins_anew() -> None:
    frames = MrzFramer()
    lines = [*zone(CARD)[:2], *zone(PASSPORT)]
    assert swipe(frames, lines, 1.0) == [Damage.TORN, "".join(zone(PASSPORT))]


@given(st.lists(st.tuples(st.binary(max_size=60), st.floats(0, 2)), max_size=20))
def test_any_bytes_give_zones_and_damages(pieces: list[tuple[bytes, float]]) -> None:
    frames = MrzFramer()
    now_s = 0.0
    for piece, pause_s in pieces:
        now_s += pause_s
        for found in frames.feed(piece, now_s) + frames.give_up(now_s):
            assert found is Damage.TORN or isinstance(found, str)
    frames.give_up(now_s + GAP_S)
    frames.give_up(now_s + GAP_S + BLOCK_GAP_S)
    assert frames.ends_at_s is None


class Story:
    """A driver and its simulated reader; what was reported."""

    def __init__(self) -> None:
        self._cable = MemoryCable()
        self.sim = SimMrz(self._cable.device, seed=1)
        self.device = self._cable.device
        self.events: list[ReaderEvent] = []
        self.ended_by: Exception | None = None
        self._module = asyncio.create_task(self.sim.run())
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        try:
            async for event in MrzReader(self._cable.host, today=lambda: TODAY).events():
                self.events += [event]
        except (PortGone, OtherDevice) as error:
            self.ended_by = error

    async def end(self) -> None:
        self._cable.unplug()
        await self._listening
        self._module.cancel()


def test_a_smudge_asks_for_another_try_and_the_next_one_counts(run: Run) -> None:
    async def main() -> Story:
        story = Story()
        story.sim.smudge()
        for _ in range(2):
            story.sim.present(PASSPORT)
            await asyncio.sleep(5)
        await story.end()
        return story

    trouble, read = run(main()).events
    assert trouble == CardTrouble(TroubleReason.HOLD_STILL)
    assert isinstance(read, CardRead)
    assert (read.number, read.valid_until) == ("L898902C3", date(2034, 4, 15))


def test_a_misread_number_is_not_readable(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> Story:
        story = Story()
        story.sim.misread()
        story.sim.present(PASSPORT)
        await asyncio.sleep(5)
        await story.end()
        return story

    with caplog.at_level(logging.DEBUG):
        assert run(main()).events == [CardTrouble(TroubleReason.NOT_READABLE)]
    assert "L898902" not in caplog.text
    assert "ERIKSS" not in caplog.text


def test_a_visa_is_a_document_we_do_not_know(run: Run) -> None:
    async def main() -> Story:
        story = Story()
        story.sim.present(TravelDocument(number="L898902C3", surname="X", code="V", form=TD3))
        await asyncio.sleep(5)
        await story.end()
        return story

    assert run(main()).events == [CardTrouble(TroubleReason.UNKNOWN_LAYOUT)]


def test_a_receiver_on_the_port_is_no_mrz_reader(run: Run) -> None:
    async def main() -> Story:
        story = Story()
        for number in range(100):
            await story.device.write(b"$GPGGA,%d,3112.1,N\r\n" % number)
            await asyncio.sleep(0.5)
        await story.end()
        return story

    story = run(main())
    assert isinstance(story.ended_by, OtherDevice)
    assert story.events == [CardTrouble(TroubleReason.HOLD_STILL)]
