ALTER TABLE campaigns DROP COLUMN judged_from;
ALTER TABLE campaigns DROP COLUMN written_by;
