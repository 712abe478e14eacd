"""The tool that cuts the power must itself be believed: it loses what it should and no more."""

import contextlib
import errno
import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.files import sync_folder, write_atomic
from tests.system.inode import PAGE_BYTES
from tests.system.powerdir import PowerDir

pytestmark = pytest.mark.system

PROJECT = Path(__file__).parents[2]
WRITER_TIMEOUT_S = 30
MOST_STEPS = 20  # of one atomic write; the test fails if it takes more


def write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def test_unsynced_write_is_forgotten_and_a_synced_one_kept(tmp_path: Path) -> None:
    with PowerDir(tmp_path) as disk:
        write_synced(disk.path / "kept", b"kept")
        (disk.path / "forgotten").write_bytes(b"forgotten")
        assert (disk.path / "forgotten").read_bytes() == b"forgotten"
        disk.remount()
        assert [path.name for path in disk.path.iterdir()] == ["kept"]
        assert (disk.path / "kept").read_bytes() == b"kept"


def test_unsynced_change_of_a_durable_file_leaves_the_old_content(tmp_path: Path) -> None:
    with PowerDir(tmp_path) as disk:
        write_synced(disk.path / "file", b"old")
        with (disk.path / "file").open("r+b") as file:
            file.write(b"newer")
        disk.remount()
        assert (disk.path / "file").read_bytes() == b"old"


def test_fdatasync_makes_data_durable_in_a_nested_folder(tmp_path: Path) -> None:
    with PowerDir(tmp_path) as disk:
        folder = disk.path / "var" / "muster"
        folder.mkdir(parents=True)
        with (folder / "file").open("wb", buffering=0) as file:
            file.write(b"data")
            os.fdatasync(file.fileno())
        disk.remount()
        assert (folder / "file").read_bytes() == b"data"


def test_rename_without_folder_sync_is_forgotten(tmp_path: Path) -> None:
    with PowerDir(tmp_path) as disk:
        write_synced(disk.path / "before", b"data")
        (disk.path / "before").rename(disk.path / "after")
        disk.remount()
        assert [path.name for path in disk.path.iterdir()] == ["before"]


def test_unlink_is_forgotten_until_any_fsync(tmp_path: Path) -> None:
    with PowerDir(tmp_path) as disk:
        write_synced(disk.path / "file", b"data")
        (disk.path / "file").unlink()
        disk.remount()
        assert (disk.path / "file").exists()
        (disk.path / "file").unlink()
        write_synced(disk.path / "other", b"")
        disk.remount()
        assert not (disk.path / "file").exists()


def test_file_renamed_before_its_fsync_comes_back_empty(tmp_path: Path) -> None:
    """The mistake that `write_atomic` must not make."""
    with PowerDir(tmp_path) as disk:
        write_synced(disk.path / "file", b"old")
        (disk.path / "new").write_bytes(b"new")
        (disk.path / "new").rename(disk.path / "file")
        sync_folder(disk.path)
        disk.remount()
        assert (disk.path / "file").read_bytes() == b""


def test_truncation_in_place_destroys_the_old_content(tmp_path: Path) -> None:
    with PowerDir(tmp_path) as disk:
        write_synced(disk.path / "file", b"old")
        (disk.path / "file").write_bytes(b"new")
        sync_folder(disk.path)
        disk.remount()
        assert (disk.path / "file").read_bytes() == b""


def test_open_file_without_a_name_is_read_and_written(tmp_path: Path) -> None:
    with PowerDir(tmp_path) as disk, (disk.path / "file").open("w+b", buffering=0) as file:
        file.write(b"data")
        (disk.path / "file").unlink()
        assert os.listdir(disk.path) == []  # noqa: PTH208 - not a hidden stand-in either
        file.write(b" and more")
        os.fsync(file.fileno())
        file.seek(0)
        assert file.read() == b"data and more"


def test_half_kept_cache_is_torn_and_repeatable(tmp_path: Path) -> None:
    pages = 64

    def survivors(folder: Path) -> list[bool]:
        folder.mkdir()
        with PowerDir(folder, keep=0.5, seed=7) as disk:
            write_synced(disk.path / "file", bytes(pages * PAGE_BYTES))
            with (disk.path / "file").open("r+b") as file:
                file.write(b"\xff" * pages * PAGE_BYTES)
            disk.cut()
            content = (disk.durable_path / "file").read_bytes()
        return [content[start] == 0xFF for start in range(0, len(content), PAGE_BYTES)]

    first = survivors(tmp_path / "first")
    assert len(first) == pages
    assert pages // 4 < sum(first) < pages * 3 // 4
    assert survivors(tmp_path / "second") == first


def test_journal_survives_up_to_some_change_and_never_with_holes(tmp_path: Path) -> None:
    names = [f"{number:02}" for number in range(40)]
    with PowerDir(tmp_path, keep=0.9, seed=5) as disk:
        for name in names:
            (disk.path / name).touch()
        disk.cut()
        kept = sorted(path.name for path in disk.durable_path.iterdir())
    assert 0 < len(kept) < len(names)
    assert kept == names[: len(kept)]


def test_user_of_a_cut_disk_gets_errors_until_remount(tmp_path: Path) -> None:
    with PowerDir(tmp_path) as disk:
        descriptor = os.open(disk.path / "file", os.O_WRONLY | os.O_CREAT)
        disk.cut()
        with pytest.raises(OSError, match="not connected"):
            os.write(descriptor, b"late")
        with pytest.raises(OSError, match="not connected"):
            os.close(descriptor)
        with pytest.raises(OSError, match="not connected"):
            (disk.path / "other").write_bytes(b"late")
        disk.remount()
        (disk.path / "other").write_bytes(b"in time")


