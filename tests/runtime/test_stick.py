"""Writing to a stick that is full, pulled, forgetful or write-protected."""

import errno
import os
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from runtime.stick import (
    PART_SUFFIX,
    StickError,
    StickFull,
    StickUnwritable,
    is_same_disk,
    read_limited,
    remove_from_stick,
    write_to_stick,
)


def test_what_is_written_is_there_and_nothing_else(tmp_path: Path) -> None:
    write_to_stick(tmp_path / "a", b"content")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("a", b"content")]
    write_to_stick(tmp_path / "a", b"again")
    assert (tmp_path / "a").read_bytes() == b"again"


def test_what_a_pulled_stick_left_is_written_over(tmp_path: Path) -> None:
    (tmp_path / f"a{PART_SUFFIX}").write_bytes(b"half of something longer")
    write_to_stick(tmp_path / "a", b"whole")
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (errno.ENOSPC, StickFull),
        (errno.EIO, StickUnwritable),
        (errno.EROFS, StickUnwritable),
        (errno.ENODEV, StickUnwritable),
    ],
)
def test_what_goes_wrong_is_told_apart_and_leaves_nothing(
    tmp_path: Path, mocker: MockerFixture, code: int, error: type[StickError]
) -> None:
    mocker.patch("runtime.stick.os.fsync", side_effect=OSError(code, os.strerror(code)))
    with pytest.raises(error):
        write_to_stick(tmp_path / "a", b"content")
    assert list(tmp_path.iterdir()) == []


def test_a_stick_that_does_not_keep_what_is_written_is_found_out(
    tmp_path: Path, mocker: MockerFixture
) -> None:
    mocker.patch("runtime.stick._read_back", return_value=b"something else")
    with pytest.raises(StickUnwritable, match="does not keep"):
        write_to_stick(tmp_path / "a", b"content")
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_that_cannot_sync_a_folder_will_do(
    tmp_path: Path, mocker: MockerFixture
) -> None:
    mocker.patch("runtime.stick.sync_folder", side_effect=OSError(errno.EINVAL, "no"))
    write_to_stick(tmp_path / "a", b"content")
    assert (tmp_path / "a").read_bytes() == b"content"


def test_a_stick_that_is_gone_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(StickUnwritable, match="No such file"):
        write_to_stick(tmp_path / "pulled" / "a", b"content")


def test_no_more_is_read_than_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    assert read_limited(tmp_path / "a", 4) == b"01234"


def test_removing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    assert remove_from_stick(tmp_path / "a")
    assert not (tmp_path / "a").exists()
    assert not remove_from_stick(tmp_path / "pulled" / "a")


def test_the_own_disk_is_known(tmp_path: Path) -> None:
    assert is_same_disk(tmp_path, tmp_path)
    assert not is_same_disk(Path("/proc"), tmp_path)
