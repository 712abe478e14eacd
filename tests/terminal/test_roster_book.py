"""The terminal's copy of the roster and the activation: complete, newest, the gateway's word."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocol.downlink import Activation, Mode, encode_content, pack_downlink
from protocol.errors import BadSignature, CannotOpen, Malformed
from protocol.keys import Identity, credential_digest
from protocol.roster import Person, Roster, RosterPart
from terminal.roster import ACTIVATION_FILE, ROSTER_FILE, RosterBook
from tests.musters import ACTIVATION, QINGSHAN
from tests.parties import COUNTY, COUNTY_KEY, NOW_MS, Parties

PARTIES = Parties()
TERMINAL, OTHER = PARTIES.terminal("t1"), PARTIES.terminal("t2")
MANY = 1500  # people: three parts


def crowd(version: int, count: int = MANY, issued_ms: int = NOW_MS) -> Roster:
    return Roster(version, issued_ms, [QINGSHAN], _people(count))


def _people(count: int) -> list[Person]:
    return [
        Person(
            n, credential_digest(COUNTY_KEY, str(n)), f"某{n}" * 8, "一排", "qingshan", "岗位" * 20
        )
        for n in range(1, count + 1)
    ]


def sealed(
    content: RosterPart | Activation, to: Identity = TERMINAL, by: Identity = PARTIES.gateway
) -> bytes:
    return pack_downlink(encode_content(content), COUNTY, PARTIES.peer(to), by.signing_key)


def parts(version: int, count: int = MANY, issued_ms: int = NOW_MS) -> list[bytes]:
    return [sealed(part) for part in crowd(version, count, issued_ms).split()]


V1, V2 = parts(1), parts(2)
V1_OF_A_NEW_DATABASE = parts(1, MANY, NOW_MS + 1)


@pytest.fixture
def book(tmp_path: Path) -> RosterBook:
    return RosterBook(tmp_path, TERMINAL)


def version(book: RosterBook) -> int | None:
    return book.roster.version if book.roster is not None else None


def test_the_sample_has_several_parts() -> None:
    assert len(V1) == len(V2) >= 3


@pytest.mark.parametrize("seed", range(5))
def test_parts_may_come_in_any_order_and_twice(book: RosterBook, seed: int) -> None:
    shuffled = [*V1, *V1]
    random.Random(seed).shuffle(shuffled)
    installed = [book.take_roster_part(message) for message in shuffled]
    assert installed.count(True) == 1
    assert book.roster is not None
    assert [person.number for person in book.roster.people] == list(range(1, MANY + 1))


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_parts_of_two_versions_in_any_order_end_with_the_newer(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """What a broker retains while a gateway sends a new version: some of each, in any order."""
    book = RosterBook(tmp_path_factory.mktemp("book"), TERMINAL)
    for message in data.draw(st.permutations([*V1, *V2])):
        book.take_roster_part(message)
    assert version(book) == 2


def test_a_stale_part_does_not_undo_what_was_collected(book: RosterBook) -> None:
    """Part 2 is still that of the version before when a terminal connects."""
    for message in (V2[0], V2[1], V1[2]):
        assert not book.take_roster_part(message)
    assert [book.take_roster_part(message) for message in V2[2:]][-1]
    assert version(book) == 2


def test_an_older_version_is_ignored(book: RosterBook) -> None:
    for message in V2:
        book.take_roster_part(message)
    assert not any(book.take_roster_part(message) for message in [*V1, *V2])
    assert version(book) == 2


def test_a_county_with_a_new_database_is_believed_and_the_old_one_does_not_come_back(
    book: RosterBook,
) -> None:
    for message in [*V2, *V1_OF_A_NEW_DATABASE]:
        book.take_roster_part(message)
    assert book.roster is not None
    assert (book.roster.version, book.roster.issued_ms) == (1, NOW_MS + 1)
    assert not any(book.take_roster_part(message) for message in [*V1, *V2])
    assert version(book) == 1


def test_parts_of_the_database_before_do_not_undo_what_was_collected(book: RosterBook) -> None:
    new = V1_OF_A_NEW_DATABASE
    for message in (new[0], *V2[1:], new[1]):
        assert not book.take_roster_part(message)
    assert [book.take_roster_part(message) for message in new[2:]][-1]
    assert version(book) == 1


def test_the_roster_of_a_county_that_has_none_installs_nothing(book: RosterBook) -> None:
    empty = Roster(0, 0, [QINGSHAN], [])
    assert not book.take_roster_part(sealed(empty.split()[0]))
    assert book.roster is None


def test_a_restart_finds_roster_and_activation(book: RosterBook, tmp_path: Path) -> None:
    for message in V1:
        book.take_roster_part(message)
    book.take_activation(sealed(ACTIVATION))
    again = RosterBook(tmp_path, TERMINAL)
    assert version(again) == 1
    assert again.roster is not None
    assert again.roster.people == crowd(1).people
    assert again.activation == ACTIVATION


def test_nothing_readable_is_on_the_card(book: RosterBook, tmp_path: Path) -> None:
    for message in V1:
        book.take_roster_part(message)
    stored = (tmp_path / ROSTER_FILE).read_bytes()
    assert "某1".encode() not in stored
    assert (tmp_path / ROSTER_FILE).stat().st_mode & 0o077 == 0


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [flip, lambda path: path.write_bytes(b""), Path.unlink])
@pytest.mark.parametrize("name", [ROSTER_FILE, ACTIVATION_FILE])
def test_a_damaged_file_costs_itself_and_nothing_else(
    book: RosterBook, tmp_path: Path, damage: object, name: str
) -> None:
    for message in V1:
        book.take_roster_part(message)
    book.take_activation(sealed(ACTIVATION))
    damage(tmp_path / name)  # type: ignore[operator]
    again = RosterBook(tmp_path, TERMINAL)
    assert (again.roster is None) == (name == ROSTER_FILE)
    assert (again.activation is None) == (name == ACTIVATION_FILE)
    for message in V1:
        again.take_roster_part(message)
    again.take_activation(sealed(ACTIVATION))
    assert (version(again), again.activation) == (1, ACTIVATION)


def test_a_file_that_cannot_be_read_is_no_reason_not_to_start(tmp_path: Path) -> None:
    (tmp_path / ROSTER_FILE).mkdir()
    assert RosterBook(tmp_path, TERMINAL).roster is None


def test_another_terminals_file_is_not_taken_up(book: RosterBook, tmp_path: Path) -> None:
    for message in V1:
        book.take_roster_part(message)
    assert RosterBook(tmp_path, OTHER).roster is None


def test_what_is_not_the_gateways_word_to_this_terminal_is_refused(book: RosterBook) -> None:
    part, impostor = crowd(1, 3).split()[0], Parties().gateway
    with pytest.raises(BadSignature):
        book.take_roster_part(sealed(part, by=impostor))
    with pytest.raises(BadSignature):
        book.take_activation(sealed(ACTIVATION, by=TERMINAL))
    with pytest.raises(CannotOpen):
        book.take_roster_part(sealed(part, to=OTHER))
    with pytest.raises(CannotOpen):  # one kind of content is not opened as another
        book.take_activation(sealed(part))
    with pytest.raises(Malformed):
        book.take_roster_part(b"\x93garbage")
    assert (book.roster, book.activation) == (None, None)


def test_what_started_later_is_newer_whatever_its_number(book: RosterBook) -> None:
    """The gateway's database is new, and counts from 1 again."""
    first = Activation(1, "新", "New", Mode.REAL, ACTIVATION.started_ms + 1, 90, 60)
    assert book.take_activation(sealed(ACTIVATION))
    assert book.take_activation(sealed(first))
    assert not book.take_activation(sealed(ACTIVATION))
    assert book.activation == first


@pytest.mark.parametrize("number", [ACTIVATION.number, ACTIVATION.number - 1])
def test_an_old_activation_that_is_replayed_is_ignored(book: RosterBook, number: int) -> None:
    assert book.take_activation(sealed(ACTIVATION))
    old = Activation(number, "旧", "Old", Mode.REAL, ACTIVATION.started_ms, 90, 60)
    assert not book.take_activation(sealed(old))
    assert book.activation == ACTIVATION


def test_a_newer_activation_is_taken(book: RosterBook) -> None:
    book.take_activation(sealed(ACTIVATION))
    newer = Activation(ACTIVATION.number + 1, "新", "New", Mode.REAL, NOW_MS, 90, 60)
    assert book.take_activation(sealed(newer))
    assert book.activation == newer


def test_a_full_disk_does_not_keep_a_roster_from_being_used(
    book: RosterBook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_path: Path, _data: bytes, *, mode: int) -> None:
        raise OSError(28, f"No space left on device, mode {mode:o}")

    monkeypatch.setattr("terminal.roster.write_atomic", full)
    assert [book.take_roster_part(message) for message in V1][-1]
    assert version(book) == 1
    assert "could not be stored" in caplog.text
