DROP INDEX idx_customers_name;
CREATE INDEX idx_renewal_cases_batch ON renewal_cases (batch_id) WHERE batch_id IS NOT NULL;
DROP INDEX idx_renewal_cases_batch_id;
CREATE INDEX idx_policies_upload ON policies (upload_id) WHERE upload_id IS NOT NULL;
DROP INDEX idx_policies_upload_id;
CREATE INDEX idx_customers_upload ON customers (upload_id) WHERE upload_id IS NOT NULL;
DROP INDEX idx_customers_upload_id;