@pytest.mark.parametrize("keep", [0.0, 0.5])
def test_atomic_write_is_old_or_new_at_every_cut(tmp_path: Path, keep: float) -> None:
    old, new = b"o" * 3 * PAGE_BYTES, b"n" * 3 * PAGE_BYTES
    found: list[bytes] = []
    finished = False
    with PowerDir(tmp_path, keep=keep, seed=1) as disk:
        path = disk.path / "file"
        while not finished and len(found) < MOST_STEPS:
            write_atomic(path, old)
            disk.cut_before(len(found) + 1)
            with contextlib.suppress(OSError):
                write_atomic(path, new)
                finished = True
            disk.remount()
            found.append(path.read_bytes())
    assert finished
    assert found[0] == old
    assert found[-1] == new
    assert set(found) == {old, new}


def commit_until_cut(disk: PowerDir, synchronous: str, first: int, operations: int) -> int:
    """The number of the last commit that was acknowledged, `first - 1` if none was."""
    command = [sys.executable, "-m", "tests.system.sqlite_writer"]
    command += [str(disk.path / "db"), synchronous, str(first)]
    disk.cut_before(operations)
    ended = subprocess.run(
        command, cwd=PROJECT, stdout=subprocess.PIPE, check=False, timeout=WRITER_TIMEOUT_S
    )
    disk.wait_for_cut()
    return max(map(int, ended.stdout.split()), default=first - 1)


def committed(path: Path) -> list[int]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables == (0,):
            return []
        return [number for (number,) in connection.execute("SELECT number FROM fact ORDER BY 1")]


@pytest.mark.parametrize("keep", [0.0, 0.5])
def test_sqlite_full_loses_no_commit(tmp_path: Path, keep: float) -> None:
    chance = random.Random(3)
    next_number = 0
    with PowerDir(tmp_path, keep=keep, seed=3) as disk:
        for _ in range(8):
            operations = chance.randrange(20, 400)
            acknowledged = commit_until_cut(disk, "FULL", next_number, operations)
            disk.remount()
            numbers = committed(disk.path / "db")
            assert numbers == list(range(len(numbers)))
            assert len(numbers) > acknowledged
            next_number = len(numbers)
    assert next_number > 100


def test_sqlite_normal_loses_commits(tmp_path: Path) -> None:
    """The control: the same test sees a loss where there is one."""
    with PowerDir(tmp_path) as disk:
        acknowledged = commit_until_cut(disk, "NORMAL", 0, 300)
        disk.remount()
        assert len(committed(disk.path / "db")) < acknowledged


def test_full_disk_refuses_new_pages_only(tmp_path: Path) -> None:
    with PowerDir(tmp_path) as disk:
        write_synced(disk.path / "file", b"data")
        disk.fill()
        assert os.statvfs(disk.path).f_bavail == 0
        with (disk.path / "file").open("r+b") as file:
            file.write(b"DATA")
        with pytest.raises(OSError, match="No space left") as refused:
            (disk.path / "more").write_bytes(b"more")
        assert refused.value.errno == errno.ENOSPC
        disk.resize(1024 * PAGE_BYTES)
        (disk.path / "more").write_bytes(b"more")
        assert os.statvfs(disk.path).f_blocks == 1024


def test_sqlite_reports_a_full_disk_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with PowerDir(tmp_path) as disk:
        connection = sqlite3.connect(disk.path / "db", isolation_level=None)
        with contextlib.closing(connection):
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("CREATE TABLE fact (note TEXT)")
            disk.fill()
            with pytest.raises(sqlite3.OperationalError, match="full"):
                connection.execute("INSERT INTO fact VALUES (?)", ("n" * 4 * PAGE_BYTES,))
            disk.resize(1024 * PAGE_BYTES)
            connection.execute("INSERT INTO fact VALUES ('note')")
            assert connection.execute("SELECT note FROM fact").fetchall() == [("note",)]


def test_fsync_fails_from_the_nth_on_and_syncs_nothing(tmp_path: Path) -> None:
    with PowerDir(tmp_path) as disk:
        disk.fail_fsync(2)
        write_synced(disk.path / "first", b"first")
        for name in ("second", "third"):
            with pytest.raises(OSError, match="Input/output") as failed:
                write_synced(disk.path / name, b"data")
            assert failed.value.errno == errno.EIO
        disk.remount()
        assert [path.name for path in disk.path.iterdir()] == ["first"]
        write_synced(disk.path / "fourth", b"data")


def test_an_fsync_that_works_again_does_not_make_up_for_one_that_failed(tmp_path: Path) -> None:
    with PowerDir(tmp_path) as disk:
        write_synced(disk.path / "file", b"old")
        with (disk.path / "file").open("r+b", buffering=0) as file:
            file.write(b"new")
            disk.fail_fsync()
            with pytest.raises(OSError, match="Input/output"):
                os.fsync(file.fileno())
            disk.heal()
            os.fsync(file.fileno())
            assert (disk.path / "file").read_bytes() == b"new"
        disk.remount()
        assert (disk.path / "file").read_bytes() == b"old"


def test_nothing_is_left_when_a_test_fails(tmp_path: Path) -> None:
    disk = PowerDir(tmp_path)
    processes: list[subprocess.Popen[str]] = []

    def fail() -> None:
        with disk:
            assert disk._process is not None
            processes.append(disk._process)
            assert disk.path.is_mount()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert processes[0].returncode is not None
    assert not disk.path.is_mount()


def test_unknown_command_is_refused(tmp_path: Path) -> None:
    with PowerDir(tmp_path) as disk, pytest.raises(OSError, match="Invalid argument"):
        disk._command("explode")
