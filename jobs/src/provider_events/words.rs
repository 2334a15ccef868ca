//! STOP and START: what somebody writes who wants no more, or wants to hear again. Their own word, on whatever channel
//! they say it, and kept with the event that shows it.

use chrono::{DateTime, Utc};
use domain::{
    ids::CustomerId,
    messaging::{
        Channel, Purpose, SuppressionScope, SuppressionSource,
        restraint::{ConsentSource, Keyword},
        suppression::SuppressionReason,
    },
};
use schema::{
    AsyncPgConnection, DbError,
    consent::{
        consents::{self, NewConsent},
        suppressions::{NewSuppression, suppress, unsuppress},
    },
};
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
    let (mut stopped, mut consents) = (Vec::new(), Vec::new());
    let mut started: HashMap<Channel, Vec<String>> = HashMap::new();
    for word in last.values() {
        match word.keyword {
            Keyword::Stop => stopped.push(NewSuppression {
                channel: word.channel,
                address: word.address.clone(),
                reason: SuppressionReason::OptedOut,
                scope: SuppressionScope::All,
                source: SuppressionSource::Reply,
                detail: None,
                message: None,
                created_by: None,
                expires_at: None,
            }),
            Keyword::Start => started.entry(word.channel).or_default().push(word.address.clone()),
        }
        let Some(customer) = customers.get(&word.event_id) else { continue };
        consents.extend(Purpose::ALL.iter().map(|purpose| NewConsent {
            customer: CustomerId(*customer),
            channel: word.channel,
            purpose: *purpose,
            granted: word.keyword == Keyword::Start,
            source: ConsentSource::Reply,
            proof: Some(json!({"eventId": word.event_id})),
            given_at: word.said_at,
            recorded_by: None,
        }));
    }
    suppress(connection, &stopped, now).await?;
    // one a channel
    for (channel, addresses) in started {
        unsuppress(connection, channel, &addresses, &[SuppressionReason::OptedOut]).await?;
    }
    consents::record(connection, &consents, now).await?;
    Ok(())
}
