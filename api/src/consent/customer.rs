//! `/api/customers/{id}/consents`: what a customer allows, by channel and purpose, and how that came to be.

use crate::{
    auth::{Guard, permit},
    envelope::{Reply, ok},
    error::{ApiError, ApiResult},
    request::{Id, Name, StrictBody, blank_is_none},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::{
    ids::{CustomerId, UserId},
    messaging::{Channel, Purpose, restraint::ConsentSource},
};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Path};
use schema::{
    AsyncConnection, AsyncPgConnection,
    audit::{self, Entity},
    book::customers,
    consent::consents::{self, ConsentRow, LogRow, NewConsent},
};
use serde_json::{Value, json};

/// Entries of the log that are shown.
const LOG: i64 = 100;

/// Consents of a customer.
pub struct ConsentsApi;

/// What somebody allows on a channel for a purpose.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Consent {
    /// On which channel.
    channel: Name<Channel>,
    /// For what.
    purpose: Name<Purpose>,
    /// They allow it.
    granted: bool,
    /// It is their own doing: nobody else overwrites it.
    own_choice: bool,
    /// `import`, `staff`, `preferences`, `unsubscribe`, `reply` or `complaint`.
    source: String,
    /// What shows it.
    proof: Option<Value>,
    /// When they said so.
    given_at: DateTime<Utc>,
    /// The employee who recorded it.
    recorded_by: Option<Id<UserId>>,
}

impl From<ConsentRow> for Consent {
    fn from(row: ConsentRow) -> Self {
        Self {
            channel: Name(row.channel),
            purpose: Name(row.purpose),
            granted: row.granted,
            own_choice: row.own_choice,
            source: row.source,
            proof: row.proof,
            given_at: row.given_at,
            recorded_by: row.recorded_by.map(|id| Id(UserId(id))),
        }
    }
}

/// One word of consent, or of its end.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct ConsentWord {
    /// On which channel.
    channel: Name<Channel>,
    /// For what.
    purpose: Name<Purpose>,
    /// They allow it.
    granted: bool,
    /// It is the person's own doing.
    own_choice: bool,
    /// False: it was told, and what held before still does.
    took_effect: bool,
    /// How it became known.
    source: String,
    /// What shows it.
    proof: Option<Value>,
    /// When they said so.
    given_at: DateTime<Utc>,
    /// The employee who recorded it.
    recorded_by: Option<Id<UserId>>,
    /// When it was recorded.
    recorded_at: DateTime<Utc>,
}

impl From<LogRow> for ConsentWord {
    fn from(row: LogRow) -> Self {
        Self {
            channel: Name(row.channel),
            purpose: Name(row.purpose),
            granted: row.granted,
            own_choice: row.own_choice,
            took_effect: row.took_effect,
            source: row.source,
            proof: row.proof,
            given_at: row.given_at,
            recorded_by: row.recorded_by.map(|id| Id(UserId(id))),
            recorded_at: row.created_at,
        }
    }
}

/// What a customer allows.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Consents {
    /// Whose.
    customer_id: Id<CustomerId>,
    /// What was ever said. Service messages are allowed until refused; marketing, by default, only once agreed to.
    consents: Vec<Consent>,
    /// Topics that they do not want.
    refused_topics: Vec<String>,
    /// Channels that their preferences have switched off.
    switched_off: Vec<Name<Channel>>,
    /// How it came to be, newest first.
    log: Vec<ConsentWord>,
}

/// What a customer said.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct ConsentGiven {
    /// On which channel.
    channel: Name<Channel>,
    /// For what.
    purpose: Name<Purpose>,
    /// They allow it.
    granted: bool,
    /// When they said so; now, if nothing is said.
    given_at: Option<DateTime<Utc>>,
    /// What shows it: a call, a form.
    #[oai(validator(max_length = 500))]
    proof: Option<String>,
}

