//! `/u/{token}`: shows what would be stopped, and stops it when posted to, by a person or by a mail service in their name
//! (RFC 8058).

use super::{
    form::Form,
    page::{Box, Page, PageReply, group},
    texts::Texts,
    track::broken,
};
use crate::{error::ApiResult, state::SharedState, tags::Tag};
use domain::{
    ids::{CustomerId, MessageId},
    masking,
    messaging::{Channel, Purpose, SuppressionScope, restraint::ConsentSource, tracking::Kind},
};
use jobs::{
    campaigns::request::events_arrived,
    consent::{Choice, opt_out},
    provider_events,
    tracking::{PROVIDER, Seen, unsubscribed_event},
};
use poem::{Request, http::header, web::Data};
use poem_openapi::{OpenApi, param::Path};
use schema::{
    AsyncConnection, DbError,
    consent::consents::{self, RecipientRow},
};
use serde_json::json;

/// Stopping messages.
pub struct UnsubscribeApi;

/// The field, and what it says.
const WHICH: &str = "which";
const OFFERS: &str = "offers";
const EVERYTHING: &str = "everything";
/// What a mail service sends.
const ONE_CLICK: (&str, &str) = ("List-Unsubscribe", "One-Click");

/// Whom a token's message went to.
pub(super) async fn recipient(
    state: &SharedState,
    token: &str,
    kind: &Kind,
) -> ApiResult<Option<(MessageId, RecipientRow)>> {
    let Some(read) = state.links.read(token).ok().filter(|read| read.kind == *kind) else { return Ok(None) };
    let mut connection = state.services.db.get().await?;
    let row = consents::recipient(&mut connection, read.message).await?;
    Ok(row.map(|row| (read.message, row)))
}

/// An address as its owner knows it, and nobody who found the link.
pub(super) fn shown(row: &RecipientRow) -> String {
    match row.channel {
        Channel::Email => masking::email(&row.address),
        Channel::Whatsapp | Channel::Sms => masking::phone(&row.address),
    }
}

#[OpenApi(prefix_path = "/u", tag = "Tag::Public")]
impl UnsubscribeApi {
    /// Show what would be stopped
    #[oai(path = "/:token", method = "get")]
    async fn show(&self, state: Data<&SharedState>, request: &Request, token: Path<String>) -> ApiResult<PageReply> {
        let texts = Texts::of(request.header(header::ACCEPT_LANGUAGE));
        let Some((_, row)) = recipient(&state, &token.0, &Kind::Unsubscribe).await? else { return Ok(broken(texts)) };
        let is_offer = row.purpose == Purpose::Marketing;
        let choice = |value, label, is_ticked| Box { kind: "radio", name: WHICH, value, label, is_ticked };
        let choices = [choice(OFFERS, texts.only_offers, is_offer), choice(EVERYTHING, texts.everything, !is_offer)];
        let page = Page::new(texts, texts.unsubscribe_title)
            .paragraph(&texts.unsubscribe.replace("{address}", &shown(&row)))
            .form(&group(texts.which, &choices), texts.stop);
        Ok(page.reply())
    }

    /// Stop messages
    ///
    /// Takes the form of the page, and the one-click POST of RFC 8058: of a message that promotes something offers stop,
    /// of another one everything on its channel.
    #[oai(path = "/:token", method = "post")]
    async fn stop(
        &self,
        state: Data<&SharedState>,
        request: &Request,
        token: Path<String>,
        form: Form,
    ) -> ApiResult<PageReply> {
        let texts = Texts::of(request.header(header::ACCEPT_LANGUAGE));
        let Some((message, row)) = recipient(&state, &token.0, &Kind::Unsubscribe).await? else {
            return Ok(broken(texts));
        };
        let scope = match form.get(WHICH) {
            Some(OFFERS) => SuppressionScope::Marketing,
            Some(EVERYTHING) => SuppressionScope::All,
            _ if row.purpose == Purpose::Marketing => SuppressionScope::Marketing,
            _ => SuppressionScope::All,
        };
        let is_one_click = form.has(ONE_CLICK.0, ONE_CLICK.1);
        stop(&state, message, &row, scope, is_one_click).await?;
        let done = match scope {
            SuppressionScope::All => texts.stopped,
            SuppressionScope::Marketing => texts.stopped_offers,
        };
        let page = Page::new(texts, texts.stopped_title)
            .paragraph(&done.replace("{address}", &shown(&row)))
            .quiet(texts.by_mistake);
        Ok(page.reply())
    }
}

/// Keeps the choice, and tells of it on the message; all in one.
async fn stop(
    state: &SharedState,
    message: MessageId,
    row: &RecipientRow,
    scope: SuppressionScope,
    is_one_click: bool,
) -> ApiResult<()> {
    let now = state.services.clock.now();
    let choice = Choice {
        channel: row.channel,
        address: row.address.clone(),
        customers: row.customer_id.map(CustomerId).into_iter().collect(),
        scope,
        source: ConsentSource::Unsubscribe,
        message: Some(message),
        proof: Some(json!({"message": message, "oneClick": is_one_click})),
        at: now,
    };
    let event = unsubscribed_event(&Seen { message, at: now, automatic: false, agent: None });
    let mut connection = state.services.db.get().await?;
    let enqueued = connection
        .transaction::<_, DbError, _>(async |connection| {
            opt_out(connection, &[choice], now).await?;
            match provider_events::keep(connection, PROVIDER, &[event], now).await? {
                0 => Ok(Vec::new()),
                _ => events_arrived(connection, now).await,
            }
        })
        .await?;
    drop(connection);
    state.services.dispatcher.push(&enqueued).await;
    Ok(())
}
