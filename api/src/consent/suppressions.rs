//! `/api/communication/suppressions`: addresses that get nothing, or no marketing. Addresses are masked in the list.

use super::masked;
use crate::{
    auth::{Guard, permit},
    envelope::{Created, Reply, created, ok},
    error::{ApiError, ApiResult},
    request::{Id, Name, Page, Pagination, StrictBody, blank_is_none},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::{
    contact::{Email, Phone},
    ids::{MessageId, SuppressionId, UserId},
    messaging::{Channel, SuppressionReason, SuppressionScope, SuppressionSource},
};
use poem::web::Data;
use poem_openapi::{
    Object, OpenApi,
    param::{Path, Query},
};
use schema::{
    AsyncConnection,
    audit::{self, Entity},
    consent::{
        rules,
        suppressions::{self, NewSuppression, SuppressionFilter, SuppressionRow},
    },
};
use serde_json::{Value, json};

/// The suppression list.
pub struct SuppressionsApi;

/// An address that is written to no more.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Suppression {
    /// Its id.
    id: Id<SuppressionId>,
    /// On which channel.
    channel: Name<Channel>,
    /// Masked: `a***@example.com`, `+91******3210`.
    address: String,
    /// Why. Each reason is an entry of its own.
    reason: Name<SuppressionReason>,
    /// How far it goes.
    scope: Name<SuppressionScope>,
    /// Who told of it.
    source: Name<SuppressionSource>,
    /// What was said about it.
    detail: Option<String>,
    /// The message that it came of.
    message_id: Option<Id<MessageId>>,
    /// The employee who did it.
    created_by: Option<Id<UserId>>,
    /// Since when.
    created_at: DateTime<Utc>,
    /// Until when; null is for good.
    expires_at: Option<DateTime<Utc>>,
}

impl From<SuppressionRow> for Suppression {
    fn from(row: SuppressionRow) -> Self {
        Self {
            id: Id(SuppressionId(row.id)),
            channel: Name(row.channel),
            address: masked(row.channel, &row.address),
            reason: Name(row.reason),
            scope: Name(row.scope),
            source: Name(row.source),
            detail: row.detail,
            message_id: row.message_id.map(|id| Id(MessageId(id))),
            created_by: row.created_by.map(|id| Id(UserId(id))),
            created_at: row.created_at,
            expires_at: row.expires_at,
        }
    }
}

/// A part of the list.
#[derive(Object)]
struct Suppressions {
    /// Newest first.
    suppressions: Vec<Suppression>,
    /// Where in the list this is.
    pagination: Pagination,
}

/// An address to write to no more.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct SuppressionBody {
    /// On which channel.
    channel: Name<Channel>,
    /// An e-mail address, or a phone number.
    #[oai(validator(min_length = 1, max_length = 255))]
    address: String,
    /// Why; `manual`, if nothing is said.
    reason: Option<Name<SuppressionReason>>,
    /// How far it goes; everything, if nothing is said.
    scope: Option<Name<SuppressionScope>>,
    /// What is to be remembered about it.
    #[oai(validator(max_length = 500))]
    detail: Option<String>,
    /// Until when; for good, if nothing is said.
    expires_at: Option<DateTime<Utc>>,
}

