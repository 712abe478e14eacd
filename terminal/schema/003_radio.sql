-- The radio's memory. In the outbox's own file, so that counters and epoch are lost together: a
-- file made anew draws another epoch, and under that no counter has ever been used.

CREATE TABLE radio_counter (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    next INTEGER NOT NULL                -- everything below has been given out, used or not
) STRICT;

-- protocol.replay.ReplayWindow of every sender heard.
CREATE TABLE radio_window (
    direction INTEGER NOT NULL,
    address   INTEGER NOT NULL,
    epoch     INTEGER NOT NULL,
    highest   INTEGER NOT NULL,
    taken     BLOB NOT NULL,             -- 64 bits, big-endian: SQLite's integers have 63 and a sign
    PRIMARY KEY (direction, address, epoch)
) STRICT, WITHOUT ROWID;
