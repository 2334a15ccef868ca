//! Opting out and in again, many at once.

use chrono::{DateTime, Utc};
use domain::{
    ids::{CustomerId, MessageId},
    messaging::{Channel, Purpose, SuppressionReason, SuppressionScope, SuppressionSource, restraint::ConsentSource},
};
use schema::{
    AsyncPgConnection, DbError,
    consent::{
        consents::{self, NewConsent},
        suppressions::{self, NewSuppression},
    },
};
use serde_json::Value;
use std::collections::BTreeMap;

/// What somebody chose.
#[derive(Debug, Clone)]
pub struct Choice {
    /// On which channel.
    pub channel: Channel,
    /// Their address: E.164, or an address for mail.
    pub address: String,
    /// The customers whose address it is.
    pub customers: Vec<CustomerId>,
    /// How far it goes; of opting in everything comes back that they had.
    pub scope: SuppressionScope,
    /// How they said it: a reply, a page, a complaint.
    pub source: ConsentSource,
    /// The message it is about.
    pub message: Option<MessageId>,
    /// What shows it.
    pub proof: Option<Value>,
    /// When.
    pub at: DateTime<Utc>,
}

impl Choice {
    fn suppression_source(&self) -> SuppressionSource {
        match self.source {
            ConsentSource::Reply => SuppressionSource::Reply,
            ConsentSource::Preferences => SuppressionSource::Preferences,
            ConsentSource::Unsubscribe => SuppressionSource::Unsubscribe,
            ConsentSource::Complaint => SuppressionSource::Provider,
            ConsentSource::Import => SuppressionSource::Import,
            ConsentSource::Staff => SuppressionSource::Staff,
        }
    }

    fn words(&self, granted: bool, purposes: &[Purpose]) -> Vec<NewConsent> {
        let word = |customer: &CustomerId, purpose: &Purpose| NewConsent {
            customer: *customer,
            channel: self.channel,
            purpose: *purpose,
            granted,
            source: self.source,
            proof: self.proof.clone(),
            given_at: self.at,
            recorded_by: None,
        };
        self.customers.iter().flat_map(|customer| purposes.iter().map(move |purpose| word(customer, purpose))).collect()
    }
}

/// They had opted out before they said something else: kept for whatever that leaves untouched.
pub async fn had_opted_out(
    connection: &mut AsyncPgConnection,
    choices: &[Choice],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let purposes = |choice: &Choice| match choice.scope {
        SuppressionScope::All => Purpose::ALL,
        SuppressionScope::Marketing => &[Purpose::Marketing],
    };
    let words: Vec<NewConsent> = choices.iter().flat_map(|choice| choice.words(false, purposes(choice))).collect();
    consents::record(connection, &words, now).await?;
    Ok(())
}

/// They are written to no more.
pub async fn opt_out(
    connection: &mut AsyncPgConnection,
    choices: &[Choice],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    had_opted_out(connection, choices, now).await?;
    let entries: Vec<NewSuppression> = choices
        .iter()
        .map(|choice| NewSuppression {
            channel: choice.channel,
            address: choice.address.clone(),
            reason: match choice.source {
                ConsentSource::Complaint => SuppressionReason::Complaint,
                _ => SuppressionReason::OptedOut,
            },
            scope: choice.scope,
            source: choice.suppression_source(),
            detail: None,
            message: choice.message,
            created_by: None,
            expires_at: None,
        })
        .collect();
    suppressions::suppress(connection, &entries, now).await?;
    Ok(())
}

/// They are written to again: for service, and for marketing if they had agreed to it before. What bounced, or what
/// others put on the list, stays there.
pub async fn opt_in(connection: &mut AsyncPgConnection, choices: &[Choice], now: DateTime<Utc>) -> Result<(), DbError> {
    let mut words: Vec<NewConsent> =
        choices.iter().flat_map(|choice| choice.words(true, &[Purpose::Service])).collect();
    let mut by_channel: BTreeMap<Channel, Vec<&Choice>> = BTreeMap::new();
    for choice in choices {
        by_channel.entry(choice.channel).or_default().push(choice);
    }
    // three channels at most
    for (channel, choices) in by_channel {
        let addresses: Vec<String> = choices.iter().map(|choice| choice.address.clone()).collect();
        suppressions::unsuppress(connection, channel, &addresses, &[SuppressionReason::OptedOut]).await?;
        let customers: Vec<CustomerId> = choices.iter().flat_map(|choice| choice.customers.iter().copied()).collect();
        consents::switch_on(connection, &customers, channel, now).await?;
        let agreed = consents::once_agreed(connection, &customers, channel).await?;
        let marketing = choices.iter().flat_map(|choice| choice.words(true, &[Purpose::Marketing]));
        words.extend(marketing.filter(|word| agreed.contains(&word.customer)));
    }
    consents::record(connection, &words, now).await?;
    Ok(())
}
