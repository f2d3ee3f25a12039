-- Groups: who spoke, what became of messages that were changed, and which are the bot's own.

ALTER TABLE messages ADD COLUMN speaker TEXT;         -- a question in a group: the name of who asked

-- Messages that were changed or answered. The words go when the message is answered, and after a day.
CREATE TABLE said (
    message_id   TEXT    PRIMARY KEY,
    conversation TEXT    NOT NULL,
    content      TEXT,                                -- what it says since it was changed
    edited_at    INTEGER,                             -- by LINE's clock
    answered_by  TEXT,                                -- the turn
    updated_at   INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX said_in_conversation ON said (conversation) WHERE content IS NOT NULL;
CREATE INDEX said_by_age ON said (updated_at);

CREATE TABLE own_messages (
    message_id TEXT    PRIMARY KEY,
    at         INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX own_messages_by_age ON own_messages (at);
