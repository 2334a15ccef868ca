//! The statements of an undo. Parameters are the upload, its batch and the time it began, as each says.

/// Everything that stands in the way, by what it is.
pub(super) const OBSTACLES: &str = "WITH run AS (SELECT $1::bigint AS upload, $2::bigint AS batch, $3::timestamptz AS began) \
    SELECT 'campaigns over it' AS what, count(*) FROM campaigns c, run WHERE c.upload_id = run.upload \
    UNION ALL \
    SELECT 'cases that were worked on', count(*) FROM renewal_cases c, run WHERE c.batch_id = run.batch \
      AND (c.updated_at <> run.began OR c.status <> 'new' OR c.assigned_to IS NOT NULL \
        OR c.payment_status <> 'pending' OR c.communication_attempts > 0) \
    UNION ALL \
    SELECT 'earlier cases that were worked on', count(*) FROM run \
      JOIN upload_changes u ON u.upload_id = run.upload AND u.entity = 'policy' \
      CROSS JOIN LATERAL jsonb_to_recordset(u.before -> 'cases') AS k (id BIGINT) \
      JOIN renewal_cases c ON c.id = k.id WHERE c.updated_at <> run.began \
    UNION ALL \
    SELECT 'new policies that were changed since', count(*) FROM policies p, run \
      WHERE p.created_by_upload = run.upload \
        AND (p.updated_at <> run.began OR p.upload_id IS DISTINCT FROM run.upload) \
    UNION ALL \
    SELECT 'policies that were changed since', count(*) FROM run \
      JOIN upload_changes u ON u.upload_id = run.upload AND u.entity = 'policy' \
      LEFT JOIN policies p ON p.id = u.entity_id \
      WHERE p.updated_at IS DISTINCT FROM run.began OR p.upload_id IS DISTINCT FROM run.upload \
    UNION ALL \
    SELECT 'customers that were changed since', count(*) FROM run \
      JOIN upload_changes u ON u.upload_id = run.upload AND u.entity = 'customer' \
      LEFT JOIN customers c ON c.id = u.entity_id WHERE c.updated_at IS DISTINCT FROM run.began \
    UNION ALL \
    SELECT 'messages about its policies', count(*) FROM messages m, run WHERE m.created_at > run.began \
      AND (m.policy_id IN (SELECT id FROM policies WHERE created_by_upload = run.upload) \
        OR m.policy_id IN (SELECT entity_id FROM upload_changes WHERE upload_id = run.upload AND entity = 'policy')) \
    UNION ALL \
    SELECT 'claims on its policies', count(*) FROM claims c, run WHERE c.created_at > run.began \
      AND c.policy_id IN (SELECT id FROM policies WHERE created_by_upload = run.upload)";

/// What is left of the upload's work when everything went back; anything else means that somebody acted meanwhile.
pub(super) const LEFT_OVER: &str = "SELECT EXISTS (SELECT FROM renewal_cases WHERE batch_id = $2) \
    OR EXISTS (SELECT FROM policies WHERE created_by_upload = $1) OR EXISTS (SELECT FROM policies WHERE upload_id = $1)";

pub(super) const RESTORE_CASES: &str = "UPDATE renewal_cases c SET status = k.status, priority = k.priority, \
      renewal_amount = k.renewal_amount, updated_at = now() \
    FROM upload_changes u CROSS JOIN LATERAL jsonb_to_recordset(u.before -> 'cases') \
      AS k (id BIGINT, status VARCHAR, priority VARCHAR, renewal_amount NUMERIC) \
    WHERE u.upload_id = $1 AND u.entity = 'policy' AND c.id = k.id AND c.updated_at = $2";

pub(super) const RESTORE_POLICIES: &str = "UPDATE policies p SET customer_id = k.customer_id, policy_type = k.policy_type, \
      premium_amount = k.premium_amount, currency = k.currency, start_date = k.start_date, end_date = k.end_date, \
      status = k.status, renewal_date = k.renewal_date, grace_period_days = k.grace_period_days, \
      agent_id = k.agent_id, branch_id = k.branch_id, upload_id = k.upload_id, upload_row = k.upload_row, \
      updated_at = now() \
    FROM upload_changes u CROSS JOIN LATERAL jsonb_populate_record(NULL::policies, u.before) k \
    WHERE u.upload_id = $1 AND u.entity = 'policy' AND p.id = u.entity_id AND p.updated_at = $2";

pub(super) const RESTORE_CUSTOMERS: &str = "UPDATE customers c SET first_name = k.first_name, last_name = k.last_name, \
      email = k.email, phone = k.phone, date_of_birth = k.date_of_birth, address = k.address, updated_at = now() \
    FROM upload_changes u CROSS JOIN LATERAL jsonb_populate_record(NULL::customers, u.before) k \
    WHERE u.upload_id = $1 AND u.entity = 'customer' AND c.id = u.entity_id AND c.updated_at = $2";

/// Customers that nothing refers to any more and nobody has changed; the others stay.
pub(super) const DELETE_CUSTOMERS: &str = "DELETE FROM customers c WHERE c.upload_id = $1 AND c.updated_at = $2 \
    AND NOT EXISTS (SELECT FROM policies p WHERE p.customer_id = c.id) \
    AND NOT EXISTS (SELECT FROM messages m WHERE m.customer_id = c.id) \
    AND NOT EXISTS (SELECT FROM campaign_exclusions e WHERE e.customer_id = c.id) \
    AND NOT EXISTS (SELECT FROM inbound_messages i WHERE i.customer_id = c.id) \
    AND NOT EXISTS (SELECT FROM survey_responses r WHERE r.customer_id = c.id)";
