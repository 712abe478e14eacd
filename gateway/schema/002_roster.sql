-- Rosters and activations: what the county expects, and since when.

CREATE TABLE roster (
    version   INTEGER PRIMARY KEY,
    issued_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE person (
    version INTEGER NOT NULL REFERENCES roster (version),
    number  INTEGER NOT NULL,           -- stable across versions for the same card
    digest  BLOB    NOT NULL,           -- keyed hash of the document number
    name    TEXT    NOT NULL,
    unit    TEXT    NOT NULL,
    point   TEXT    NOT NULL,
    post    TEXT    NOT NULL,
    phone   TEXT    NOT NULL,
    status  INTEGER NOT NULL,           -- protocol.roster.PersonStatus
    PRIMARY KEY (version, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE activation (
    number     INTEGER PRIMARY KEY,
    definition BLOB    NOT NULL,        -- the settings it was made from, so that a restart finds it
    started_ms INTEGER NOT NULL
) STRICT;
