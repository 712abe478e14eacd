"""A real pcscd with vpcd's virtual readers, apart from any other on this machine.

It runs in a mount namespace of its own, where `/run/pcscd` is a folder of the test's: neither a
pcscd that is already running nor a second test run is in the way, and nobody must be root.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from sim.ports import free_port

START_LIMIT_S = 10.0
STOP_LIMIT_S = 10.0
POLL_S = 0.01
READY = "daemon ready"
SLOTS = 2  # vpcd makes that many readers of one entry
DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
CLIENTS_LOOK_AT = "PCSCLITE_CSOCK_NAME"  # the environment variable with the socket's path

_IN_A_FOLDER_OF_ITS_OWN = """
set -e
mount -t tmpfs tmpfs /run
mkdir /run/pcscd
mount --bind "$1" /run/pcscd
shift
exec "$@"
"""


def find_pcscd() -> str:
    """The daemon's program; a machine without it or its driver fails the test."""
    found = shutil.which("pcscd") or shutil.which("/usr/sbin/pcscd")
    assert found, "pcscd is not installed: apt-get install pcscd"
    assert DRIVER.exists(), "vpcd is not installed: apt-get install vsmartcard-vpcd"
    return found


def free_ports() -> int:
    """The first of as many loopback ports in a row as a reader of vpcd's has slots."""
    for _ in range(100):
        first = free_port()
        try:
            for port in range(first + 1, first + SLOTS):
                socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return first
    raise AssertionError("no two free ports in a row")


class Pcscd:
    """One pcscd; `folder` holds its socket, so that a second one in it is the same restarted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sockets = folder / "run"
        self._sockets.mkdir(parents=True, exist_ok=True)
        self._config = folder / "reader.conf"
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self.port = free_ports()

    @property
    def socket(self) -> Path:
        """Where PC/SC programs find it."""
        return self._sockets / "pcscd.comm"

    def start(self, readers: Sequence[str] = ("Muster Test",)) -> None:
        """Start it with these readers; slots "NAME 00 00" and "NAME 00 01" for the first."""
        program = find_pcscd()
        entries = (self._entry(name, number) for number, name in enumerate(readers))
        self._config.write_text("\n".join(entries))
        options = ["--foreground", "--info", "--config", str(self._config)]
        known = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
        if "--disable-polkit" in known.stdout + known.stderr:
            options.append("--disable-polkit")  # nobody answers for it in a container
        apart = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
        shell = ["sh", "-c", _IN_A_FOLDER_OF_ITS_OWN, "pcscd", str(self._sockets)]
        self._starts += 1
        log = self._folder / f"pcscd-{self._starts}.log"
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                [*apart, *shell, program, *options],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                process_group=0,
            )
        deadline_s = time.monotonic() + START_LIMIT_S
        while READY not in log.read_text():
            assert self._process.poll() is None, f"pcscd did not start: {log.read_text()}"
            assert time.monotonic() < deadline_s, f"pcscd is not ready: {log.read_text()}"
            time.sleep(POLL_S)

    def kill(self) -> None:
        """End it without a word, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_LIMIT_S)
            self._process = None

    def _entry(self, name: str, number: int) -> str:
        channel = self.port + number * SLOTS
        return (
            f'FRIENDLYNAME "{name}"\n'
            f"DEVICENAME /dev/null:{channel:#06X}\n"
            f"LIBPATH {DRIVER}\n"
            f"CHANNELID {channel:#06X}\n"
        ).replace("0X", "0x")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.kill()
