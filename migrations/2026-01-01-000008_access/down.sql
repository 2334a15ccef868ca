DROP TRIGGER audit_log_append_only ON audit_log;
DROP TRIGGER audit_log_linked ON audit_log;
DROP TABLE audit_links, audit_chains;
DROP FUNCTION audit_is_append_only, audit_link;
DROP FUNCTION audit_text(audit_log);
DROP INDEX idx_audit_log_action, idx_audit_log_at;
ALTER TABLE audit_log DROP COLUMN api_key_id, DROP COLUMN entity_key, DROP COLUMN user_agent;
DROP TABLE api_keys, security_events, oidc_logins, user_identities, token_keys, mfa_recovery_codes, login_challenges,
    refresh_tokens, sessions, known_devices, password_reset_requests, account_tokens, password_history;
DROP INDEX idx_users_department;
-- nobody can sign in with it
UPDATE users SET password_hash = '!' WHERE password_hash IS NULL;
ALTER TABLE users
    ALTER COLUMN password_hash SET NOT NULL,
    ALTER COLUMN mfa_secret TYPE VARCHAR(255),
    DROP COLUMN password_changed_at,
    DROP COLUMN mfa_last_step,
    DROP COLUMN locked_until,
    ADD COLUMN password_reset_token VARCHAR(255),
    ADD COLUMN password_reset_expires TIMESTAMPTZ;
ALTER TABLE roles DROP COLUMN scope, DROP COLUMN requires_mfa, DROP COLUMN is_system;
