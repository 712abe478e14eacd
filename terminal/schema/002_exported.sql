-- Records a courier was given: a receipt may be about them, whatever this process itself has sent.
-- In the outbox's own file, so that a card that is rolled back forgets them together with the
-- records (docs/decisions/0014).
CREATE TABLE exported (
    first INTEGER PRIMARY KEY,
    last  INTEGER NOT NULL
) STRICT;
