"""A real mosquitto on loopback, from the files `create_county` writes."""

import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType

START_LIMIT_S = 10.0
STOP_LIMIT_S = 10.0
POLL_S = 0.01
# Its last word of a start. It listens before it has read its certificates and the CRL, so that a
# port that answers proves nothing.
RUNNING = re.compile(r"mosquitto version \S+ running")


def find_mosquitto() -> str:
    """The broker's program; a machine without one fails the test."""
    found = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
    assert found, "mosquitto is not installed: apt-get install mosquitto"
    return found


class BrokerProcess:
    """One mosquitto; may be started again after `kill` or `stop`. Ends with its `with` block."""

    def __init__(self, conf: Path) -> None:
        self._conf = conf
        self._log = conf.with_name("mosquitto.log")
        listener = next(
            line.split() for line in conf.read_text().splitlines() if line.startswith("listener ")
        )
        self.port = int(listener[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """Everything it has said since its last start."""
        return self._log.read_text()

    def start(self) -> None:
        """Start and wait until it serves; raises `RuntimeError` with its log if it does not."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [find_mosquitto(), "-c", str(self._conf)], stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if RUNNING.search(self.log):
                return
            time.sleep(POLL_S)
        self.kill()
        raise RuntimeError(f"mosquitto did not start:\n{self.log}")

    def stop(self) -> None:
        """End it as a service manager does."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut does."""
        self._end(signal.SIGKILL)

    def __enter__(self) -> "BrokerProcess":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_LIMIT_S)
            raise
        finally:
            self._process = None
