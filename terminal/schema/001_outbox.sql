-- The outbox: records sealed to the county, waiting for its receipt. Nothing here is readable on
-- this terminal, except when a record was made.

CREATE TABLE outbox (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    epoch   INTEGER NOT NULL,           -- drawn when this file was made
    settled INTEGER NOT NULL DEFAULT 0  -- highest sequence number ever settled
) STRICT;

CREATE TABLE record_key (
    id      INTEGER PRIMARY KEY,
    wrapped BLOB NOT NULL               -- protocol.envelope.WrappedKey; the key itself is in RAM
) STRICT;

CREATE TABLE waiting (
    seq     INTEGER PRIMARY KEY,
    key     INTEGER NOT NULL REFERENCES record_key (id),
    made_ms INTEGER NOT NULL,
    sealed  BLOB NOT NULL
) STRICT;

-- Records the county received and could not open: kept and shown, never sent again by themselves.
CREATE TABLE refused (
    seq     INTEGER PRIMARY KEY,
    key     INTEGER NOT NULL REFERENCES record_key (id),
    made_ms INTEGER NOT NULL,
    sealed  BLOB NOT NULL
) STRICT;

-- Who was seen here, so that a restart does not forget: sealed with the terminal's own key.
CREATE TABLE seen (
    tag    BLOB PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
