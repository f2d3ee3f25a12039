-- The kind of a message. NULL is a text; in a row of an earlier version the words '[image]' and '[voice]' tell the kind.

ALTER TABLE messages ADD COLUMN kind TEXT;            -- text, image, audio
ALTER TABLE unanswered ADD COLUMN kind TEXT;          -- the same
