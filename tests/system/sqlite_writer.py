"""Commits numbers to a database until its disk goes, and says each number once it is committed.

    python -m tests.system.sqlite_writer DATABASE FULL|NORMAL FIRST

A process of its own, because a process whose disk is gone cannot be trusted with anything else.
"""

import sqlite3
import sys

LAST = 100_000
PAGES_PER_CHECKPOINT = 20  # small, so that cuts also hit checkpoints
NOTE = "n" * 600  # some commits need one page, some two


def main() -> None:
    """Write until it fails."""
    path, synchronous, first = sys.argv[1:]
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={synchronous}")
    if synchronous == "FULL":
        connection.execute(f"PRAGMA wal_autocheckpoint={PAGES_PER_CHECKPOINT}")
    connection.execute("CREATE TABLE IF NOT EXISTS fact (number INTEGER PRIMARY KEY, note TEXT)")
    for number in range(int(first), LAST):
        try:
            connection.execute("INSERT INTO fact VALUES (?, ?)", (number, NOTE))
        except sqlite3.OperationalError:
            return
        print(number, flush=True)


if __name__ == "__main__":
    main()
