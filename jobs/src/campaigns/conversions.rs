//! To which campaigns renewals and payments are owed: worked out some time after they happened, a page at a time.
//!
//! A page is one transaction that replaces what was worked out before, so it can be cut short and repeated. A message
//! counts within its campaign's window (`attributionDays`, else a week) before the conversion.

use super::{analytics, job};
use crate::{Decision, JobContext, JobError, kinds::attribute_conversions::AttributeConversions};
use domain::campaigns::attribution::{divide, shares};
use rust_decimal::Decimal;
use schema::{
    AsyncConnection, DbError,
    campaigns::conversions::{self, Conversion, Credit, Touch},
};
use serde_json::json;
use std::collections::BTreeMap;

/// Cases of one transaction.
const PAGE: i64 = 500;
/// Pages of one job; then others have their turn.
const PAGES: usize = 20;
/// The window of a campaign that names none, in days.
const DAYS: i32 = 7;

/// Works out what waits.
pub async fn run(this: AttributeConversions, context: &JobContext) -> Result<Decision, JobError> {
    let services = &context.services;
    let mut done = 0;
    for _ in 0..PAGES {
        if context.stopping.is_cancelled() {
            break;
        }
        let now = context.now();
        let mut connection = services.db.get().await?;
        let (count, enqueued) = connection
            .transaction::<_, DbError, _>(async |connection| {
                let cases = conversions::take(connection, PAGE).await?;
                if cases.is_empty() {
                    return Ok((0, Vec::new()));
                }
                let ids: Vec<i64> = cases.iter().map(|case| case.case_id).collect();
                let credits = credits(&cases, conversions::touches(connection, &ids, DAYS).await?);
                let campaigns = conversions::settle(connection, &ids, &credits).await?;
                Ok((cases.len(), analytics::after_events(connection, now, campaigns).await?))
            })
            .await?;
        drop(connection);
        services.dispatcher.push(&enqueued).await;
        if count == 0 {
            return Ok(Decision::done_with(&json!({"cases": done})));
        }
        done += count;
    }
    context.then(job(&this)?);
    Ok(Decision::done_with(&json!({"cases": done})))
}

/// What campaigns are owed: one credit a case and campaign.
fn credits(cases: &[Conversion], touches: Vec<Touch>) -> Vec<Credit> {
    let mut by_case: BTreeMap<i64, Vec<Touch>> = BTreeMap::new();
    for touch in touches {
        by_case.entry(touch.case_id).or_default().push(touch);
    }
    cases.iter().flat_map(|case| of_case(case, by_case.remove(&case.case_id).unwrap_or_default())).collect()
}

fn of_case(case: &Conversion, touches: Vec<Touch>) -> Vec<Credit> {
    if case.converted_at.is_none() {
        return Vec::new();
    }
    let messages = touches.iter().filter(|touch| touch.message_id.is_some()).count();
    let (shares, mut place) = (shares(messages), 0);
    let amounts = divide(case.amount, &shares);
    let mut credits: BTreeMap<i64, Credit> = BTreeMap::new();
    for touch in touches {
        let (campaign, is_message) = (touch.campaign_id, touch.message_id.is_some());
        let credit = credits.entry(campaign).or_insert_with(|| Credit {
            touch: touch.clone(),
            currency: case.currency.clone(),
            amount: case.amount,
            is_last: false,
            position_share: 0,
            position_amount: Decimal::ZERO,
        });
        if !is_message {
            continue;
        }
        // in the order they were sent: the last one stays
        credit.touch = touch;
        credit.position_share += i32::try_from(shares[place]).unwrap_or(i32::MAX);
        credit.position_amount += amounts[place];
        place += 1;
        if place == messages {
            credit.is_last = true;
        }
    }
    credits.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn touch(campaign_id: i64, message_id: Option<i64>) -> Touch {
        let arm = if message_id.is_some() { "treated" } else { "holdout" }.to_owned();
        Touch { case_id: 1, campaign_id, arm, message_id, step: Some(0), channel: Some("sms".into()), variant_id: None }
    }

    #[test]
    fn a_case_is_divided_among_the_campaigns_that_spoke() {
        let case = Conversion {
            case_id: 1,
            converted_at: Some(DateTime::UNIX_EPOCH),
            amount: Decimal::new(100_000, 2),
            currency: "INR".into(),
        };
        let touches =
            vec![touch(9, None), touch(1, Some(10)), touch(2, Some(11)), touch(1, Some(12)), touch(2, Some(13))];
        let found = credits(std::slice::from_ref(&case), touches);
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.touch.campaign_id, one.touch.message_id, one.is_last, one.position_share))
            .collect();
        assert_eq!(told, [(1, Some(12), false, 500_000), (2, Some(13), true, 500_000), (9, None, false, 0)]);
        assert_eq!(found.iter().map(|one| one.position_amount).sum::<Decimal>(), case.amount);
        assert_eq!(credits(&[Conversion { converted_at: None, ..case }], vec![]), []);
    }
}
