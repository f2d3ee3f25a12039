-- The models that answered.

ALTER TABLE messages ADD COLUMN model TEXT;           -- an answer: the model's name; NULL in rows of an earlier version

-- Of the tokens of prompts: those that the model wrote to its cache.

ALTER TABLE usage ADD COLUMN cache_written INTEGER NOT NULL DEFAULT 0;
