-- People as they are listed: by what their address or name begins with, and in the orders that a list offers.
CREATE INDEX idx_users_email_prefix ON users (email varchar_pattern_ops);
CREATE INDEX idx_users_name ON users (lower(first_name || ' ' || last_name) text_pattern_ops);
CREATE INDEX idx_users_last_name ON users (lower(last_name) text_pattern_ops);
CREATE INDEX idx_users_name_order ON users (lower(last_name), lower(first_name), id);
CREATE INDEX idx_users_last_login ON users (last_login DESC NULLS LAST, id DESC);
