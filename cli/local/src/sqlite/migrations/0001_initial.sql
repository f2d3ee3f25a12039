-- One file for both stages. Times are Unix milliseconds unless a column says otherwise.

-- The queue. Of each conversation only its first job is ready or in flight; the others wait.
CREATE TABLE jobs (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT, -- the order in which the queue took them
    event_id     TEXT    NOT NULL,
    conversation TEXT    NOT NULL,
    body         TEXT    NOT NULL,
    state        INTEGER NOT NULL,                  -- 0 waits behind another, 1 ready, 2 in flight
    visible_at   INTEGER NOT NULL,                  -- ready: not before; in flight: end of the lease
    received     INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX jobs_of_conversation ON jobs (conversation, seq);
CREATE INDEX jobs_due ON jobs (state, visible_at) WHERE state > 0;

CREATE TABLE letters (
    id           TEXT    PRIMARY KEY,               -- {event id}:{seq of the job}
    event_id     TEXT    NOT NULL,
    conversation TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    detail       TEXT    NOT NULL,
    attempts     INTEGER NOT NULL,
    failed_at    INTEGER NOT NULL,
    body         TEXT    NOT NULL
) WITHOUT ROWID;
CREATE INDEX letters_of_event ON letters (event_id);

-- How far each event's turn got, kept 60 days. A row also means: this event was taken.
CREATE TABLE turns (
    event_id      TEXT    PRIMARY KEY,
    run           TEXT,                             -- the letter whose redrive is counted
    attempts      INTEGER NOT NULL DEFAULT 0,
    failed        TEXT,                             -- what the last attempt of the run failed with
    gave_up       TEXT,                             -- why the run was given up
    stage         INTEGER NOT NULL DEFAULT 0,       -- 0 open, 1 stored, 2 delivered
    pushes        TEXT,                             -- JSON array of the exact bodies; NULL once delivered
    pushed        INTEGER NOT NULL DEFAULT 0,
    unknown_since INTEGER,
    told_at       INTEGER,
    updated_at    INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX turns_by_age ON turns (updated_at);

-- What was said.
CREATE TABLE messages (
    id           TEXT    PRIMARY KEY,               -- UUIDv5 of event and role
    conversation TEXT    NOT NULL,
    role         TEXT    NOT NULL,
    content      TEXT    NOT NULL,
    created_at   TEXT    NOT NULL,                  -- RFC 3339, UTC, microseconds
    expires_at   INTEGER                            -- Unix seconds
) WITHOUT ROWID;
CREATE INDEX messages_of_conversation ON messages (conversation, created_at);
CREATE INDEX messages_by_expiry ON messages (expires_at) WHERE expires_at IS NOT NULL;
