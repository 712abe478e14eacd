"""Which process holds a file locked, as the kernel tells it (proc_locks(5))."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_PID, _FILE = (
    4,
    5,
)  # words of a line; one that waits for a lock has an arrow more, and no place here
_COMMAND_CHARS = 60


@dataclass(frozen=True, slots=True)
class Holder:
    """A process; `command` is how it was started, cut short, empty where that is not told."""

    pid: int
    command: str


def holder_of(path: Path, proc: Path = _PROC) -> Holder | None:
    """Who holds a lock on the file at `path`; None if nobody does, or nobody can say."""
    try:
        file = path.stat()
    except OSError:
        return None
    wanted = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    for words in _locks(proc):
        if words[_FILE] == wanted and words[_PID].isdigit() and int(words[_PID]) > 0:
            pid = int(words[_PID])
            return Holder(pid, _command(proc, pid))
    return None


def _locks(proc: Path) -> Iterator[list[str]]:
    try:
        lines = (proc / "locks").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        words = line.split()
        if len(words) > _FILE and words[1] != "->":
            yield words


def _command(proc: Path, pid: int) -> str:
    try:
        words = (proc / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return " ".join(word.decode(errors="replace") for word in words)[:_COMMAND_CHARS].strip()
