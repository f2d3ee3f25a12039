-- A note that the newest answer of a conversation waits, because LINE takes no more messages this month.

ALTER TABLE unanswered ADD COLUMN waits INTEGER NOT NULL DEFAULT 0; -- 1: the row is such a note, and its question is empty
