//! STOP and START: what somebody writes who wants no more, or wants to hear again. Their own word, on whatever channel
//! they say it, and kept with the event that shows it.
//!
//! Words come late and in any order: the one that was said last counts, whenever it came. Of two said at once it is STOP.

use crate::consent::{Choice, had_opted_out, opt_in, opt_out};
use chrono::{DateTime, Utc};
use domain::{
    ids::CustomerId,
    messaging::{
        Channel, SuppressionScope,
        restraint::{ConsentSource, Keyword},
    },
};
use schema::{AsyncPgConnection, DbError, provider_events::last_words};
use serde_json::json;
use std::collections::HashMap;

/// Somebody's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub keyword: Keyword,
    pub channel: Channel,
    pub address: String,
    pub event_id: i64,
    pub said_at: DateTime<Utc>,
}

/// Does as they say; of several words of one address the last counts, those of earlier pages too: what they wrote has been
/// recorded by now. `customers` are those who wrote, by event.
pub(super) async fn heed(
    connection: &mut AsyncPgConnection,
    words: &[Word],
    customers: &HashMap<i64, i64>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    if words.is_empty() {
        return Ok(());
    }
    let order = |word: &Word| (word.said_at, word.keyword == Keyword::Stop);
    let mut last: HashMap<(Channel, &str), &Word> = HashMap::new();
    for word in words {
        let known = last.entry((word.channel, word.address.as_str())).or_insert(word);
        if order(word) >= order(known) {
            *known = word;
        }
    }
    let said = last_words(connection, &last.keys().copied().collect::<Vec<_>>()).await?;
    last.retain(|(channel, address), word| {
        let later = said.get(&(*channel, (*address).to_owned()));
        later.is_none_or(|(at, keyword)| order(word) >= (*at, keyword == Keyword::Stop.as_str()))
    });
    let choice = |word: &Word| Choice {
        channel: word.channel,
        address: word.address.clone(),
        customers: customers.get(&word.event_id).map(|customer| CustomerId(*customer)).into_iter().collect(),
        scope: SuppressionScope::All,
        source: ConsentSource::Reply,
        message: None,
        proof: Some(json!({"eventId": word.event_id})),
        at: word.said_at,
    };
    let (mut before, mut stop, mut start) = (Vec::new(), Vec::new(), Vec::new());
    for word in words {
        let is_last = last.get(&(word.channel, word.address.as_str())).is_some_and(|last| std::ptr::eq(*last, word));
        match (word.keyword, is_last) {
            (Keyword::Stop, true) => stop.push(choice(word)),
            (Keyword::Stop, false) => before.push(choice(word)),
            (Keyword::Start, true) => start.push(choice(word)),
            // whatever came after it says more
            (Keyword::Start, false) => {}
        }
    }
    if !before.is_empty() {
        had_opted_out(connection, &before, now).await?;
    }
    if !stop.is_empty() {
        opt_out(connection, &stop, now).await?;
    }
    if !start.is_empty() {
        opt_in(connection, &start, now).await?;
    }
    Ok(())
}
