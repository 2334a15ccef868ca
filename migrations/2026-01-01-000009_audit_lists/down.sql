DROP INDEX idx_audit_log_entity;
DROP INDEX idx_audit_log_entity_key;
DROP INDEX idx_audit_log_entity_type;
DROP INDEX idx_audit_log_actor;
DROP INDEX idx_audit_log_action;
CREATE INDEX idx_audit_log_entity ON audit_log (entity_type, entity_id, id);
CREATE INDEX idx_audit_log_actor ON audit_log (actor_id, id);
CREATE INDEX idx_audit_log_action ON audit_log (action, id);
