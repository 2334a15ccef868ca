ALTER TABLE campaigns DROP COLUMN delayed;
