-- What kind a message is of. NULL in a row of an earlier version: there '[image]' and '[voice]' tell it.

ALTER TABLE messages ADD COLUMN kind TEXT;            -- text, image, audio
ALTER TABLE unanswered ADD COLUMN kind TEXT;          -- the same
