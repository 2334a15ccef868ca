//! What is counted of messages, in one order everywhere.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use domain::campaigns::report::Metrics;

/// The columns that `campaign_figures` and `campaign_figure_deltas` share, without `share` and `amount`.
macro_rules! columns {
    () => {
        "total, pending, sending, suppressed, unconfirmed, failed, sent, delivered, opened, clicked, replied, converted, \
         unsubscribed, complained"
    };
}

/// Their sums over a group's rows, which may be none, under the same names: a [`Counts`].
macro_rules! sums {
    () => {
        "COALESCE(sum(total), 0)::BIGINT AS total, COALESCE(sum(pending), 0)::BIGINT AS pending, \
         COALESCE(sum(sending), 0)::BIGINT AS sending, COALESCE(sum(suppressed), 0)::BIGINT AS suppressed, \
         COALESCE(sum(unconfirmed), 0)::BIGINT AS unconfirmed, COALESCE(sum(failed), 0)::BIGINT AS failed, \
         COALESCE(sum(sent), 0)::BIGINT AS sent, COALESCE(sum(delivered), 0)::BIGINT AS delivered, \
         COALESCE(sum(opened), 0)::BIGINT AS opened, COALESCE(sum(clicked), 0)::BIGINT AS clicked, \
         COALESCE(sum(replied), 0)::BIGINT AS replied, COALESCE(sum(converted), 0)::BIGINT AS converted, \
         COALESCE(sum(unsubscribed), 0)::BIGINT AS unsubscribed, COALESCE(sum(complained), 0)::BIGINT AS complained"
    };
}

pub(super) use {columns, sums};

/// One row of counters.
#[derive(QueryableByName)]
pub(super) struct Counts {
    #[diesel(sql_type = BigInt)]
    total: i64,
    #[diesel(sql_type = BigInt)]
    pending: i64,
    #[diesel(sql_type = BigInt)]
    sending: i64,
    #[diesel(sql_type = BigInt)]
    suppressed: i64,
    #[diesel(sql_type = BigInt)]
    unconfirmed: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
    #[diesel(sql_type = BigInt)]
    sent: i64,
    #[diesel(sql_type = BigInt)]
    delivered: i64,
    #[diesel(sql_type = BigInt)]
    opened: i64,
    #[diesel(sql_type = BigInt)]
    clicked: i64,
    #[diesel(sql_type = BigInt)]
    replied: i64,
    #[diesel(sql_type = BigInt)]
    converted: i64,
    #[diesel(sql_type = BigInt)]
    unsubscribed: i64,
    #[diesel(sql_type = BigInt)]
    complained: i64,
}

impl From<Counts> for Metrics {
    fn from(row: Counts) -> Self {
        Self {
            total: row.total,
            pending: row.pending,
            sending: row.sending,
            suppressed: row.suppressed,
            unconfirmed: row.unconfirmed,
            failed: row.failed,
            sent: row.sent,
            delivered: row.delivered,
            opened: row.opened,
            clicked: row.clicked,
            replied: row.replied,
            converted: row.converted,
            unsubscribed: row.unsubscribed,
            complained: row.complained,
        }
    }
}
