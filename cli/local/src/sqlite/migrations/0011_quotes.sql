-- Quotes: LINE's ids of messages, by which quoted words are found. They go with the row.

ALTER TABLE messages ADD COLUMN own_ids TEXT;         -- an answer: JSON array of the messages as which it was sent
ALTER TABLE messages ADD COLUMN quotes TEXT;          -- a question: the message that it quotes
ALTER TABLE unanswered ADD COLUMN quotes TEXT;        -- the same
