-- How long a paced campaign was held, all pauses together: its messages are due by so much later than their own times.
ALTER TABLE campaigns ADD COLUMN delayed INTERVAL NOT NULL DEFAULT '0';
