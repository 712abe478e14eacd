-- What radio frames leave behind beside their records, and the counters of the gateway's own.

-- Which frames of a sender have been taken: written with what they brought.
CREATE TABLE radio_window (
    node      TEXT    NOT NULL,
    epoch     INTEGER NOT NULL,
    direction INTEGER NOT NULL,         -- protocol.radio_keys.Direction
    highest   INTEGER NOT NULL,
    taken     BLOB    NOT NULL,         -- 8 bytes: bit n stands for highest - n
    heard_ms  INTEGER NOT NULL,
    PRIMARY KEY (node, epoch, direction)
) STRICT, WITHOUT ROWID;

-- Record keys that came apart from the records sealed under them.
CREATE TABLE radio_key (
    id    INTEGER PRIMARY KEY,
    node  TEXT    NOT NULL,
    epoch INTEGER NOT NULL,
    key   BLOB    NOT NULL UNIQUE       -- msgpack WrappedKey
) STRICT;

-- One row: this database's own epoch, and the first counter that is not reserved yet.
CREATE TABLE radio_sender (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    epoch        INTEGER NOT NULL,
    next_counter INTEGER NOT NULL
) STRICT;
