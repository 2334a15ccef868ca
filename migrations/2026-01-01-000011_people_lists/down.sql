DROP INDEX idx_users_last_login;
DROP INDEX idx_users_name_order;
DROP INDEX idx_users_last_name;
DROP INDEX idx_users_name;
DROP INDEX idx_users_email_prefix;
