//! What ends somebody's way up a ladder: one expression, for whoever takes steps and for the last look before a message
//! is handed over.

use domain::campaigns::ExclusionReason;

/// Why the term of enrolment `e` needs no further message at `now`, as text; NULL: it does. `e` is a row of
/// `campaign_enrolments`, or has its columns.
///
/// Answers and refusals count from when somebody entered; those of before are the restraint's to judge. An answer that
/// belongs to another case of theirs does not end this one.
pub(crate) fn reason(now: &str) -> String {
    let renewed = ExclusionReason::AlreadyRenewed;
    let changed = ExclusionReason::TermChanged;
    let cancelled = ExclusionReason::PolicyCancelled;
    let lapsed = ExclusionReason::Lapsed;
    let closed = ExclusionReason::CaseClosed;
    let claim = ExclusionReason::OpenClaim;
    let opted_out = ExclusionReason::OptedOut;
    let replied = ExclusionReason::Replied;
    let off = ExclusionReason::OffLadder;
    format!(
        "(SELECT CASE \
            WHEN e.state IN ('stopped', 'withdrawn') THEN COALESCE(e.stopped_for, '{off}')::TEXT \
            WHEN sp.status = 'renewed' OR sk.status = 'renewed' OR sk.payment_status = 'paid' \
              OR sp.end_date > e.term_end THEN '{renewed}' \
            WHEN sp.end_date < e.term_end THEN '{changed}' \
            WHEN sp.status = 'cancelled' THEN '{cancelled}' \
            WHEN sp.status = 'lapsed' OR sk.status = 'lapsed' \
              OR ({now} AT TIME ZONE e.time_zone)::DATE > e.term_end + sp.grace_period_days THEN '{lapsed}' \
            WHEN sk.status IN ('lost', 'closed') THEN '{closed}' \
            WHEN EXISTS (SELECT 1 FROM claims sc WHERE sc.policy_id = e.policy_id \
                         AND sc.status IN ('submitted', 'in_review', 'approved')) THEN '{claim}' \
            WHEN EXISTS (SELECT 1 FROM messages sm WHERE sm.enrolment_id = e.id \
                         AND (sm.unsubscribed_at IS NOT NULL OR sm.complained_at IS NOT NULL)) \
              OR EXISTS (SELECT 1 FROM consents so \
                         WHERE so.customer_id = e.customer_id AND NOT so.granted AND so.given_at >= e.created_at \
                           AND EXISTS (SELECT 1 FROM campaign_steps ss \
                                       JOIN templates st ON st.id IN (ss.template_id, ss.fallback_template_id) \
                                       WHERE ss.campaign_id = e.campaign_id AND st.template_type = so.channel \
                                         AND st.purpose = so.purpose)) THEN '{opted_out}' \
            WHEN EXISTS (SELECT 1 FROM messages sm WHERE sm.enrolment_id = e.id AND sm.replied_at IS NOT NULL) \
              OR EXISTS (SELECT 1 FROM inbound_messages si LEFT JOIN messages sr ON sr.id = si.in_reply_to \
                         WHERE si.customer_id = e.customer_id AND si.received_at >= e.created_at \
                           AND (si.case_id = sk.id OR sr.enrolment_id = e.id \
                                OR (si.case_id IS NULL AND si.in_reply_to IS NULL))) THEN '{replied}' \
         END \
         FROM policies sp \
         LEFT JOIN renewal_cases sk ON sk.policy_id = sp.id AND sk.term_end = e.term_end \
         WHERE sp.id = e.policy_id)"
    )
}
