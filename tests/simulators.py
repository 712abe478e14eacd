"""Simulated devices as a tester starts them: `muster sim ...` in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def simulator(*arguments: str | Path) -> Iterator[None]:
    """`muster sim` with these arguments, from when it says where its device is."""
    command = [sys.executable, "-u", "-m", "sim.cli", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert " at " in process.stdout.readline()
            yield
        finally:
            process.terminate()


def told(control: Path, *words: str) -> None:
    """A command to a simulator, by its control socket; it must be obeyed."""
    command = [sys.executable, "-m", "sim.cli", "tell", str(control), *words]
    subprocess.run(command, check=True, capture_output=True)
