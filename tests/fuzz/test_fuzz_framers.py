"""A million bytes of garbage for every framer: it never raises, never swells, and comes back."""

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.check import feed_all, must_resynchronise
from tests.fuzz.framers import ROWS
from tests.fuzz.garbage import garbage
from tests.fuzz.row import Feed, Row

BYTES = 1_000_000
SEED = 20260501  # the same bytes every time; `make fuzz` takes others
GUIDED_RUNS = 1000
GUIDED_LIMIT_S = 120
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("kind", ROWS)
def test_a_million_bytes(kind: str) -> None:
    row, random = ROWS[kind], Random(f"{SEED} {kind}")
    framer = row.make()
    fed_bytes = 0
    while fed_bytes < BYTES:
        data = garbage(random, row.traffic, row.head)
        feed_all(row, framer, data, random)
        must_resynchronise(row, framer, random)
        fed_bytes += len(data)


@pytest.mark.parametrize("kind", ROWS)
def test_the_rows_own_traffic_is_decoded(kind: str) -> None:
    """Else a million bytes would prove nothing."""
    row, random = ROWS[kind], Random(0)
    framer = row.make()
    for _ in range(50):
        must_resynchronise(row, framer, random)


class Broken:
    """A framer with a fault of its own; good frames are lines."""

    def __init__(self, fault: str) -> None:
        self.fault, self.pending = fault, bytearray()

    def feed(self, data: bytes) -> Sequence[object]:
        if self.fault == "raises" and b"\xff" in data:
            raise ValueError
        self.pending += data
        *lines, rest = self.pending.split(b"\n")
        if self.fault == "deaf" and b"\0" in self.pending:
            return ()
        self.pending = bytearray(rest if self.fault == "swells" else rest[-50:])
        return [bytes(line) for line in lines]

    def quiet(self) -> Sequence[object]:
        if self.fault != "stuck":
            self.pending.clear()
        return ()


@pytest.mark.parametrize("fault", ["", "raises", "swells", "deaf", "stuck"])
def test_the_harness_notices_what_it_looks_for(fault: str) -> None:
    def make() -> Feed:
        framer = Broken(fault)
        return Feed(framer.feed, framer.quiet, lambda: len(framer.pending))

    row = Row(make, lambda _: (b"hello\n", b"hello"), held_limit_bytes=60, head=b"hell")
    random, framer = Random(1), make()

    def fuzz() -> None:
        for _ in range(200):
            feed_all(row, framer, garbage(random, row.traffic, row.head), random)
            must_resynchronise(row, framer, random)

    if fault:
        with pytest.raises((AssertionError, ValueError)):
            fuzz()
    else:
        fuzz()


@pytest.mark.skipif(
    find_spec("atheris") is None and platform.machine() != "x86_64",
    reason="atheris has wheels for x86_64 only",
)
@pytest.mark.parametrize("kind", ROWS)
def test_guided_by_coverage(kind: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz.guided", kind, f"-runs={GUIDED_RUNS}", "-seed=1"]
    done = subprocess.run(
        [*command, f"-artifact_prefix={tmp_path}/"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=GUIDED_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"Done {GUIDED_RUNS} runs" in done.stderr
