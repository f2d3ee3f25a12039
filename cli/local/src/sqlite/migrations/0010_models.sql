-- The models that answered.

ALTER TABLE messages ADD COLUMN model TEXT;           -- an answer: the model's name; NULL in rows of an earlier version

-- Of the tokens of prompts: those that the model wrote to its cache.

ALTER TABLE usage ADD COLUMN cache_written INTEGER NOT NULL DEFAULT 0;

-- Of the usage: the part of the fallback model, which only its answers write.
ALTER TABLE usage ADD COLUMN fallback_model TEXT;     -- the newest name
ALTER TABLE usage ADD COLUMN fallback_answers INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN fallback_prompt INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN fallback_cached INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN fallback_cache_written INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN fallback_completion INTEGER NOT NULL DEFAULT 0;
