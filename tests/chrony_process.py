"""A real chronyd that disciplines nothing (-x), told what to do by the file we ship."""

import getpass
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

START_LIMIT_S = 10.0
STOP_LIMIT_S = 10.0
POLL_S = 0.05
SHIPPED = Path(__file__).resolve().parents[1] / "firmware" / "chrony" / "muster.conf"
SHIPPED_SOCKET = "/run/chrony.muster.sock"


def find(program: str) -> str:
    """A program of Debian's chrony; a machine without it fails the test."""
    found = shutil.which(program) or shutil.which(f"/usr/sbin/{program}")
    assert found, f"{program} is not installed: apt-get install chrony"
    return found


class ChronyProcess:
    """One chronyd in a folder of its own; ends with its `with` block.

    `poll` is log2 of the seconds between its looks; the shipped file says 2.
    """

    def __init__(self, folder: Path, *, poll: int = 0) -> None:
        self.socket = folder / "gnss.sock"
        self._commands = folder / "cmd" / "chronyd.sock"
        self._commands.parent.mkdir(mode=0o700)
        self._conf = folder / "chrony.conf"
        shipped = SHIPPED.read_text()
        assert SHIPPED_SOCKET in shipped
        assert "poll 2 " in shipped
        self._conf.write_text(
            shipped.replace(SHIPPED_SOCKET, str(self.socket)).replace("poll 2 ", f"poll {poll} ")
            + f"bindcmdaddress {self._commands}\n"
            + "cmdport 0\nport 0\n"
            + f"pidfile {folder / 'pid'}\n"
        )
        self._log = folder / "log"

    @property
    def log(self) -> str:
        """Everything it has said."""
        return self._log.read_text()

    def ask(self, report: str) -> list[list[str]]:
        """What chronyc says, in rows of fields."""
        answer = subprocess.run(
            [find("chronyc"), "-h", str(self._commands), "-c", report],
            capture_output=True,
            text=True,
            check=True,
        )
        return [line.split(",") for line in answer.stdout.splitlines()]

    def __enter__(self) -> Self:
        # -d: a child of ours; -U: no need to be root; -x: hands off the clock
        command = [
            find("chronyd"),
            "-x",
            "-U",
            "-d",
            "-u",
            getpass.getuser(),
            "-f",
            str(self._conf),
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._commands.exists() and self.socket.exists():
                return self
            time.sleep(POLL_S)
        self._stop()
        raise RuntimeError(f"chronyd did not start:\n{self.log}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_LIMIT_S)
            raise
