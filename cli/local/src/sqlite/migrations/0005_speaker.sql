-- Who asked what found no answer.

ALTER TABLE unanswered ADD COLUMN speaker TEXT;       -- in a group: their name
