"""SQLite, opened so that a committed transaction survives a power cut.

WAL with `synchronous=FULL` costs one fsync per commit and about what a bare append costs; NORMAL
loses every commit since the last checkpoint (measured, docs/decisions/0002-sqlite-full.md).
"""

import contextlib
import sqlite3
from importlib import resources
from pathlib import Path

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

SYNCHRONOUS = "FULL"
_LEVELS = {"OFF": 0, "NORMAL": 1, "FULL": 2, "EXTRA": 3}
BUSY_TIMEOUT_MS = 5_000
JOURNAL_LIMIT_BYTES = 4 * 1024 * 1024  # hand the space of a burst back to the card


class DatabaseError(RuntimeError):
    """The database cannot be trusted to keep what is written; the operator must act."""


def open_database(path: Path, package: str) -> sqlite3.Connection:
    """Open or create a database and bring it to the newest `schema/*.sql` of `package`.

    The connection may be used from one thread at a time. Raises `DatabaseError` if the file is
    damaged or durability cannot be had.
    """
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise DatabaseError(f"{path}: {error}") from error
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(connection.close)
        try:
            _prepare(connection, path, package)
        except sqlite3.Error as error:
            raise DatabaseError(f"{path}: {error}") from error
        cleanup.pop_all()
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, package: str) -> None:
    _make_durable(connection)
    _settle_log(connection)
    _check(connection, path)
    _migrate(connection, package)


def _make_durable(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    connection.execute(f"PRAGMA synchronous={SYNCHRONOUS}")
    (level,) = connection.execute("PRAGMA synchronous").fetchone()
    if mode != "wal" or level != _LEVELS[SYNCHRONOUS]:
        raise DatabaseError(f"durability refused: journal {mode}, synchronous {level}")
    connection.execute(f"PRAGMA journal_size_limit={JOURNAL_LIMIT_BYTES}")
    connection.execute("PRAGMA temp_store=MEMORY")


def _settle_log(connection: sqlite3.Connection) -> None:
    """Write what the log holds into the database and begin an empty log.

    After a failed fsync the kernel goes on showing what it will never write. Commits that come
    after such a hole in the log, however well synced, are lost with the next power cut.
    """
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise DatabaseError(f"{path}: damaged: {' '.join(verdict.split())}")


def _migrate(connection: sqlite3.Connection, package: str) -> None:
    migrations = Migrations(package)
    schema = resources.files(package) / "schema"
    for script in sorted(schema.iterdir(), key=lambda entry: entry.name):
        if script.name.endswith(".sql"):
            _register(migrations, script.name, script.read_text())
    migrations.apply(Database(connection, execute_plugins=False))


def _register(migrations: Migrations, name: str, script: str) -> None:
    def apply(db: Database) -> None:
        for statement in _statements(script):
            db.execute(statement)

    migrations(name=name)(apply)


def _statements(script: str) -> list[str]:
    """Cut a script into statements; `executescript` would commit the migration's transaction."""
    statements: list[str] = []
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    if pending.strip():
        statements.append(pending)  # no semicolon at the end: SQLite decides whether it is whole
    return statements
