"""`make fuzz`: every framer for longer, with other bytes each time; the seed is told."""

import argparse
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from random import Random, SystemRandom

from tests.fuzz.check import feed_all, must_resynchronise
from tests.fuzz.framers import ROWS
from tests.fuzz.garbage import garbage

BREAKERS = Path(".fuzz")
"""Where inputs that break a framer are kept."""
SEED_BELOW = 10**9


def main() -> int:
    """Fuzz every kind, or those named; the number of kinds that broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(ROWS))
    parser.add_argument("--seconds", type=int, default=60, help="per kind and way (default 60)")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(SEED_BELOW))
    options = parser.parse_args()
    broken = 0
    for kind in options.kinds or ROWS:
        fed_bytes = _seeded(kind, options.seed, options.seconds)
        print(f"{kind}: seed {options.seed}: {fed_bytes / 1e6:.1f} MB", flush=True)
        if find_spec("atheris") is not None:
            BREAKERS.mkdir(exist_ok=True)
            guided = [sys.executable, "-m", "tests.fuzz.guided", kind]
            limits = [f"-max_total_time={options.seconds}", f"-artifact_prefix={BREAKERS}/"]
            done = subprocess.run([*guided, *limits], check=False)
            broken += done.returncode != 0
    return broken


def _seeded(kind: str, seed: int, seconds: int) -> int:
    row, random = ROWS[kind], Random(f"{seed} {kind}")
    framer, fed_bytes = row.make(), 0
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        data = garbage(random, row.traffic, row.head)
        feed_all(row, framer, data, random)
        must_resynchronise(row, framer, random)
        fed_bytes += len(data)
    return fed_bytes


if __name__ == "__main__":
    sys.exit(main())
