-- The book as it is listed: newest first, of one upload, or by name. The order is in the index, so that a page of a
-- large upload is read and not sorted.
CREATE INDEX idx_customers_upload_id ON customers (upload_id, id) WHERE upload_id IS NOT NULL;
DROP INDEX idx_customers_upload;
CREATE INDEX idx_policies_upload_id ON policies (upload_id, id) WHERE upload_id IS NOT NULL;
DROP INDEX idx_policies_upload;
CREATE INDEX idx_renewal_cases_batch_id ON renewal_cases (batch_id, id) WHERE batch_id IS NOT NULL;
DROP INDEX idx_renewal_cases_batch;
CREATE INDEX idx_customers_name ON customers (lower(first_name || ' ' || last_name) text_pattern_ops);
