"""A real gpsd on loopback, fed line by line over TCP.

gpsd repeats each sentence to a client that asks for it, before what it concludes from it. So the
next line goes out when this one is through: as fast as gpsd is, and nothing depends on timing.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from sim.ports import free_port

START_LIMIT_S = 10.0
ANSWER_LIMIT_S = 10.0
STOP_LIMIT_S = 10.0
POLL_S = 0.01
FIRST_ECHO_S = 0.2
"""gpsd swallows what comes before it has opened the source; then the mark is sent again."""
LOOPBACK = "127.0.0.1"
MARK = b"$GPTXT,01,01,00,MARK*5A\r\n"
"""A sentence that tells gpsd nothing and is found again in what it repeats."""
REPEATED = re.compile(rb"\$(?:G[ABLNPQ]|BD|P)[A-Z]+,")
"""What gpsd takes for a sentence; the rest it drops."""


def find(program: str) -> str:
    """A program of Debian's gpsd packages; a machine without it fails the test."""
    found = shutil.which(program) or shutil.which(f"/usr/sbin/{program}")
    assert found, f"{program} is not installed: apt-get install gpsd gpsd-clients"
    return found


def connect(port: int, process: "subprocess.Popen[bytes]") -> socket.socket:
    """Connect to a daemon that is starting; raises `RuntimeError` if it does not come up."""
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return socket.create_connection((LOOPBACK, port), ANSWER_LIMIT_S)
        except ConnectionRefusedError:
            time.sleep(POLL_S)
    raise RuntimeError(f"{process.args!r} does not listen on port {port}")


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """End a process and its children: gpsfake leaves its gpsd behind and ignores SIGTERM."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(STOP_LIMIT_S)


@dataclass(frozen=True)
class Concluded:
    """A report of gpsd, and the number of the line behind which it came."""

    line: int
    report: dict[str, Any]


class FedGpsd:
    """A gpsd whose only receiver is this object. Ends with its `with` block."""

    def __init__(self) -> None:
        self.port = free_port()
        self._source = socket.create_server((LOOPBACK, 0))

    def __enter__(self) -> Self:
        source = f"tcp://{LOOPBACK}:{self._source.getsockname()[1]}"
        # -b: never write to the source; -n: read it although nobody asks yet; -N: stay a child
        command = [find("gpsd"), "-N", "-n", "-b", "-S", str(self.port), source]
        self._process = subprocess.Popen(command, start_new_session=True)
        try:
            self._source.settimeout(START_LIMIT_S)
            self._feed, _ = self._source.accept()
            self._client = connect(self.port, self._process)
        except BaseException:
            end_group(self._process)
            raise
        self._client.sendall(b'?WATCH={"enable":true,"json":true,"nmea":true};\n')
        self._answers = b""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        end_group(self._process)
        for end in (self._feed, self._client, self._source):
            end.close()

    def send(self, data: bytes) -> None:
        """Say something as the receiver, and do not wait."""
        self._feed.sendall(data)

    def kill(self) -> None:
        """End it as a power cut does."""
        end_group(self._process)

    def conclude(self, lines: Iterable[bytes]) -> Iterator[Concluded]:
        """Feed lines one by one; yield what gpsd reports behind each."""
        self._until_it_listens()
        repeated = 0
        for number, line in enumerate(lines):
            self._feed.sendall(line)
            if REPEATED.match(line):
                yield from self._reports_until(line, repeated)
                repeated = number
        # Only here: between the parts of a list of satellites it would cut the list short.
        self._feed.sendall(MARK)
        yield from self._reports_until(MARK, repeated)

    def _reports_until(self, line: bytes, number: int) -> Iterator[Concluded]:
        for answer in self._until(line):
            if answer.startswith(b"{"):
                yield Concluded(number, json.loads(answer))

    def _until_it_listens(self) -> None:
        self._client.settimeout(FIRST_ECHO_S)
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            self._feed.sendall(MARK)
            try:
                list(self._until(MARK))
            except TimeoutError:
                continue
            self._client.settimeout(ANSWER_LIMIT_S)
            return
        raise RuntimeError("gpsd does not repeat what it is told")

    def _until(self, wanted: bytes) -> Iterator[bytes]:
        """What gpsd says before it repeats `wanted`."""
        while True:
            while b"\n" not in self._answers:
                data = self._client.recv(65_536)
                if not data:
                    raise RuntimeError("gpsd hung up")
                self._answers += data
            answer, _, self._answers = self._answers.partition(b"\n")
            if answer.rstrip() == wanted.rstrip():
                return
            yield answer
