//! `GET /api/communication/history`: what was said to and by a customer, or about a renewal case.

use super::message_id;
use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::ApiResult,
    request::{Id, Name},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::{
    ids::{CampaignId, CaseId, CustomerId, TemplateId},
    masking,
    messaging::{Channel, MessageStatus},
};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Query};
use schema::messages::story::{self, HistoryRow, Whose};

/// Entries of a page unless asked otherwise, and at most.
const PAGE: u32 = 50;
const LONGEST_PAGE: u32 = 200;

/// What was said.
pub struct HistoryApi;

/// A part of it.
#[derive(Object)]
struct MessageHistory {
    /// Newest first.
    entries: Vec<HistoryEntry>,
    /// Where the next part begins (`before`); absent on the last one.
    next: Option<DateTime<Utc>>,
}

/// Something that was said.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct HistoryEntry {
    /// `outbound` or `inbound`.
    direction: String,
    /// The message, of ours.
    message_id: Option<String>,
    /// How it went.
    channel: Name<Channel>,
    /// Their address, masked.
    address: String,
    /// Where it stands, of ours.
    status: Option<Name<MessageStatus>>,
    /// The campaign it is of.
    campaign_id: Option<Id<CampaignId>>,
    /// The renewal case it belongs to.
    case_id: Option<Id<CaseId>>,
    /// The template it filled in.
    template_id: Option<Id<TemplateId>>,
    /// What they wrote.
    text: Option<String>,
    /// The message of ours that they answered.
    in_reply_to: Option<String>,
    /// When.
    at: DateTime<Utc>,
}

impl From<HistoryRow> for HistoryEntry {
    fn from(row: HistoryRow) -> Self {
        Self {
            direction: if row.outbound { "outbound" } else { "inbound" }.to_owned(),
            message_id: row.outbound.then(|| message_id::shown(row.channel, row.id)),
            address: masking::contact(&row.address),
            status: row.status.and_then(|status| status.parse().ok()).map(Name),
            campaign_id: row.campaign_id.map(|id| Id(CampaignId(id))),
            case_id: row.case_id.map(|id| Id(CaseId(id))),
            template_id: row.template_id.map(|id| Id(TemplateId(id))),
            text: row.body,
            in_reply_to: row.in_reply_to.map(|id| message_id::shown(row.channel, id)),
            at: row.at,
            channel: Name(row.channel),
        }
    }
}

#[OpenApi(prefix_path = "/api/communication", tag = "Tag::Communication")]
impl HistoryApi {
    /// List what was said to and by a customer, or about a case
    #[oai(path = "/history", method = "get")]
    async fn history(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::MessagesView>,
        /// Of this customer; or `caseId`.
        #[oai(name = "customerId")]
        customer: Query<Option<Id<CustomerId>>>,
        /// About this renewal case.
        #[oai(name = "caseId")]
        case: Query<Option<Id<CaseId>>>,
        /// Only what was said before.
        before: Query<Option<DateTime<Utc>>>,
        /// Entries of the part.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<MessageHistory>> {
        let whose = match (customer.0, case.0) {
            (Some(customer), None) => Whose::Customer(customer.0.0),
            (None, Some(case)) => Whose::Case(case.0.0),
            _ => return Err(super::given::fault("customerId", "either customerId or caseId")),
        };
        let size = limit.0.unwrap_or(PAGE).clamp(1, LONGEST_PAGE);
        let before = before
            .0
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
            .min(state.services.clock.now() + chrono::TimeDelta::days(3650));
        let mut connection = state.services.db.get().await?;
        let mut rows = story::history(&mut connection, caller.reach, whose, before, i64::from(size) + 1).await?;
        let more = rows.len() > usize::try_from(size).unwrap_or(usize::MAX);
        rows.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        let next = rows.last().filter(|_| more).map(|row| row.at);
        ok(MessageHistory { entries: rows.into_iter().map(HistoryEntry::from).collect(), next })
    }
}