/// What a customer said to an employee.
#[derive(Object)]
struct ConsentsBody {
    /// One for a channel and purpose.
    #[oai(validator(min_items = 1, max_items = 6))]
    consents: Vec<ConsentGiven>,
}

impl ConsentsBody {
    fn checked(self, customer: CustomerId, by: UserId, now: DateTime<Utc>) -> ApiResult<Vec<NewConsent>> {
        let mut told: Vec<NewConsent> = Vec::new();
        for (index, given) in self.consents.into_iter().enumerate() {
            let field = |name: &str| format!("consents[{index}].{name}");
            if told.iter().any(|one| one.channel == given.channel.0 && one.purpose == given.purpose.0) {
                return Err(ApiError::invalid(field("purpose"), "the channel and purpose are given twice"));
            }
            let given_at = given.given_at.unwrap_or(now);
            if given_at > now {
                return Err(ApiError::invalid(field("givenAt"), "lies ahead"));
            }
            told.push(NewConsent {
                customer,
                channel: given.channel.0,
                purpose: given.purpose.0,
                granted: given.granted,
                source: ConsentSource::Staff,
                proof: blank_is_none(given.proof).map(|note| json!({"note": note})),
                given_at,
                recorded_by: Some(by),
            });
        }
        Ok(told)
    }
}

#[OpenApi(prefix_path = "/api/customers", tag = "Tag::Consent")]
impl ConsentsApi {
    /// Get what a customer allows
    #[oai(path = "/:id/consents", method = "get")]
    async fn get(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CustomersView>,
        id: Path<Id<CustomerId>>,
    ) -> ApiResult<Reply<Consents>> {
        let mut connection = state.services.db.get().await?;
        let found = customers::find(&mut connection, caller.reach, id.0.0).await?;
        found.ok_or_else(|| ApiError::not_found("customer"))?;
        ok(shown(&mut connection, id.0.0).await?)
    }

    /// Record what a customer said
    ///
    /// What the customer chose themselves, on the page of preferences or by an answer, is not changed by it: the log
    /// shows the word with `tookEffect` false.
    #[oai(path = "/:id/consents", method = "put")]
    async fn put(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::CustomersEdit>,
        id: Path<Id<CustomerId>>,
        body: StrictBody<ConsentsBody>,
    ) -> ApiResult<Reply<Consents>> {
        let (id, now) = (id.0.0, state.services.clock.now());
        let told = body.0.checked(id, caller.user_id, now)?;
        let mut connection = state.services.db.get().await?;
        let consents = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let found = customers::find(connection, caller.reach, id).await?;
                found.ok_or_else(|| ApiError::not_found("customer"))?;
                let recorded = consents::record(connection, &told, now).await?;
                let after: Vec<Value> = told
                    .iter()
                    .zip(&recorded)
                    .map(|(one, recorded)| {
                        json!({
                            "channel": one.channel, "purpose": one.purpose, "granted": one.granted,
                            "tookEffect": recorded.took_effect,
                        })
                    })
                    .collect();
                let entry = caller.entry("customer.consents_recorded", Entity::of(id));
                audit::record(connection, &[entry.after(json!({"consents": after}))]).await?;
                Ok(shown(connection, id).await?)
            })
            .await?;
        ok(consents)
    }
}

async fn shown(connection: &mut AsyncPgConnection, id: CustomerId) -> Result<Consents, schema::DbError> {
    let held = consents::of_customer(connection, id).await?;
    let refused_topics = consents::refused_topics(connection, id).await?;
    let switched_off = consents::switched_off(connection, id).await?;
    let log = consents::log(connection, id, LOG).await?;
    Ok(Consents {
        customer_id: Id(id),
        consents: held.into_iter().map(Consent::from).collect(),
        refused_topics,
        switched_off: switched_off.into_iter().map(Name).collect(),
        log: log.into_iter().map(ConsentWord::from).collect(),
    })
}
