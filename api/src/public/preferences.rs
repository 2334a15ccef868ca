//! `/p/{token}`: what somebody wants to be written about, and how; by channel and topic.

use super::{
    form::Form,
    page::{Box, Page, PageReply, group},
    texts::Texts,
    track::broken,
    unsubscribe::recipient,
};
use crate::{error::ApiResult, state::SharedState, tags::Tag};
use domain::{
    ids::{CustomerId, MessageId},
    messaging::tracking::Kind,
};
use jobs::consent::{ChannelChoice, Preferences, keep_preferences, preferences};
use poem::{Request, http::header, web::Data};
use poem_openapi::{OpenApi, param::Path};
use schema::{AsyncConnection, DbError};

/// Preferences.
pub struct PreferencesApi;

const SERVICE: &str = "service";
const OFFERS: &str = "offers";
const TOPIC: &str = "topic";

#[OpenApi(prefix_path = "/p", tag = "Tag::Public")]
impl PreferencesApi {
    /// Show preferences
    #[oai(path = "/:token", method = "get")]
    async fn show(&self, state: Data<&SharedState>, request: &Request, token: Path<String>) -> ApiResult<PageReply> {
        let texts = Texts::of(request.header(header::ACCEPT_LANGUAGE));
        Ok(match known(&state, &token.0).await? {
            None => broken(texts),
            Some((_, _, held)) => page(texts, texts.preferences_title, texts.preferences, &held),
        })
    }

    /// Keep preferences
    ///
    /// What is not ticked is not wanted.
    #[oai(path = "/:token", method = "post")]
    async fn keep(
        &self,
        state: Data<&SharedState>,
        request: &Request,
        token: Path<String>,
        form: Form,
    ) -> ApiResult<PageReply> {
        let texts = Texts::of(request.header(header::ACCEPT_LANGUAGE));
        let Some((message, customer, held)) = known(&state, &token.0).await? else { return Ok(broken(texts)) };
        // of what the page offers, and nothing else
        let chosen = Preferences {
            channels: held
                .channels
                .iter()
                .map(|one| ChannelChoice {
                    channel: one.channel,
                    service: form.has(SERVICE, one.channel.as_str()),
                    marketing: form.has(OFFERS, one.channel.as_str()),
                })
                .collect(),
            topics: held.topics.iter().map(|(topic, _)| (topic.clone(), form.has(TOPIC, topic))).collect(),
        };
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        let kept = connection
            .transaction::<_, DbError, _>(async |connection| {
                keep_preferences(connection, customer, message, &chosen, now).await?;
                preferences(connection, customer).await
            })
            .await?;
        Ok(kept.map_or_else(|| broken(texts), |kept| page(texts, texts.saved_title, texts.saved, &kept)))
    }
}

/// Whose token it is, and what they want now. A message to nobody we know has no preferences.
async fn known(state: &SharedState, token: &str) -> ApiResult<Option<(MessageId, CustomerId, Preferences)>> {
    let Some((message, row)) = recipient(state, token, &Kind::Preferences).await? else { return Ok(None) };
    let Some(customer) = row.customer_id.map(CustomerId) else { return Ok(None) };
    let mut connection = state.services.db.get().await?;
    let held = preferences(&mut connection, customer).await?;
    Ok(held.map(|held| (message, customer, held)))
}

fn page(texts: &'static Texts, title: &'static str, text: &str, held: &Preferences) -> PageReply {
    let tick = |name, value, label, is_ticked| Box { kind: "checkbox", name, value, label, is_ticked };
    let mut fields: String = held
        .channels
        .iter()
        .map(|one| {
            let value = one.channel.as_str();
            let boxes =
                [tick(SERVICE, value, texts.service, one.service), tick(OFFERS, value, texts.offers, one.marketing)];
            group(texts.channel(one.channel), &boxes)
        })
        .collect();
    if !held.topics.is_empty() {
        let topics: Vec<(String, &String, bool)> =
            held.topics.iter().map(|(topic, wanted)| (label(topic), topic, *wanted)).collect();
        let boxes: Vec<Box<'_>> =
            topics.iter().map(|(label, topic, wanted)| tick(TOPIC, topic.as_str(), label.as_str(), *wanted)).collect();
        fields.push_str(&group(texts.topics, &boxes));
    }
    Page::new(texts, title).paragraph(text).form(&fields, texts.save).reply()
}

/// A topic as people write it: `motor_offers` is `Motor offers`.
fn label(topic: &str) -> String {
    let spaced = topic.replace(['_', '-'], " ");
    let mut letters = spaced.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
