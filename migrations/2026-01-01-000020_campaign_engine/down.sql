DROP INDEX messages_variant, messages_enrolment;
ALTER TABLE messages DROP CONSTRAINT messages_recipient_once;
ALTER TABLE messages
    DROP COLUMN unit,
    DROP COLUMN variant_id,
    DROP COLUMN enrolment_id,
    DROP COLUMN policies,
    DROP COLUMN rehearsal;
ALTER TABLE messages
    ADD CONSTRAINT messages_campaign_id_customer_id_channel_step_key UNIQUE (campaign_id, customer_id, channel, step);
DROP TABLE campaign_enrolments;
DROP TABLE campaign_steps;
ALTER TABLE campaigns DROP COLUMN winner_id, DROP COLUMN winner_at, DROP COLUMN winner_basis;
DROP TABLE campaign_variants;
DROP INDEX campaigns_occurrence, campaigns_tags, campaigns_approval_by;
ALTER TABLE campaigns
    DROP CONSTRAINT campaigns_status_check,
    DROP CONSTRAINT campaigns_schedule_type_check,
    DROP COLUMN mode,
    DROP COLUMN plan,
    DROP COLUMN tags,
    DROP COLUMN parent_id,
    DROP COLUMN occurrence_at,
    DROP COLUMN rehearsal,
    DROP COLUMN forecast,
    DROP COLUMN approval,
    DROP COLUMN approval_by,
    DROP COLUMN approval_at,
    DROP COLUMN approval_note,
    DROP COLUMN enrol_until,
    DROP COLUMN paused_at;
ALTER TABLE campaigns
    ADD CONSTRAINT campaigns_status_check CHECK (status IN (
        'draft', 'scheduled', 'missed', 'preparing', 'active', 'paused', 'completed', 'cancelled', 'failed')),
    ADD CONSTRAINT campaigns_schedule_type_check CHECK (schedule_type IN ('immediate', 'scheduled'));
