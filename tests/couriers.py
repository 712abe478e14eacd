"""Runs commands of `muster` as whoever stands there does: each as a process of its own."""

import asyncio
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.processes import MUSTER, REPOSITORY

COMMAND_LIMIT_S = 60


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        """Everything it said."""
        return self.out + self.err


async def courier(command: str, config: Path, *arguments: object, stdin: str = "") -> Said:
    """`muster courier COMMAND --config CONFIG ARGUMENTS`."""
    words = ["courier", command, "--config", config, "--lang", "en", *arguments]
    return await _muster(words, stdin)


async def at_desk(command: str, config: Path, *arguments: object) -> Said:
    """`muster gateway COMMAND --config CONFIG ARGUMENTS`."""
    return await _muster(["gateway", command, "--config", config, *arguments])


async def _muster(words: Sequence[object], stdin: str = "") -> Said:
    done = await asyncio.to_thread(
        subprocess.run,
        [*MUSTER, *(str(word) for word in words)],
        cwd=REPOSITORY,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_LIMIT_S,
    )
    return Said(done.returncode, done.stdout, done.stderr)
