ALTER TABLE messages DROP COLUMN flow_id, DROP COLUMN flow_step;
DROP TABLE whatsapp_flows;
DELETE FROM whatsapp_templates WHERE status = 'draft';
ALTER TABLE whatsapp_templates DROP CONSTRAINT whatsapp_templates_status_check;
ALTER TABLE whatsapp_templates
    ADD CONSTRAINT whatsapp_templates_status_check
        CHECK (status IN ('pending', 'approved', 'rejected', 'paused', 'disabled')),
    DROP COLUMN template_id,
    DROP COLUMN account,
    DROP COLUMN provider_template_id,
    DROP COLUMN quality,
    DROP COLUMN rejected_reason,
    DROP COLUMN submitted_at,
    DROP COLUMN synced_at;
ALTER TABLE inbound_messages
    DROP COLUMN provider,
    DROP COLUMN provider_message_id,
    DROP COLUMN case_id,
    DROP COLUMN choice,
    DROP COLUMN keyword,
    DROP COLUMN content;
DROP INDEX inbound_messages_address;
DROP TABLE message_prices, holidays, messaging_rules, bounce_mailboxes, bounces, suppressions, topic_refusals, consent_log,
    consents, message_attempts, message_checks;
DELETE FROM provider_events WHERE kind = 'feedback';
ALTER TABLE provider_events DROP CONSTRAINT provider_events_kind_check;
ALTER TABLE provider_events
    ADD CONSTRAINT provider_events_kind_check CHECK (kind IN ('status', 'inbound', 'other')),
    DROP COLUMN bounce,
    DROP COLUMN feedback,
    DROP COLUMN automatic,
    DROP COLUMN url;
ALTER TABLE messages
    DROP COLUMN purpose,
    DROP COLUMN topic,
    DROP COLUMN template_version_id,
    DROP COLUMN content,
    DROP COLUMN created_by,
    DROP COLUMN account,
    DROP COLUMN held_for,
    DROP COLUMN segments,
    DROP COLUMN cost_currency,
    DROP COLUMN bounce,
    DROP COLUMN bounced_at,
    DROP COLUMN complained_at,
    DROP COLUMN unsubscribed_at;
DROP INDEX messages_contacts, messages_single;
ALTER TABLE campaigns DROP COLUMN template_version;
DROP TABLE template_versions;
ALTER TABLE templates
    DROP COLUMN purpose, DROP COLUMN topic, DROP COLUMN format, DROP COLUMN tracked, DROP COLUMN extras, DROP COLUMN version;
ALTER TABLE customers DROP COLUMN time_zone, DROP COLUMN language, DROP COLUMN country;
DROP TABLE sending_accounts;
