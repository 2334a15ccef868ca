//! Preferences as their page shows them: service and offers by channel, and topics.

use super::choices::{Choice, opt_out};
use chrono::{DateTime, Utc};
use domain::{
    ids::{CustomerId, MessageId},
    messaging::{Channel, Purpose, SuppressionReason, SuppressionScope, restraint::ConsentSource},
};
use schema::{
    AsyncPgConnection, DbError,
    consent::{
        consents::{self, NewConsent},
        suppressions,
    },
};
use serde_json::json;
use std::collections::BTreeSet;

/// Topics that a page offers.
const TOPICS: i64 = 50;

/// What somebody wants on a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelChoice {
    /// The channel.
    pub channel: Channel,
    /// What serves their contracts.
    pub service: bool,
    /// Offers.
    pub marketing: bool,
}

/// What somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    /// On the channels on which they can be reached.
    pub channels: Vec<ChannelChoice>,
    /// Every topic, and whether they want it.
    pub topics: Vec<(String, bool)>,
}

/// What a customer wants, as far as it is known; `None`: there is no such customer.
pub async fn preferences(
    connection: &mut AsyncPgConnection,
    customer: CustomerId,
) -> Result<Option<Preferences>, DbError> {
    let Some(reached) = consents::addresses(connection, customer).await? else { return Ok(None) };
    let held = consents::of_customer(connection, customer).await?;
    let off = consents::switched_off(connection, customer).await?;
    let mut channels = Vec::new();
    for channel in Channel::ALL.iter().copied() {
        let Some(address) = reached.on(channel) else { continue };
        let said = |purpose: Purpose| {
            held.iter().find(|row| row.channel == channel && row.purpose == purpose).map(|row| row.granted)
        };
        let against = suppressions::of_address(connection, channel, address).await?;
        let own = against.iter().filter(|row| row.reason == SuppressionReason::OptedOut);
        let scopes: Vec<SuppressionScope> = own.map(|row| row.scope).collect();
        let service = said(Purpose::Service).unwrap_or(true)
            && !off.contains(&channel)
            && !scopes.contains(&SuppressionScope::All);
        let marketing = said(Purpose::Marketing).unwrap_or(false) && service && scopes.is_empty();
        channels.push(ChannelChoice { channel, service, marketing });
    }
    let refused = consents::refused_topics(connection, customer).await?;
    let known = consents::topics(connection, TOPICS).await?;
    let all: BTreeSet<String> = known.into_iter().chain(refused.iter().cloned()).collect();
    let topics = all.into_iter().map(|topic| (topic.clone(), !refused.contains(&topic))).collect();
    Ok(Some(Preferences { channels, topics }))
}

/// Keeps what a customer chose on the page that a message led to.
pub async fn keep_preferences(
    connection: &mut AsyncPgConnection,
    customer: CustomerId,
    message: MessageId,
    chosen: &Preferences,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let Some(reached) = consents::addresses(connection, customer).await? else { return Ok(()) };
    let proof = Some(json!({"message": message}));
    let source = ConsentSource::Preferences;
    let mut words = Vec::new();
    // three channels at most
    for choice in &chosen.channels {
        let channel = choice.channel;
        let Some(address) = reached.on(channel) else { continue };
        for (purpose, granted) in
            [(Purpose::Service, choice.service), (Purpose::Marketing, choice.marketing && choice.service)]
        {
            words.push(NewConsent {
                customer,
                channel,
                purpose,
                granted,
                source,
                proof: proof.clone(),
                given_at: now,
                recorded_by: None,
            });
        }
        let owned = [address.to_owned()];
        suppressions::unsuppress(connection, channel, &owned, &[SuppressionReason::OptedOut]).await?;
        let scope = match (choice.service, choice.marketing) {
            (false, _) => Some(SuppressionScope::All),
            (true, false) => Some(SuppressionScope::Marketing),
            (true, true) => None,
        };
        if choice.service {
            consents::switch_on(connection, &[customer], channel, now).await?;
        }
        if let Some(scope) = scope {
            let [address] = owned;
            let (customers, message, proof) = (Vec::new(), Some(message), None);
            let choice = Choice { channel, address, customers, scope, source, message, proof, at: now };
            opt_out(connection, &[choice], now).await?;
        }
    }
    consents::record(connection, &words, now).await?;
    let refused: Vec<String> =
        chosen.topics.iter().filter(|(_, wanted)| !wanted).map(|(topic, _)| topic.clone()).collect();
    consents::refuse_topics(connection, customer, &refused, now).await
}
