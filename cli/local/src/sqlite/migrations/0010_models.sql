-- Of the tokens of prompts: those that the model wrote to its cache.

ALTER TABLE usage ADD COLUMN cache_written INTEGER NOT NULL DEFAULT 0;
