//! Changes of status that nobody asked for, each with its line in the audit log: one statement moves a campaign and tells
//! of it, so that neither is ever without the other. The platform itself is nobody: its entries name no person.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};

/// A campaign that was moved.
#[derive(Debug, Clone, QueryableByName)]
pub(super) struct Moved {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Text)]
    pub status: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub created_by: Option<i64>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub scheduled_at: Option<DateTime<Utc>>,
}

/// Moves the campaigns `c` for which `which` holds by `set`, and logs those whose status has changed; answers all of
/// them as [`Moved`]. Of several statements that mean the same campaign, the later ones look at what the first has made
/// of it. `which` may end with an order and a limit.
pub(crate) fn statement(which: &str, set: &str) -> String {
    moving(which, "", set)
}

/// As [`statement`], past campaigns that somebody else is moving.
pub(super) fn of_free_ones(which: &str, set: &str) -> String {
    moving(which, "SKIP LOCKED", set)
}

fn moving(which: &str, locked: &str, set: &str) -> String {
    format!(
        "WITH was AS ( \
            SELECT c.id, c.status FROM campaigns c WHERE {which} FOR NO KEY UPDATE {locked} \
        ), moved AS ( \
            UPDATE campaigns c SET {set} FROM was WHERE c.id = was.id \
            RETURNING c.id, c.name::TEXT AS name, c.status::TEXT AS status, c.created_by, c.scheduled_at, c.error, \
                was.status::TEXT AS was \
        ), logged AS ( \
            INSERT INTO audit_log (action, entity_type, entity_id, before, after) \
            SELECT CASE status WHEN 'preparing' THEN 'campaign.fired' WHEN 'active' THEN 'campaign.activated' \
                    WHEN 'awaiting_approval' THEN 'campaign.submitted' WHEN 'paused' THEN 'campaign.held' \
                    ELSE 'campaign.' || status END, \
                'campaign', id, jsonb_build_object('status', was), \
                jsonb_strip_nulls(jsonb_build_object('status', status, 'reason', error)) \
            FROM moved WHERE status <> was ORDER BY id \
        ) \
        SELECT id, name, status, created_by, scheduled_at FROM moved"
    )
}
