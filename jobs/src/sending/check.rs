//! The last look before messages are handed over: a window is held, judged by the rules, and marked, all in one
//! transaction. What is decided about each message is written down with what was known. Of a campaign that has a pace, no
//! more are marked than that allows; the others are left as they are.
//!
//! Fails as the database does; then nothing is marked, unless the answer alone was lost.

use super::content;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    campaigns::{ExclusionReason, plan::SendWindow},
    messaging::restraint::{Rules, Verdict as Judged},
};
use schema::{
    AsyncConnection, AsyncPgConnection, Db, DbError,
    campaigns::paces,
    consent::{Holidays, MessageFacts, facts},
    messages::{self, Decided, HeldRow, RenderRow, Verdict, Window},
};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// How long after somebody wrote to us anything may be sent to them over WhatsApp (the vendor's service window).
const SERVICE_WINDOW: TimeDelta = TimeDelta::hours(24);

/// What messages are judged by: read once a run.
#[derive(Debug)]
pub struct Restraint {
    rules: Rules,
    holidays: Holidays,
    windows: Vec<SendWindow>,
    gap: Option<TimeDelta>,
}

/// What came of a window.
#[derive(Debug, Default)]
pub struct Marked {
    /// The marked messages, by id.
    pub texts: Vec<RenderRow>,
    /// The campaign's pace let no more go; when it does again.
    pub paced: Option<DateTime<Utc>>,
}

impl Restraint {
    /// The rules that hold now.
    pub async fn read(connection: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<Self, DbError> {
        let rules = schema::consent::rules::get(connection).await?;
        let holidays = Holidays::around(connection, now).await?;
        Ok(Self { rules, holidays, windows: Vec::new(), gap: None })
    }

    /// For a campaign that sends at some times only.
    pub fn within(self, windows: Vec<SendWindow>) -> Self {
        Self { windows, ..self }
    }

    /// For a campaign that lets one message go in so much time.
    pub fn paced(self, gap: Option<TimeDelta>) -> Self {
        Self { gap, ..self }
    }

    /// The rules themselves.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// How far back contacts count.
    pub fn contacts_since(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.rules.longest_cap().map(|days| now - TimeDelta::days(days.into()))
    }

    /// What the rules say of a message.
    pub fn judge(&self, facts: &MessageFacts, now: DateTime<Utc>) -> Result<Judged, DbError> {
        facts.judge(&self.rules, (&self.holidays, &self.windows), now)
    }
}

/// Holds, judges and marks a window.
pub async fn mark(db: &Db, window: &Window<'_>, restraint: &Restraint, now: DateTime<Utc>) -> Result<Marked, DbError> {
    let mut connection = db.get().await?;
    connection
        .transaction::<_, DbError, _>(async |connection| {
            let mut held = messages::hold(connection, window, now).await?;
            if restraint.rules.longest_cap().is_some() && !held.is_empty() {
                let ids: Vec<i64> = held.iter().map(|row| row.text.id).collect();
                let free: HashSet<i64> = messages::hold_customers(connection, &ids).await?.into_iter().collect();
                held.retain(|row| free.contains(&row.text.id));
            }
            if held.is_empty() {
                return Ok(Marked::default());
            }
            let mut decided = decisions(connection, &held, restraint, now).await?;
            let paced = match (restraint.gap, window.campaign) {
                (Some(gap), Some(campaign)) => {
                    // a pace spent on what is not marked would be lost
                    if !messages::hold_campaign(connection, campaign).await? {
                        return Ok(Marked::default());
                    }
                    keep_pace(connection, campaign, gap, &mut decided, now).await?
                }
                _ => None,
            };
            let marked = messages::decide(connection, window, &decided, now).await?;
            let texts = held.into_iter().filter_map(|HeldRow { mut text, .. }| {
                text.attempts = *marked.get(&text.id)?;
                Some(text)
            });
            Ok(Marked { texts: texts.collect(), paced })
        })
        .await
}

/// Leaves out what the campaign's pace does not let go yet; when it lets more.
async fn keep_pace(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    gap: TimeDelta,
    decided: &mut Vec<Decided>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, DbError> {
    let going = decided.iter().filter(|one| one.verdict == Verdict::Send).count();
    if going == 0 {
        return Ok(None);
    }
    let allowed = paces::spend(connection, campaign, gap, going, now).await?;
    let mut turn = 0;
    decided.retain(|one| {
        let goes = one.verdict == Verdict::Send;
        turn += usize::from(goes);
        !goes || turn <= allowed.messages
    });
    Ok((allowed.messages < going).then_some(allowed.next))
}

async fn decisions(
    connection: &mut AsyncPgConnection,
    held: &[HeldRow],
    restraint: &Restraint,
    now: DateTime<Utc>,
) -> Result<Vec<Decided>, DbError> {
    let ids: Vec<i64> = held.iter().map(|row| row.text.id).collect();
    let known = facts(connection, &ids, now, restraint.contacts_since(now)).await?;
    let known: HashMap<i64, MessageFacts> = known.into_iter().map(|facts| (facts.id, facts)).collect();
    let chats: Vec<&str> = held.iter().filter(|row| needs_window(row)).map(|row| row.text.address.as_str()).collect();
    let heard = match chats.is_empty() {
        true => HashMap::new(),
        false => messages::last_heard(connection, &chats).await?,
    };
    let mut decided = Vec::with_capacity(held.len());
    for row in held {
        let Some(facts) = known.get(&row.text.id) else { continue };
        let closed = needs_window(row) && heard.get(&row.text.address).is_none_or(|at| now - *at >= SERVICE_WINDOW);
        let verdict = match over(row)? {
            Some(reason) => Verdict::Exclude { reason: reason.as_str() },
            None if closed => Verdict::Exclude { reason: ExclusionReason::WindowClosed.as_str() },
            None => match restraint.judge(facts, now)? {
                Judged::Send => Verdict::Send,
                Judged::Defer { until, reason } => Verdict::Defer { until, reason: reason.as_str() },
                Judged::Exclude { reason } => Verdict::Exclude { reason: reason.as_str() },
            },
        };
        decided.push(Decided { message: row.text.id, verdict, detail: Some(detail(facts, restraint, now)) });
    }
    Ok(decided)
}

fn over(row: &HeldRow) -> Result<Option<ExclusionReason>, DbError> {
    let read = |name: &String| name.parse().map_err(|_| DbError::Unknown { table: "messages", column: "error_code" });
    row.over.as_ref().map(read).transpose()
}

/// Whether it goes only to those who wrote to us of late. Messages of other channels and campaigns do not.
fn needs_window(row: &HeldRow) -> bool {
    !content::begins_a_chat(row.text.content.as_ref())
}

/// What was known, without what tells who it is.
fn detail(facts: &MessageFacts, restraint: &Restraint, now: DateTime<Utc>) -> Value {
    let place = facts.place(&restraint.rules);
    let suppressions = facts.suppressions().unwrap_or_default();
    let reasons: Vec<&str> = suppressions.iter().map(|entry| entry.reason.as_str()).collect();
    json!({
        "purpose": facts.purpose,
        "consent": facts.consent,
        "switchedOff": facts.switched_off,
        "suppressions": reasons,
        "contacts": facts.contacts().map(|contacts| contacts.len()).unwrap_or_default(),
        "localTime": now.with_timezone(&place.time_zone).format("%Y-%m-%dT%H:%M").to_string(),
        "timeZone": place.time_zone.name(),
        "country": place.country,
    })
}
