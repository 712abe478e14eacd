"""Processes of a simulated county: started, killed, ended by pid, their words kept in a file."""

import asyncio
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

STOP_LIMIT_S = 10.0
MOSQUITTO_PATHS = ("mosquitto", "/usr/sbin/mosquitto")  # Debian keeps it off a user's PATH
REPOSITORY = Path(__file__).resolve().parent.parent


# util-linux: a child ends with its parent, even one that was killed and could not end it.
_BOUND_TO_US = ("setpriv", "--pdeathsig", "TERM") if shutil.which("setpriv") else ()


class ProcessDied(RuntimeError):
    """A process of the county ended by itself; the text names its log."""


class Process:
    """One child process; may be started again after it ended."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name, self._command, self._log = name, command, log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; its output is appended to its log."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *_BOUND_TO_US,
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the shell is for the demo, which ends them
                cwd=REPOSITORY,
            )

    @property
    def pid(self) -> int:
        """Process id of the running process."""
        assert self._process is not None, f"{self.name} was never started"  # noqa: S101
        return self._process.pid

    def check(self) -> None:
        """Raise `ProcessDied` if it has ended by itself."""
        if self._process is not None and self._process.returncode is not None:
            raise ProcessDied(f"{self.name} ended; what it said is in {self._log}")

    async def kill(self) -> None:
        """End it as a power cut does."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """End it as a service manager does: ask, wait, insist."""
        await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.send_signal(number)
        try:
            async with asyncio.timeout(STOP_LIMIT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def muster(*arguments: str) -> list[str]:
    """The command line of one of our own programs."""
    return [sys.executable, "-m", "muster", *arguments]


def mosquitto(conf: Path) -> list[str]:
    """The command line of the broker; raises `FileNotFoundError` if it is not installed."""
    for path in MOSQUITTO_PATHS:
        program = shutil.which(path)
        if program is not None:
            return [program, "-c", str(conf)]
    raise FileNotFoundError("mosquitto is not installed: apt-get install mosquitto")
