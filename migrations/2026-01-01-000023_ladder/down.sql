DROP INDEX messages_pending;
CREATE INDEX messages_pending ON messages (campaign_id, due_at, id) WHERE status = 'pending';
ALTER TABLE campaigns DROP COLUMN enrolled_at;
DROP FUNCTION local_instant;
