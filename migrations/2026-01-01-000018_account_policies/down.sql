UPDATE schedules SET cron = '37 * * * *', next_fire_at = NULL
WHERE kind = 'settle_unconfirmed' AND cron = '*/5 * * * *';
DROP INDEX messages_files;
DROP INDEX messages_look_up;
DROP INDEX messages_unsettled;
CREATE INDEX messages_unconfirmed ON messages (updated_at) WHERE status = 'unconfirmed';
ALTER TABLE messages DROP COLUMN look_up_at, DROP COLUMN look_ups;
ALTER TABLE sending_accounts
    DROP COLUMN judged_at,
    DROP COLUMN daily_recipients,
    DROP COLUMN unconfirmed_as,
    DROP COLUMN unconfirmed_after_minutes;
