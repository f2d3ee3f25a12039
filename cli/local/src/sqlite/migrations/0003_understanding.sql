-- Several questions with one answer.

ALTER TABLE messages ADD COLUMN answered_by TEXT;     -- a question: the turn of its answer, if not its own
CREATE INDEX messages_of_answer ON messages (answered_by) WHERE answered_by IS NOT NULL;

ALTER TABLE conversations ADD COLUMN memory_after TEXT;  -- created_at: what is so old is no longer remembered
ALTER TABLE conversations ADD COLUMN memory_within TEXT; -- for which room that was found

-- Of the tokens: those of prompts, those of them that the model had in its cache, those of answers.
ALTER TABLE usage ADD COLUMN prompt INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN cached INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN completion INTEGER NOT NULL DEFAULT 0;