#[OpenApi(prefix_path = "/api/communication/suppressions", tag = "Tag::Consent")]
impl SuppressionsApi {
    /// List suppressed addresses
    #[oai(path = "/", method = "get")]
    #[expect(clippy::too_many_arguments, reason = "one a filter")]
    async fn list(
        &self,
        state: Data<&SharedState>,
        _caller: Guard<permit::MessagesView>,
        channel: Query<Option<Name<Channel>>>,
        reason: Query<Option<Name<SuppressionReason>>>,
        /// The whole address.
        #[oai(validator(max_length = 255))]
        address: Query<Option<String>>,
        page: Query<Option<u32>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<Suppressions>> {
        let page = Page::read(page.0, limit.0)?;
        let filter = SuppressionFilter {
            channel: channel.0.map(|name| name.0),
            reason: reason.0.map(|name| name.0),
            address: blank_is_none(address.0).map(|address| address.trim().to_owned()),
        };
        let mut connection = state.services.db.get().await?;
        let (rows, counted) = suppressions::list(&mut connection, &filter, page.part()).await?;
        let suppressions = rows.into_iter().map(Suppression::from).collect();
        ok(Suppressions { suppressions, pagination: page.of(counted) })
    }

    /// Suppress an address
    ///
    /// An entry for the same reason that holds less or shorter is extended.
    #[oai(path = "/", method = "post")]
    async fn create(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CustomersEdit>,
        body: StrictBody<SuppressionBody>,
    ) -> ApiResult<Created<Suppression>> {
        let (body, now) = (body.0, state.services.clock.now());
        if body.expires_at.is_some_and(|end| end <= now) {
            return Err(ApiError::invalid("expiresAt", "lies behind"));
        }
        let channel = body.channel.0;
        let mut connection = state.services.db.get().await?;
        let row = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let country = rules::get(connection).await?.country;
                let address = normal(channel, &body.address, &country);
                let entry = NewSuppression {
                    channel,
                    address: address.map_err(|problem| ApiError::invalid("address", problem))?,
                    reason: body.reason.map_or(SuppressionReason::Manual, |name| name.0),
                    scope: body.scope.map_or(SuppressionScope::All, |name| name.0),
                    source: SuppressionSource::Staff,
                    detail: blank_is_none(body.detail.clone()),
                    message: None,
                    created_by: Some(caller.user_id),
                    expires_at: body.expires_at,
                };
                suppressions::suppress(connection, std::slice::from_ref(&entry), now).await?;
                let held = suppressions::of_address(connection, channel, &entry.address).await?;
                let row = held.into_iter().find(|row| row.reason == entry.reason);
                let row = row.ok_or_else(|| ApiError::not_found("suppression"))?;
                let audited = caller.entry("suppression.created", Entity::of(SuppressionId(row.id)));
                audit::record(connection, &[audited.after(told(&row))]).await?;
                Ok(row)
            })
            .await?;
        created(row.into())
    }

    /// Lift a suppression
    ///
    /// This entry only: others about the address stay. What its owner chose is theirs to take back: 409 `own_choice`.
    #[oai(path = "/:id", method = "delete")]
    async fn delete(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::SettingsManage>,
        id: Path<Id<SuppressionId>>,
    ) -> ApiResult<Reply<Suppression>> {
        let id = id.0.0;
        let mut connection = state.services.db.get().await?;
        let row = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let found = suppressions::lock(connection, id.0).await?;
                let row = found.ok_or_else(|| ApiError::not_found("suppression"))?;
                if is_own_choice(&row) {
                    let message = "the address's owner chose it: only they take it back";
                    return Err(ApiError::conflict("own_choice", message));
                }
                suppressions::delete(connection, id.0).await?;
                let entry = caller.entry("suppression.lifted", Entity::of(id)).before(told(&row));
                audit::record(connection, &[entry]).await?;
                Ok(row)
            })
            .await?;
        ok(row.into())
    }
}

fn is_own_choice(row: &SuppressionRow) -> bool {
    let own = matches!(
        row.source,
        SuppressionSource::Reply | SuppressionSource::Unsubscribe | SuppressionSource::Preferences
    );
    own || row.reason == SuppressionReason::Complaint
}

fn told(row: &SuppressionRow) -> Value {
    json!({
        "channel": row.channel, "address": masked(row.channel, &row.address), "reason": row.reason,
        "scope": row.scope, "source": row.source, "expiresAt": row.expires_at,
    })
}

/// An address as the list keeps it, or what would be right.
pub(super) fn normal(channel: Channel, address: &str, country: &str) -> Result<String, String> {
    let address = address.trim();
    match channel {
        Channel::Email => {
            let read: Result<Email, _> = address.parse();
            read.map(|email| email.as_str().to_lowercase()).map_err(|error| error.to_string())
        }
        // as it is kept: read quickly, and not asked whether it is in use
        Channel::Whatsapp | Channel::Sms => match address.parse::<Phone>() {
            Ok(phone) => Ok(phone.into()),
            Err(_) => Phone::parse(address, country).map(String::from).map_err(|error| error.to_string()),
        },
    }
}
