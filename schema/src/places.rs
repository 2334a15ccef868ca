//! Whose clocks recipients live by, for statements: the rules of `domain::messaging::restraint::Place` in SQL.
//!
//! A number's country is told by its calling code, so that of two countries with one code the larger is meant.

use domain::messaging::restraint::Rules;
use serde_json::Value;

/// Names of zones that this database knows: `places` is to be bound as JSONB, from [`bind`].
pub(crate) const ZONES: &str = "zones AS MATERIALIZED (SELECT name FROM pg_timezone_names)";

/// The joins of [`zone`]: over customers `c` and policies `p`.
pub(crate) const JOINS: &str = "\
    LEFT JOIN branches b ON b.id = p.branch_id \
    LEFT JOIN zones zr ON zr.name = c.time_zone \
    LEFT JOIN zones zb ON zb.name = b.time_zone";

/// The zone of a customer, as text; `places` is the expression of what was bound.
pub(crate) fn zone(places: &str) -> String {
    let told = format!(
        "COALESCE(c.country, {places} -> 'codes' ->> substr(c.phone, 2, 1), {places} -> 'codes' ->> substr(c.phone, 2, 2), \
         {places} -> 'codes' ->> substr(c.phone, 2, 3))"
    );
    format!(
        "COALESCE(zr.name, \
            CASE WHEN {told} <> {places} ->> 'home' THEN {places} -> 'zones' ->> ({told}) END, \
            zb.name, {places} ->> 'zone')"
    )
}

/// What [`zone`] is judged by.
pub(crate) fn bind(rules: &Rules) -> Value {
    serde_json::json!({
        "home": rules.country,
        "zone": rules.time_zone.name(),
        "codes": domain::messaging::restraint::calling_codes(),
        "zones": domain::messaging::restraint::zones(),
    })
}
