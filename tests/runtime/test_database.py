"""A database that keeps what it was given, or says that it cannot."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime import database
from runtime.database import DatabaseError, open_database

Package = Callable[[dict[str, str]], str]
FIRST = """CREATE TABLE note (text TEXT);
-- a comment; with a semicolon
CREATE INDEX i ON note (text);
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """Builds a package whose `schema` folder holds the given scripts."""
    monkeypatch.syspath_prepend(tmp_path)
    name = f"schema_of_{tmp_path.name}"

    def build(scripts: dict[str, str]) -> str:
        folder = tmp_path / name / "schema"
        folder.mkdir(parents=True, exist_ok=True)
        (folder.parent / "__init__.py").touch()
        for script, text in scripts.items():
            (folder / script).write_text(text)
        return name

    return build


def tables(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute("SELECT name FROM sqlite_master")
    return {row[0] for row in rows}


def test_what_makes_it_durable_is_read_back(tmp_path: Path, package: Package) -> None:
    connection = open_database(tmp_path / "a.db", package({"001_first.sql": FIRST}))
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert {"note", "i"} <= tables(connection)
    connection.close()


def test_a_migration_is_applied_once_and_later_ones_are_added(
    tmp_path: Path, package: Package
) -> None:
    name = package({"001_first.sql": FIRST, "README": "not a script"})
    open_database(tmp_path / "a.db", name).close()
    connection = open_database(tmp_path / "a.db", name)
    connection.execute("INSERT INTO note VALUES ('kept')")
    connection.close()
    package({"002_second.sql": "ALTER TABLE note ADD COLUMN at_ms INTEGER"})
    connection = open_database(tmp_path / "a.db", name)
    assert connection.execute("SELECT * FROM note").fetchall() == [("kept", None)]
    connection.close()


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path, package: Package) -> None:
    name = package({"001_first.sql": FIRST, "002_bad.sql": "CREATE TABLE t (x);\nSELECT absent;"})
    for _ in range(2):
        with pytest.raises(DatabaseError, match="no such column: absent"):
            open_database(tmp_path / "a.db", name)
    connection = sqlite3.connect(tmp_path / "a.db")
    assert "note" in tables(connection)
    assert "t" not in tables(connection)
    connection.close()
    package({"002_bad.sql": "CREATE TABLE t (x);"})
    connection = open_database(tmp_path / "a.db", name)
    assert "t" in tables(connection)
    connection.close()


@pytest.mark.parametrize("tail", ["CREATE TABLE half (x", "nonsense"])
def test_a_script_that_is_not_whole_is_refused(tmp_path: Path, package: Package, tail: str) -> None:
    with pytest.raises(DatabaseError):
        open_database(tmp_path / "a.db", package({"001_first.sql": FIRST + "\n" + tail}))


def test_a_damaged_file_is_refused(tmp_path: Path, package: Package) -> None:
    name, path = package({"001_first.sql": FIRST}), tmp_path / "a.db"
    connection = open_database(path, name)
    with connection:
        connection.executemany("INSERT INTO note VALUES (?)", [("x" * 500,)] * 200)
    connection.close()
    content = bytearray(path.read_bytes())
    content[8192:40960] = bytes(40960 - 8192)
    path.write_bytes(content)
    with pytest.raises(DatabaseError, match=r"a\.db"):
        open_database(path, name)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path, package: Package) -> None:
    (tmp_path / "a.db").write_bytes(b"something else entirely" * 100)
    with pytest.raises(DatabaseError, match="not a database"):
        open_database(tmp_path / "a.db", package({"001_first.sql": FIRST}))


def test_a_place_where_nothing_can_be_written_is_refused(tmp_path: Path, package: Package) -> None:
    with pytest.raises(DatabaseError, match="unable to open"):
        open_database(tmp_path / "missing" / "a.db", package({"001_first.sql": FIRST}))


def test_no_write_ahead_log_no_start(package: Package) -> None:
    with pytest.raises(DatabaseError, match="durability refused: journal memory"):
        open_database(Path(":memory:"), package({"001_first.sql": FIRST}))


def test_no_full_synchronisation_no_start(
    tmp_path: Path, package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A SQLite built to ignore the pragma answers with another level than was asked for."""
    monkeypatch.setattr(database, "_LEVELS", {"FULL": 3})
    with pytest.raises(DatabaseError, match="synchronous 2"):
        open_database(tmp_path / "a.db", package({"001_first.sql": FIRST}))


def test_a_refused_file_is_not_kept_open(tmp_path: Path, package: Package) -> None:
    (tmp_path / "a.db").write_bytes(b"something else entirely" * 100)
    with pytest.raises(DatabaseError):
        open_database(tmp_path / "a.db", package({"001_first.sql": FIRST}))
    opened = [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.exists()]
    assert tmp_path / "a.db" not in opened
