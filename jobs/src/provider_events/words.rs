//! STOP and START: what somebody writes who wants no more, or wants to hear again. Their own word, on whatever channel
//! they say it, and kept with the event that shows it.

use crate::consent::{Choice, opt_in, opt_out};
use chrono::{DateTime, Utc};
use domain::{
    ids::CustomerId,
    messaging::{
        Channel, SuppressionScope,
        restraint::{ConsentSource, Keyword},
    },
};
use schema::{AsyncPgConnection, DbError};
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

/// Does as they say; of several words of one address the last counts. `customers` are those who wrote, by event.
pub(super) async fn heed(
    connection: &mut AsyncPgConnection,
    words: &[Word],
    customers: &HashMap<i64, i64>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let mut last: HashMap<(Channel, &str), &Word> = HashMap::new();
    for word in words {
        let known = last.entry((word.channel, word.address.as_str())).or_insert(word);
        if word.said_at >= known.said_at {
            *known = word;
        }
    }
    let (mut stop, mut start) = (Vec::new(), Vec::new());
    for word in last.values() {
        let choice = Choice {
            channel: word.channel,
            address: word.address.clone(),
            customers: customers.get(&word.event_id).map(|customer| CustomerId(*customer)).into_iter().collect(),
            scope: SuppressionScope::All,
            source: ConsentSource::Reply,
            message: None,
            proof: Some(json!({"eventId": word.event_id})),
            at: word.said_at,
        };
        match word.keyword {
            Keyword::Stop => stop.push(choice),
            Keyword::Start => start.push(choice),
        }
    }
    if !stop.is_empty() {
        opt_out(connection, &stop, now).await?;
    }
    if !start.is_empty() {
        opt_in(connection, &start, now).await?;
    }
    Ok(())
}
