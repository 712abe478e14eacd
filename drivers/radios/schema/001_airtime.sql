-- The airtime a modem has used, for as long as a law may ask. Times are the ledger's own seconds, and a
-- session is what one boot wrote (drivers/radios/ledger.py).

CREATE TABLE spent (
    session   INTEGER NOT NULL,
    until_s   INTEGER NOT NULL,  -- when it had left the air at the latest
    airtime_s REAL NOT NULL,
    PRIMARY KEY (session, until_s)
) STRICT, WITHOUT ROWID;

-- The last booking, by the clock of its boot.
CREATE TABLE last (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    session     INTEGER NOT NULL,
    ledger_s    REAL NOT NULL,
    boot        INTEGER NOT NULL,
    monotonic_s REAL NOT NULL
) STRICT;

-- The last booking whose wall-clock time something vouched for.
CREATE TABLE vouched (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    session  INTEGER NOT NULL,
    ledger_s REAL NOT NULL,
    wall_ms  INTEGER NOT NULL,
    error_ms INTEGER NOT NULL
) STRICT;
