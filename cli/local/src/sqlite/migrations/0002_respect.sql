-- What people take back, forget, choose and use up. Times are Unix milliseconds unless a column says otherwise.

ALTER TABLE messages ADD COLUMN event_id TEXT;        -- the turn
ALTER TABLE messages ADD COLUMN message_id TEXT;      -- LINE's id of the question
CREATE INDEX messages_of_turn ON messages (event_id);

ALTER TABLE turns ADD COLUMN begun_at INTEGER;        -- the first attempt
ALTER TABLE turns ADD COLUMN conversation TEXT;       -- from the first attempt on; stage 3 is forgotten
ALTER TABLE turns ADD COLUMN by_reply INTEGER NOT NULL DEFAULT 0; -- the first push goes by reply token
UPDATE turns SET begun_at = updated_at;
CREATE INDEX turns_stored ON turns (conversation) WHERE stage = 1;

CREATE TABLE conversations (
    conversation      TEXT PRIMARY KEY,
    forgotten_through TEXT,                           -- created_at: no message so old is ever stored again
    forgotten_at      INTEGER,
    persona           TEXT
) WITHOUT ROWID;

-- The newest question of a conversation, where its user was told that there will be no answer.
CREATE TABLE unanswered (
    conversation TEXT    PRIMARY KEY,
    event_id     TEXT    NOT NULL,
    message_id   TEXT,
    question     TEXT    NOT NULL,
    expires_at   INTEGER NOT NULL                     -- Unix seconds
) WITHOUT ROWID;

-- Messages that were taken back: no words, kept as long as turns.
CREATE TABLE unsent (
    message_id TEXT    PRIMARY KEY,
    at         INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE usage (
    user       TEXT    NOT NULL,
    period     TEXT    NOT NULL,                      -- a day, or "ever"
    answers    INTEGER NOT NULL,
    tokens     INTEGER NOT NULL,
    told       TEXT    NOT NULL,                      -- the limits that the user was told of
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (user, period)
) WITHOUT ROWID;
