DROP INDEX templates_provider_name;
DROP INDEX templates_topic;
DROP INDEX templates_updated;
DROP INDEX templates_name;
DROP INDEX messages_by_case;
CREATE INDEX messages_by_case ON messages (case_id) WHERE case_id IS NOT NULL;
