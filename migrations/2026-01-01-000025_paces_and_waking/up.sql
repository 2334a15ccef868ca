-- How much of its pace a campaign has spent: until when it has let messages go. Workers that send at the same time take
-- turns by this row.
CREATE TABLE campaign_paces (
    campaign_id BIGINT PRIMARY KEY REFERENCES campaigns (id) ON DELETE CASCADE,
    spent_until TIMESTAMPTZ NOT NULL
);

-- Somebody had the job wake while it ran: it runs once more when this attempt has ended.
ALTER TABLE jobs ADD COLUMN woken_at TIMESTAMPTZ;
