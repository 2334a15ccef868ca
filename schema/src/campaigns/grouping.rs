//! What gets one message: of the policies that are meant, which one it is about, and which are left to it.

use domain::campaigns::{ExclusionReason, Grouping};

/// What `judged` has to have besides, each followed by a comma.
pub(super) fn columns(grouping: Grouping) -> &'static str {
    match grouping {
        // signs and spaces are written as people like
        Grouping::Household => {
            "c.phone, lower(c.email) AS email, \
             CASE WHEN c.address ->> 'line' IS NOT NULL THEN lower(c.last_name) || '|' || regexp_replace( \
                 lower(concat_ws('|', c.address ->> 'line', c.address ->> 'city', c.address ->> 'postalCode')), \
                 '[^[:alnum:]|]', '', 'g') END AS home,"
        }
        Grouping::Address | Grouping::Customer | Grouping::Policy | Grouping::Together => "",
    }
}

/// The table `ranked`, and what it takes, after `judged`.
///
/// Those held out are ranked among themselves as the others are: of both, what is compared is what a message is, or would
/// have been, about. What another message of somebody held out would have told has the reason it would have had.
pub(super) fn ranked(grouping: Grouping) -> String {
    let duplicate = match grouping {
        Grouping::Address => ExclusionReason::DuplicateAddress,
        Grouping::Household => ExclusionReason::SameHousehold,
        Grouping::Customer | Grouping::Policy => ExclusionReason::SameCustomer,
        Grouping::Together => ExclusionReason::TooManyPolicies,
    };
    let holdout = ExclusionReason::Holdout;
    let of = |recipient: &str| format!("PARTITION BY reason IS NULL, reason = '{holdout}', {recipient}");
    let turn = |recipient: &str| format!("row_number() OVER ({} ORDER BY end_date, policy_id) AS turn", of(recipient));
    let together = Grouping::TOGETHER_LIMIT;
    let most = if grouping == Grouping::Together { together } else { 1 };
    let (before, from, turn, unit, policies, kept) = match grouping {
        Grouping::Address => (String::new(), "judged", turn("address"), "0", "NULL::BIGINT[]", "TRUE".to_owned()),
        Grouping::Customer => (String::new(), "judged", turn("customer_id"), "0", "NULL::BIGINT[]", "TRUE".to_owned()),
        Grouping::Household => (
            homes(),
            "judged LEFT JOIN homes USING (customer_id)",
            turn("household"),
            "0",
            "NULL::BIGINT[]",
            "TRUE".to_owned(),
        ),
        Grouping::Policy => {
            (String::new(), "judged", "1 AS turn".to_owned(), "policy_id", "NULL::BIGINT[]", "TRUE".to_owned())
        }
        Grouping::Together => (
            String::new(),
            "judged",
            format!(
                "{}, array_agg(policy_id) OVER ({} ORDER BY end_date, policy_id \
                     ROWS BETWEEN CURRENT ROW AND {} FOLLOWING) AS theirs",
                turn("customer_id"),
                of("customer_id"),
                together - 1
            ),
            "0",
            "CASE WHEN reason IS NULL AND turn = 1 AND cardinality(theirs) > 1 THEN theirs END",
            // those in between are mentioned by the first
            format!("reason IS NOT NULL OR turn = 1 OR turn > {together}"),
        ),
    };
    format!(
        "{before}ranked AS ( \
            SELECT policy_id, customer_id, case_id, branch_id, end_date, address, language, \
                CASE WHEN turn > {most} AND COALESCE(reason, '{holdout}') = '{holdout}' THEN '{duplicate}' ELSE reason END \
                    AS reason, \
                CASE WHEN reason IS NULL THEN turn END AS place, \
                {unit}::BIGINT AS unit, {policies} AS policies \
            FROM (SELECT *, {turn} FROM {from}) turns WHERE {kept} \
        )"
    )
}

/// The table `homes`: which household each customer is of who gets a message or is held out, by its lowest customer.
///
/// Each step gives those who share something the lowest number among them; the second round carries it on to those
/// whom the first one linked in another order.
fn homes() -> String {
    const LINKS: [&str; 3] = ["home", "phone", "email"];
    let holdout = ExclusionReason::Holdout;
    let mut text = format!(
        "home0 AS (SELECT DISTINCT ON (customer_id) customer_id, home, phone, email, customer_id AS household \
                   FROM judged WHERE COALESCE(reason, '{holdout}') = '{holdout}'), "
    );
    for (step, link) in LINKS.iter().chain(&LINKS).enumerate() {
        // whoever has none, shares it with nobody
        text.push_str(&format!(
            "home{} AS (SELECT customer_id, home, phone, email, \
                    min(household) OVER (PARTITION BY {link}, CASE WHEN {link} IS NULL THEN customer_id END) AS household \
                    FROM home{step}), ",
            step + 1
        ));
    }
    text.push_str(&format!("homes AS (SELECT customer_id, household FROM home{}), ", LINKS.len() * 2));
    text
}
