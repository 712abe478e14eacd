"""The file with the list of revoked badges: passed on when it is newer and genuine."""

import os
from pathlib import Path

import pytest

from gateway.revocations import RevocationFile
from protocol.suites import SigningKey
from tests.badges import badge, revocations
from tests.parties import Parties

GATEWAY = Parties().gateway
STRANGER = SigningKey.generate()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "badges.revoked"


def put(path: Path, message: bytes, *, age_s: int = 0) -> bytes:
    path.write_bytes(message)
    os.utime(path, (1_000_000_000 - age_s,) * 2)
    return message


def test_without_a_file_there_is_nothing_to_send(path: Path) -> None:
    file = RevocationFile(path, GATEWAY)
    assert (file.message, file.rescan()) == (None, False)


def test_a_list_is_found_at_the_start_and_when_it_is_replaced(path: Path) -> None:
    first = put(path, revocations(1), age_s=2)
    file = RevocationFile(path, GATEWAY)
    assert file.message == first
    assert not file.rescan()
    second = put(path, revocations(2, [badge().badge_id]))
    assert file.rescan()
    assert file.message == second
    assert not file.rescan()


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"garbage",
        revocations(9, key=STRANGER),
        revocations(9, county="elsewhere"),
        revocations(1),
    ],
)
def test_what_is_not_newer_and_ours_is_refused_and_said_once(
    path: Path, message: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    good = put(path, revocations(2), age_s=2)
    file = RevocationFile(path, GATEWAY)
    put(path, message)
    for _ in range(3):
        assert not file.rescan()
    assert file.message == good
    assert len(caplog.records) == 1
    assert "list of revoked badges refused" in caplog.text


def test_a_file_that_is_mended_is_taken(path: Path) -> None:
    put(path, b"garbage", age_s=2)
    file = RevocationFile(path, GATEWAY)
    assert file.message is None
    put(path, revocations(1))
    assert file.rescan()
