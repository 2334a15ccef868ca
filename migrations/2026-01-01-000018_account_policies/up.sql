-- What an account does about messages of unknown outcome, and what its provider thinks of it.
ALTER TABLE sending_accounts
    -- how long a word of the provider is waited for, and what stands in for it then; absent: a day, and nothing
    ADD COLUMN unconfirmed_after_minutes INTEGER CHECK (unconfirmed_after_minutes BETWEEN 15 AND 10080),
    ADD COLUMN unconfirmed_as VARCHAR(12) CHECK (unconfirmed_as IN ('unconfirmed', 'sent', 'failed')),
    -- how many different people the provider lets a business write to first within a day; absent: unknown, or no limit
    ADD COLUMN daily_recipients INTEGER CHECK (daily_recipients > 0),
    ADD COLUMN judged_at TIMESTAMPTZ;

-- Attempts of unknown outcome are looked up at the provider, less and less often.
ALTER TABLE messages
    ADD COLUMN look_ups SMALLINT NOT NULL DEFAULT 0,
    -- not before
    ADD COLUMN look_up_at TIMESTAMPTZ;
DROP INDEX messages_unconfirmed;
-- those that are still waited for: what is closed stays unconfirmed for good and is not looked at again
CREATE INDEX messages_unsettled ON messages (updated_at)
    WHERE status = 'unconfirmed' AND error_code IS DISTINCT FROM 'never_confirmed';
CREATE INDEX messages_look_up ON messages (account, (COALESCE(look_up_at, updated_at)))
    WHERE status = 'unconfirmed' AND error_code IS DISTINCT FROM 'never_confirmed';

UPDATE schedules SET cron = '*/5 * * * *', next_fire_at = NULL
WHERE kind = 'settle_unconfirmed' AND cron = '37 * * * *';

-- Files of mails that are done with leave the storage.
CREATE INDEX messages_files ON messages (updated_at) WHERE campaign_id IS NULL AND content ? 'attachments';
