"""The terminal's list of revoked badges: signed, kept, and never the older one."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocol.errors import BadSignature, ProtocolError
from protocol.suites import SigningKey
from terminal.revocations import REVOCATIONS_FILE, RevocationBook
from tests.badges import badge, revocations
from tests.parties import Parties

TERMINAL = Parties().terminal("t1")
ONE, TWO = badge(1).badge_id, badge(2).badge_id
STRANGER = SigningKey.generate()


@pytest.fixture
def book(tmp_path: Path) -> RevocationBook:
    return RevocationBook(tmp_path, TERMINAL)


def held(book: RevocationBook) -> tuple[set[bytes], int]:
    return set(book.revoked), book.version


def test_without_a_list_nothing_is_revoked(book: RevocationBook) -> None:
    assert held(book) == (set(), 0)


def test_a_newer_list_takes_the_place_of_the_older(book: RevocationBook) -> None:
    assert book.take(revocations(1, [ONE]))
    assert book.take(revocations(5, [ONE, TWO]))
    assert held(book) == ({ONE, TWO}, 5)


@pytest.mark.parametrize("version", [0, 1, 4, 5])
def test_an_older_or_equal_list_frees_nobody(book: RevocationBook, version: int) -> None:
    book.take(revocations(5, [ONE]))
    assert not book.take(revocations(version))
    assert held(book) == ({ONE}, 5)


def test_a_restart_remembers_and_still_never_goes_back(
    book: RevocationBook, tmp_path: Path
) -> None:
    book.take(revocations(5, [ONE]))
    again = RevocationBook(tmp_path, TERMINAL)
    assert held(again) == ({ONE}, 5)
    assert not again.take(revocations(4))
    assert again.take(revocations(6, [ONE, TWO]))


def test_a_strangers_list_changes_nothing_and_is_not_kept(
    book: RevocationBook, tmp_path: Path
) -> None:
    with pytest.raises(BadSignature):
        book.take(revocations(9, [ONE], key=STRANGER))
    assert held(book) == (set(), 0)
    assert not (tmp_path / REVOCATIONS_FILE).exists()


@pytest.mark.parametrize(
    "data", [b"", b"garbage", revocations(9, [ONE], key=STRANGER), revocations(9)[:-1]]
)
def test_a_spoilt_file_is_fetched_again(
    tmp_path: Path, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / REVOCATIONS_FILE).write_bytes(data)
    book = RevocationBook(tmp_path, TERMINAL)
    assert book.version == 0
    assert "unusable" in caplog.text
    assert book.take(revocations(1, [ONE]))
    assert RevocationBook(tmp_path, TERMINAL).revoked == {ONE}


def test_a_disk_that_fails_does_not_keep_a_badge_good(
    book: RevocationBook, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tmp_path.rename(tmp_path.with_name("gone"))
    assert book.take(revocations(1, [ONE]))
    assert book.revoked == {ONE}
    assert "could not be stored" in caplog.text


LISTS = [revocations(version, [bytes([version] * 5)]) for version in range(8)]


@given(st.lists(st.tuples(st.integers(0, 7), st.booleans()), max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_in_any_order_the_newest_ever_heard_holds(
    tmp_path: Path, heard: list[tuple[int, bool]]
) -> None:
    (tmp_path / REVOCATIONS_FILE).unlink(missing_ok=True)
    book = RevocationBook(tmp_path, TERMINAL)
    newest = 0
    for version, restarts in heard:
        book.take(LISTS[version])
        newest = max(newest, version)
        if restarts:
            book = RevocationBook(tmp_path, TERMINAL)
        assert book.version == newest


@given(st.binary(max_size=100))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_refused(book: RevocationBook, message: bytes) -> None:
    with pytest.raises(ProtocolError):
        book.take(message)
