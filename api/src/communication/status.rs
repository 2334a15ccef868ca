//! `GET /api/communication/delivery-status/{messageId}`: how far a message got.

use super::message_id;
use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    request::{Id, Name},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::{
    ids::{CampaignId, CaseId, CustomerId},
    masking,
    messaging::{Channel, MessageStatus},
};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path};
use rust_decimal::Decimal;
use schema::messages::story::{self, MessageRow};

/// How far messages got.
pub struct DeliveryApi;

/// How far a message got.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct Delivery {
    /// What it is called.
    message_id: String,
    /// How it went out.
    channel: Name<Channel>,
    /// Where it stands.
    status: Name<MessageStatus>,
    /// It is of a rehearsal: it went to nobody, and what came back is made up.
    rehearsal: bool,
    /// The campaign it is of.
    campaign_id: Option<Id<CampaignId>>,
    /// The recipient.
    customer_id: Option<Id<CustomerId>>,
    /// The renewal case it is about.
    case_id: Option<Id<CaseId>>,
    /// Where it went, masked.
    address: String,
    /// The account that has it.
    account: Option<String>,
    /// The provider's id of it.
    provider_message_id: Option<String>,
    /// How often it was handed over.
    attempts: i32,
    /// Not before; of a message that waits.
    due_at: Option<DateTime<Utc>>,
    /// Why it waits.
    held_for: Option<String>,
    /// When the provider took it.
    sent_at: Option<DateTime<Utc>>,
    /// When it reached the device or the mail server.
    delivered_at: Option<DateTime<Utc>>,
    /// When it was read or opened.
    read_at: Option<DateTime<Utc>>,
    /// When a link of it was followed.
    clicked_at: Option<DateTime<Utc>>,
    /// When it was answered.
    replied_at: Option<DateTime<Utc>>,
    /// When it failed.
    failed_at: Option<DateTime<Utc>>,
    /// When it came back, and how.
    bounced_at: Option<DateTime<Utc>>,
    /// `hard`, `soft`, `block`, `full`, `complaint` or `auto_reply`.
    bounce: Option<String>,
    /// When it was called spam.
    complained_at: Option<DateTime<Utc>>,
    /// When its recipient asked for no more.
    unsubscribed_at: Option<DateTime<Utc>>,
    /// What went wrong.
    error_code: Option<String>,
    /// What went wrong, for people.
    error_message: Option<String>,
    /// What it cost, by the price list.
    cost: Option<Decimal>,
    /// ISO 4217.
    currency: Option<String>,
    /// Parts of a text message.
    segments: Option<i32>,
}

impl From<MessageRow> for Delivery {
    fn from(row: MessageRow) -> Self {
        let waits = row.status == MessageStatus::Pending;
        Self {
            message_id: message_id::shown(row.channel, row.id),
            channel: Name(row.channel),
            status: Name(row.status),
            rehearsal: row.rehearsal,
            campaign_id: row.campaign_id.map(|id| Id(CampaignId(id))),
            customer_id: row.customer_id.map(|id| Id(CustomerId(id))),
            case_id: row.case_id.map(|id| Id(CaseId(id))),
            error_message: row.error_message.map(|text| masking::within(&text, &row.address)),
            address: masking::contact(&row.address),
            account: row.account,
            provider_message_id: row.provider_message_id,
            attempts: row.attempts.into(),
            due_at: waits.then_some(row.due_at),
            held_for: row.held_for.filter(|_| waits),
            sent_at: row.sent_at,
            delivered_at: row.delivered_at,
            read_at: row.opened_at,
            clicked_at: row.clicked_at,
            replied_at: row.replied_at,
            failed_at: row.failed_at,
            bounced_at: row.bounced_at,
            bounce: row.bounce,
            complained_at: row.complained_at,
            unsubscribed_at: row.unsubscribed_at,
            error_code: row.error_code,
            cost: row.cost,
            currency: row.cost_currency,
            segments: row.segments.map(i32::from),
        }
    }
}

#[OpenApi(prefix_path = "/api/communication", tag = "Tag::Communication")]
impl DeliveryApi {
    /// Tell how far a message got
    #[oai(path = "/delivery-status/:message_id", method = "get")]
    async fn delivery_status(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::MessagesView>,
        message_id: Path<String>,
    ) -> ApiResult<Reply<Delivery>> {
        let id = message_id::read(&message_id.0)?;
        let mut connection = state.services.db.get().await?;
        let row = story::find(&mut connection, caller.reach, id).await?;
        ok(row.ok_or_else(|| ApiError::not_found("message"))?.into())
    }
}
