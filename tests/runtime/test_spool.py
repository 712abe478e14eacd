"""A folder through which files are handed over."""

import os
import shutil
from pathlib import Path

import pytest

from runtime.spool import KEPT_FREE_BYTES, Spool


def test_what_is_put_waits_until_it_is_taken(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "in")
    first, second = spool.put("b", b"1"), spool.put("a", b"2")
    assert list(spool.waiting()) == [second, first]
    assert first.read_bytes() == b"1"
    spool.taken(first)
    assert list(spool.waiting()) == [second]


def test_the_same_name_twice_is_two_files(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "in")
    assert spool.put("a", b"1") != spool.put("a", b"2")
    assert len(list(spool.waiting())) == 2


def test_what_is_on_its_way_in_or_refused_is_not_taken(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "in")
    path = spool.put("a", b"1")
    (spool.folder / ".half.new").write_bytes(b"")
    spool.refuse(path)
    assert list(spool.waiting()) == []
    assert [each.read_bytes() for each in spool.folder.glob("a-*.refused")] == [b"1"]


def test_taking_what_is_gone_already_does_no_harm(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "in")
    path = spool.put("a", b"1")
    spool.taken(path)
    spool.taken(path)
    assert list(spool.waiting()) == []


def test_nobody_else_reads_what_is_put(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "in")
    path = spool.put("a", b"1")
    assert path.stat().st_mode & 0o077 == 0
    assert spool.folder.stat().st_mode & 0o077 == 0


def test_what_root_puts_belongs_to_the_owner_of_the_data(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(tmp_path, 12345, 12345)
    spool = Spool(tmp_path / "in")
    path = spool.put("a", b"1")
    owner = tmp_path.stat()
    for each in (spool.folder, path):
        assert (each.stat().st_uid, each.stat().st_gid) == (owner.st_uid, owner.st_gid)


def test_room_is_kept_for_what_else_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path / "in")
    usage = shutil.disk_usage(tmp_path)._replace(free=KEPT_FREE_BYTES + 2)
    monkeypatch.setattr("runtime.spool.shutil.disk_usage", lambda _: usage)
    spool.put("a", b"12")
    with pytest.raises(OSError, match="No space left"):
        spool.put("a", b"123")
    assert len(list(spool.folder.iterdir())) == 1
