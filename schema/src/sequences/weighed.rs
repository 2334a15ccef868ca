//! Which policies of a campaign's target may be on its ladder, and why the others may not: one query, for putting them on
//! and for foretelling how many that would be, so that the two cannot disagree.

use super::stop;
use crate::{campaigns::Target, places};
use domain::campaigns::ExclusionReason;

/// The binds of [`ctes`], after the target's own: the campaign, now, and what [`places::bind`] makes.
pub(super) const BINDS: usize = 3;

/// The common table expression `weighed`, and what it takes: every policy of the target that is not on this ladder yet,
/// with the step it begins with, when that is due, and `why` it is left out, or NULL.
///
/// Who is held out is drawn last, of those who would be on the ladder: the two groups are alike in all else. In a
/// rehearsal the first step is due at once.
pub(super) fn ctes(target: &Target) -> String {
    let first = target.binds() + 1;
    let [campaign, now, places]: [String; BINDS] = std::array::from_fn(|index| format!("${}", first + index));
    let (other, late) = (ExclusionReason::OnOtherLadder, ExclusionReason::TooLate);
    let holdout = ExclusionReason::Holdout;
    format!(
        "{target}, {zones}, this AS ( \
            SELECT c.rehearsal FROM campaigns c WHERE c.id = {campaign}::BIGINT \
        ), candidates AS MATERIALIZED ( \
            SELECT NULL::BIGINT AS id, {campaign}::BIGINT AS campaign_id, r.customer_id, r.policy_id, r.case_id, \
                r.end_date AS term_end, 'active'::TEXT AS state, NULL::TEXT AS stopped_for, \
                {now}::TIMESTAMPTZ AS created_at, {zone} AS time_zone, t.rehearsal, r.reason \
            FROM ranked r JOIN customers c ON c.id = r.customer_id JOIN policies p ON p.id = r.policy_id {joins} \
            CROSS JOIN this t \
            WHERE NOT EXISTS (SELECT 1 FROM campaign_enrolments o \
                              WHERE o.policy_id = r.policy_id AND o.term_end = r.end_date \
                                AND o.campaign_id = {campaign}::BIGINT AND o.state <> 'withdrawn') \
        ), weighed AS MATERIALIZED ( \
            SELECT e.*, s.step, CASE WHEN e.rehearsal THEN e.created_at ELSE s.at END AS at, \
                COALESCE(NULLIF(e.reason, '{holdout}'), {over}, \
                    CASE WHEN s.step IS NULL THEN '{late}' \
                         WHEN NOT e.rehearsal AND EXISTS ( \
                            SELECT 1 FROM campaign_enrolments o WHERE o.policy_id = e.policy_id AND o.term_end = e.term_end \
                              AND o.state <> 'withdrawn' AND NOT o.rehearsal) THEN '{other}' END, \
                    e.reason) AS why \
            FROM candidates e \
            LEFT JOIN LATERAL ( \
                SELECT x.step, local_instant(e.term_end + x.days + x.at_time, e.time_zone) AS at FROM campaign_steps x \
                WHERE x.campaign_id = e.campaign_id \
                  AND e.term_end + x.days >= (e.created_at AT TIME ZONE e.time_zone)::DATE \
                ORDER BY x.step LIMIT 1) AS s ON COALESCE(e.reason, '{holdout}') = '{holdout}' \
        )",
        target = target.ctes(),
        zones = places::ZONES,
        zone = places::zone(&format!("{places}::JSONB")),
        joins = places::JOINS,
        over = stop::reason("e.created_at"),
    )
}
