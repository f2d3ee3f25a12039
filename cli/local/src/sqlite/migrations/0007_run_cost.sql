-- What a run of attempts has cost: how long its user has waited, and calls of the model that were paid for.

ALTER TABLE turns ADD COLUMN waited_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE turns ADD COLUMN paid_calls INTEGER NOT NULL DEFAULT 0;
