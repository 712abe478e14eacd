-- What everybody must know now: notices, ended activations, and the bulletins that told of them.

ALTER TABLE activation ADD COLUMN ended_ms INTEGER NOT NULL DEFAULT 0;  -- 0: it runs

CREATE TABLE notice (
    id    INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    text  TEXT    NOT NULL
) STRICT;

CREATE TABLE bulletin (
    number    INTEGER PRIMARY KEY,
    issued_ms INTEGER NOT NULL,
    content   BLOB    NOT NULL          -- what it says, so that a restart issues no new one
) STRICT;
