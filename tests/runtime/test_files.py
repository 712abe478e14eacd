"""Files are replaced whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from runtime.files import PLAIN_MODE, SECRET_MODE, write_atomic


def only_file(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_content_and_mode(tmp_path: Path) -> None:
    path = tmp_path / "identity"
    write_atomic(path, b"one", mode=SECRET_MODE)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"one", SECRET_MODE)
    write_atomic(path, b"two")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"two", PLAIN_MODE)
    assert only_file(tmp_path) == ["identity"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_old_content_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "floor"
    write_atomic(path, b"old")
    monkeypatch.setattr(os if step == "fsync" else Path, step, fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert only_file(tmp_path) == ["floor"]


def test_what_a_power_cut_left_does_not_lend_its_mode(tmp_path: Path) -> None:
    left = tmp_path / ".identity.new"
    left.write_bytes(b"half of some")
    left.chmod(0o666)
    write_atomic(tmp_path / "identity", b"secret", mode=SECRET_MODE)
    assert (tmp_path / "identity").stat().st_mode & 0o777 == SECRET_MODE
    assert only_file(tmp_path) == ["identity"]


def test_everything_is_synced_before_it_is_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        done.append("sync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "sync file")
        real_fsync(descriptor)

    def replace(source: Path, target: Path) -> Path:
        done.append("rename")
        return real_replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    write_atomic(tmp_path / "floor", b"1")
    assert done == ["sync file", "rename", "sync folder"]
