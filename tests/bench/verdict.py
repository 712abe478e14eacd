"""Card to verdict: from the last byte of the reader's answer to the verdict on the page.

A real terminal process with a simulated reader on a pty; the page is /live.json as a browser hears
it. Peer: writing the sealed record's bytes and waiting for the disk, nothing else.
"""

import asyncio
import os
import statistics
import time
from pathlib import Path

from provisioning.layout import TERMINAL_TOML
from sim.devices.idreader import ReadMoment, SimIdReader
from sim.expose import ExposedPty
from sim.player import card_of
from sim.ports import free_port
from sim.witness import Witness
from tests.bench.county import TERMINAL, BenchCounty, muster, process
from tests.bench.harness import Figure

WATCHDOG_S = 120
CARDS = 300
READER_POLL_S = 0.01
RECORD_BYTES = 110
PAUSE_S = 0.02


def measure(folder: Path) -> list[Figure]:
    """See the module."""
    county = BenchCounty(folder)
    with county.running():
        ours_s, bare_s = asyncio.run(_present_cards(county, folder))
    return [
        Figure(f"card to verdict, {name}", of(ours_s), of(bare_s), "ms", f"fdatasync, {name}")
        for name, of in (("p50", _p50_ms), ("p99", _p99_ms))
    ]


async def _present_cards(county: BenchCounty, folder: Path) -> tuple[list[float], list[float]]:
    port = free_port()
    async with ExposedPty(folder / "reader") as line:
        terminal = county.add_terminal(line.url, port, READER_POLL_S)
        command = muster("terminal", "run", "--config", str(terminal / TERMINAL_TOML))
        reader, witness = SimIdReader(line), Witness(TERMINAL, port)
        with process(command, folder / "terminal.log"):
            work = [asyncio.create_task(each) for each in (reader.run(), witness.run())]
            await witness.until_ready()
            times = await _times(county, folder, reader, witness)
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
    return times


async def _times(
    county: BenchCounty, folder: Path, reader: SimIdReader, witness: Witness
) -> tuple[list[float], list[float]]:
    file = os.open(folder / "bare", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    ours_s: list[float] = []
    bare_s: list[float] = []
    for person in county.people[:CARDS]:
        card, before = card_of(person), witness.latest
        reader.present(card)
        await reader.read_moment(ReadMoment.SENT, card)
        start_s = time.perf_counter()
        await witness.next_verdict(before)
        ours_s.append(time.perf_counter() - start_s)
        start_s = time.perf_counter()
        os.write(file, bytes(RECORD_BYTES))
        os.fdatasync(file)
        bare_s.append(time.perf_counter() - start_s)
        await asyncio.sleep(PAUSE_S)
    os.close(file)
    return ours_s, bare_s


def _p50_ms(times_s: list[float]) -> float:
    return statistics.median(times_s) * 1000


def _p99_ms(times_s: list[float]) -> float:
    return statistics.quantiles(times_s, n=100)[-1] * 1000
