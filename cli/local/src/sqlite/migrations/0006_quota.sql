-- Since when LINE refuses for a limit that is not reached.

ALTER TABLE turns ADD COLUMN quota_since INTEGER;     -- of the run
