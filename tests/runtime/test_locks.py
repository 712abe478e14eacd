"""Who holds a file: real locks of real processes, and what the kernel might say besides."""

import fcntl
import os
import sqlite3
import subprocess
import sys
import tty
from pathlib import Path

import pytest

from runtime.locks import holder_of

HOLD = (
    "import fcntl,sys; f=open(sys.argv[1]); fcntl.flock(f, 2); print('held', flush=True); input()"
)


def test_another_process_is_named(tmp_path: Path) -> None:
    path = tmp_path / "port"
    path.touch()
    assert holder_of(path) is None
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        holder = holder_of(path)
        assert holder is not None
        assert holder.pid == process.pid
        assert holder.command.startswith(sys.executable)
        process.communicate("")
    assert holder_of(path) is None


def test_a_pty_as_serial_ports_are_held() -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    fcntl.flock(slave, fcntl.LOCK_EX | fcntl.LOCK_NB)
    holder = holder_of(Path(os.ttyname(slave)))
    assert holder is not None
    assert holder.pid == os.getpid()
    os.close(master)
    os.close(slave)


def test_an_open_database_is_held(tmp_path: Path) -> None:
    """How `muster doctor` notices a terminal at work, whatever its devices are."""
    path = tmp_path / "outbox.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE t (a)")
    shared = path.with_name("outbox.db-shm")
    holder = holder_of(shared)
    assert holder is not None
    assert holder.pid == os.getpid()
    connection.close()
    assert holder_of(shared) is None


@pytest.mark.parametrize("text", ["", "1: FLOCK\n", "1: -> FLOCK ADVISORY WRITE 7 {file} 0 EOF\n"])
def test_odd_lines_are_nobody(tmp_path: Path, text: str) -> None:
    path = tmp_path / "port"
    path.touch()
    assert holder_of(path, tmp_path / "no-proc") is None
    assert holder_of(tmp_path / "not there") is None
    (tmp_path / "locks").write_text(_with_file(text, path))
    assert holder_of(path, tmp_path) is None


@pytest.mark.parametrize(("pid", "found"), [("7", True), ("-1", False), ("0", False)])
def test_a_holder_outside_our_view_is_nobody(tmp_path: Path, pid: str, found: bool) -> None:
    """A process of another container has no number here."""
    path = tmp_path / "port"
    path.touch()
    line = f"1: FLOCK ADVISORY WRITE {pid} {{file}} 0 EOF\n"
    (tmp_path / "locks").write_text(_with_file(line, path))
    holder = holder_of(path, tmp_path)
    assert (holder is not None) is found
    assert holder is None or (holder.pid, holder.command) == (7, "")


def _with_file(text: str, path: Path) -> str:
    file = path.stat()
    place = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    return text.replace("{file}", place)
