-- The audit log's lists: newest first, by each filter, within a span of time.
DROP INDEX idx_audit_log_entity;
DROP INDEX idx_audit_log_actor;
DROP INDEX idx_audit_log_action;
CREATE INDEX idx_audit_log_entity ON audit_log (entity_type, entity_id, at, id) WHERE entity_id IS NOT NULL;
CREATE INDEX idx_audit_log_entity_key ON audit_log (entity_type, entity_key, at, id) WHERE entity_key IS NOT NULL;
CREATE INDEX idx_audit_log_entity_type ON audit_log (entity_type, at, id);
CREATE INDEX idx_audit_log_actor ON audit_log (actor_id, at, id);
CREATE INDEX idx_audit_log_action ON audit_log (action, at, id);

-- Entries from before there was a chain are linked now.
DO $$
DECLARE
    entry audit_log;
    linked audit_chains;
BEGIN
    FOR entry IN
        SELECT * FROM audit_log a WHERE NOT EXISTS (SELECT 1 FROM audit_links l WHERE l.audit_id = a.id) ORDER BY id
    LOOP
        UPDATE audit_chains
        SET seq = seq + 1, hash = sha256(hash || convert_to(audit_text(entry), 'UTF8'))
        WHERE chain = 0
        RETURNING * INTO linked;
        INSERT INTO audit_links (chain, seq, audit_id, hash) VALUES (0, linked.seq, entry.id, linked.hash);
    END LOOP;
END
$$;
