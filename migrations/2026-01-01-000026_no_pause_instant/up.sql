-- Nothing asks when a campaign was paused: the audit log says it, and a pace needs no shifting of due times.
ALTER TABLE campaigns DROP COLUMN paused_at;
