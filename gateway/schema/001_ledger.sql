-- The ledger: what the county knows, append-only. Every commit adds one link to the hash chain.

CREATE TABLE stream (
    id      INTEGER PRIMARY KEY,
    node    TEXT    NOT NULL,
    epoch   INTEGER NOT NULL,
    stored  BLOB    NOT NULL,           -- msgpack [[first, last], ...]: sequence numbers held
    refused BLOB    NOT NULL,           -- the same for records that could not be opened
    UNIQUE (node, epoch)
) STRICT;

CREATE TABLE record (
    id     INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL REFERENCES stream (id),
    seq    INTEGER NOT NULL,
    body   BLOB    NOT NULL,            -- protocol.codec
    UNIQUE (stream, seq)                -- exactly once, whatever the program believes
) STRICT;

-- link = SHA-256(previous link | msgpack [[node, epoch, seq, body], ...] in order of id).
CREATE TABLE link (
    id           INTEGER PRIMARY KEY,
    last_record  INTEGER NOT NULL,
    committed_ms INTEGER NOT NULL,
    hash         BLOB    NOT NULL
) STRICT;

-- What could not be admitted, with its reason; nothing is dropped.
CREATE TABLE quarantine (
    id          INTEGER PRIMARY KEY,
    received_ms INTEGER NOT NULL,
    node        TEXT    NOT NULL,       -- whose topic it came on
    reason      INTEGER NOT NULL,       -- protocol.receipts.RefusalReason
    digest      BLOB    NOT NULL UNIQUE, -- a terminal repeats what is not receipted: kept once
    times       INTEGER NOT NULL DEFAULT 1,
    message     BLOB    NOT NULL
) STRICT;
