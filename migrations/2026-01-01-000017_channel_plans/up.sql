-- Indexes that lists over a million messages asked for: each list is read in its own order, and no further than the page.

-- the history of a case, newest first
DROP INDEX messages_by_case;
CREATE INDEX messages_by_case ON messages (case_id, id) WHERE case_id IS NOT NULL;

-- templates by name and by their last change; the topics that they are written on
CREATE INDEX templates_name ON templates (name, id);
CREATE INDEX templates_updated ON templates (updated_at, id);
CREATE INDEX templates_topic ON templates (topic) WHERE topic IS NOT NULL AND is_active;
-- by the name that a message asks for, ours or the provider's
CREATE INDEX templates_provider_name ON templates (provider_name) WHERE provider_name IS NOT NULL;
