-- Who wrote it last, where that is somebody else than its author: what they reach is whom it can address, and neither of
-- the two gives the second person's word on it.
ALTER TABLE campaigns ADD COLUMN written_by BIGINT REFERENCES users (id);

-- What had been sent, failed and complained of when a person let it go on after it had paused by itself: its limits judge
-- what came after.
ALTER TABLE campaigns ADD COLUMN judged_from JSONB;
