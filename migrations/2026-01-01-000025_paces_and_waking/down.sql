ALTER TABLE jobs DROP COLUMN woken_at;
DROP TABLE campaign_paces;
