-- When something was said, in Unix milliseconds, by LINE's clock: a forget reaches what was said no later than itself.
-- NULL in rows of an earlier version, which any forget reaches.

ALTER TABLE messages ADD COLUMN said_at INTEGER;
ALTER TABLE unanswered ADD COLUMN said_at INTEGER;
ALTER TABLE conversations ADD COLUMN persona_said_at INTEGER;
ALTER TABLE conversations ADD COLUMN forgotten_said INTEGER; -- what was said then or earlier is forgotten

-- Attempts begun in all runs: the fencing token of the newest one.
ALTER TABLE turns ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;

-- turns.begun_at is not written any more: to drop it would write all turns anew.
