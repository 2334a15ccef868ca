-- Suppressions as they are listed: of one reason, newest first.
CREATE INDEX suppressions_reason ON suppressions (reason, id);
