//! What every single message is asked for with: to whom, about what, when; and how it becomes a row with its job.
//!
//! Faults name the field. The answer comes at once; the job sends.

use super::message_id;
use crate::{
    auth::SignedIn,
    envelope::{Accepted, FieldFault, accepted},
    error::{ApiError, ApiResult},
    request::Id,
    state::SharedState,
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    contact::{Email, Phone},
    ids::{CaseId, CustomerId, TemplateId},
    messaging::{Channel, Purpose, Segments, price, restraint::country_of},
};
use jobs::sending::{
    content::{Content, SmsContent},
    single,
};
use poem_openapi::Object;
use schema::{
    AsyncConnection, AsyncPgConnection, DbError,
    audit::{self, Entity},
    book::customers,
    messages::{
        NewSingle,
        story::{customer_with, subject_of_case},
    },
    prices, template_versions, templates,
};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Nobody asks further ahead.
const FARTHEST: TimeDelta = TimeDelta::days(366);
/// The country of numbers that come without one.
const COUNTRY: &str = "IN";

/// To whom, about what, when.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub to: Option<String>,
    pub customer_id: Option<Id<CustomerId>>,
    pub case_id: Option<Id<CaseId>>,
    pub template_id: Option<String>,
    /// Instead of its newest version.
    pub template_version: Option<i32>,
    /// Instead of the template's own.
    pub subject: Option<String>,
    pub parameters: Option<HashMap<String, String>>,
    pub scheduled_at: Option<DateTime<Utc>>,
    pub purpose: Option<Purpose>,
    pub topic: Option<String>,
    /// The step of a flow that it is.
    pub flow: Option<(i64, String)>,
}

/// A message that was asked for.
#[derive(Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub(crate) struct AskedMessage {
    /// What it is called from now on.
    message_id: String,
    /// `pending`: a job sends it.
    status: String,
    /// When it was asked for.
    timestamp: DateTime<Utc>,
    /// The job that sends it.
    job_id: Uuid,
    /// Not before.
    scheduled_at: Option<DateTime<Utc>>,
    /// What it will cost, where a price is known.
    cost: Option<rust_decimal::Decimal>,
    /// ISO 4217.
    currency: Option<String>,
    /// Parts of a text message, each of which is charged.
    segments: Option<u32>,
}

impl AskedMessage {
    /// The job that sends it.
    pub fn job_id(&self) -> Uuid {
        self.job_id
    }
}

/// Asks for a message; `says` is what it says when it fills in no template.
pub(super) async fn ask(
    state: &SharedState,
    caller: &SignedIn,
    channel: Channel,
    given: Given,
    says: Option<Content>,
) -> ApiResult<Accepted<AskedMessage>> {
    let now = state.services.clock.now();
    let due_at = due(given.scheduled_at, now)?;
    let mut connection = state.services.db.get().await?;
    let (address, customer) = recipient(&mut connection, caller, channel, &given).await?;
    let case = case_of(&mut connection, caller, &given, customer).await?;
    let (content, template) = match (says, &given.template_id) {
        (Some(_), Some(_)) => return Err(fault("templateId", "either a template or a text of its own, not both")),
        (None, None) => return Err(fault("templateId", "is required, or a text of its own")),
        (Some(content), None) => (content, None),
        (None, Some(name)) => {
            let values: BTreeMap<String, String> = given.parameters.clone().unwrap_or_default().into_iter().collect();
            let pinned = template(&mut connection, channel, name, given.template_version).await?;
            (Content::Template { values, subject: given.subject.clone() }, Some(pinned))
        }
    };
    let purpose = given.purpose.or(template.as_ref().map(|template| template.purpose)).unwrap_or(Purpose::Service);
    let segments = match &content {
        Content::Sms(sms) => u32::try_from(Segments::of(&sms.body).count).ok(),
        Content::Template { .. } | Content::Whatsapp { .. } | Content::Email(_) => None,
    };
    if let Content::Sms(sms) = &content {
        demand_registration(state, &address, sms)?;
    }
    let cost = cost(state, &mut connection, channel, (&address, purpose), segments, now).await?;
    let new = NewSingle {
        channel,
        address,
        customer_id: customer,
        policy_id: case.map(|case| case.1),
        case_id: case.map(|case| case.0),
        purpose,
        topic: given.topic.or_else(|| template.as_ref().and_then(|template| template.topic.clone())),
        template: template.map(|template| (template.id, template.version)),
        content: serde_json::to_value(&content).map_err(ApiError::internal)?,
        flow: given.flow,
        due_at,
        created_by: Some(caller.user_id.0),
    };
    let (id, enqueued) = connection
        .transaction::<_, DbError, _>(async |connection| {
            let (id, enqueued) = single::ask(connection, &new, now).await?;
            let entry = caller.entry("message.asked", Entity::of(id)).after(json!({
                "channel": channel, "customerId": customer.map(CustomerId), "caseId": case.map(|case| CaseId(case.0)),
                "purpose": purpose, "templateId": new.template.map(|(id, _)| TemplateId(id)),
                "scheduledAt": given.scheduled_at,
            }));
            audit::record(connection, &[entry]).await?;
            Ok((id, enqueued))
        })
        .await?;
    drop(connection);
    let job_id = enqueued.id;
    state.services.dispatcher.push(&[enqueued]).await;
    let (cost, currency) = cost.map(|cost| (cost.amount, cost.currency)).unzip();
    accepted(AskedMessage {
        message_id: message_id::shown(channel, id.0),
        status: "pending".to_owned(),
        timestamp: now,
        job_id,
        scheduled_at: given.scheduled_at,
        cost,
        currency,
        segments,
    })
}

/// Refuses a text that the recipient's country does not take. A template's own registration is looked at when it is
/// written out.
fn demand_registration(state: &SharedState, address: &str, sms: &SmsContent) -> ApiResult<()> {
    let country = country_of(address);
    let needed = country.filter(|country| state.services.lines.registered_countries().contains(country));
    match (needed, &sms.registration) {
        (Some(country), None) => {
            Err(fault("registration", format!("{country} takes only texts that are registered there")))
        }
        _ => Ok(()),
    }
}

pub(super) fn fault(field: &str, message: impl Into<String>) -> ApiError {
    ApiError::faults(vec![FieldFault { field: field.to_owned(), message: message.into() }])
}

fn due(asked: Option<DateTime<Utc>>, now: DateTime<Utc>) -> ApiResult<DateTime<Utc>> {
    match asked {
        None => Ok(now),
        Some(at) if at <= now => Err(fault("scheduledAt", "expected a time ahead")),
        Some(at) if at > now + FARTHEST => Err(fault("scheduledAt", "expected a time within a year")),
        Some(at) => Ok(at),
    }
}

/// Where it goes, and whose address that is.
async fn recipient(
    connection: &mut AsyncPgConnection,
    caller: &SignedIn,
    channel: Channel,
    given: &Given,
) -> ApiResult<(String, Option<i64>)> {
    match (&given.to, given.customer_id) {
        (Some(_), Some(_)) => Err(fault("to", "either to or customerId, not both")),
        (None, None) => Err(fault("to", "is required, or customerId")),
        (Some(to), None) => {
            let address = address(channel, to)?;
            let customer = customer_with(connection, caller.reach, channel, &address).await?;
            Ok((address, customer))
        }
        (None, Some(id)) => {
            let found = customers::find(connection, caller.reach, id.0).await?;
            let row = found.ok_or_else(|| fault("customerId", "there is no such customer"))?;
            let (address, what) = match channel {
                Channel::Email => (row.email, "email address"),
                Channel::Whatsapp | Channel::Sms => (row.phone, "phone number"),
            };
            let address = address.ok_or_else(|| fault("customerId", format!("the customer has no {what}")))?;
            Ok((address, Some(id.0.0)))
        }
    }
}

fn address(channel: Channel, to: &str) -> ApiResult<String> {
    let read = match channel {
        Channel::Email => to.parse::<Email>().map(|email| email.to_string()).map_err(|error| error.to_string()),
        Channel::Whatsapp | Channel::Sms => {
            Phone::parse(to, COUNTRY).map(String::from).map_err(|error| error.to_string())
        }
    };
    read.map_err(|error| fault("to", error))
}

/// The case with its policy, which has to be the recipient's.
async fn case_of(
    connection: &mut AsyncPgConnection,
    caller: &SignedIn,
    given: &Given,
    customer: Option<i64>,
) -> ApiResult<Option<(i64, i64)>> {
    let Some(case) = given.case_id else { return Ok(None) };
    let subject = subject_of_case(connection, caller.reach, case.0.0).await?;
    let (policy, holder) = subject.ok_or_else(|| fault("caseId", "there is no such case"))?;
    if customer != Some(holder) {
        return Err(fault("caseId", "is another customer's case"));
    }
    Ok(Some((case.0.0, policy)))
}

struct Pinned {
    id: i64,
    version: i64,
    purpose: Purpose,
    topic: Option<String>,
}

/// A template by its id or by its name, here or at the provider, in its fallback language.
async fn template(
    connection: &mut AsyncPgConnection,
    channel: Channel,
    name: &str,
    version: Option<i32>,
) -> ApiResult<Pinned> {
    let found = match name.parse::<TemplateId>() {
        Ok(id) => templates::get(connection, id).await?,
        Err(_) => templates::named(connection, channel, name).await?,
    };
    let row = found.ok_or_else(|| fault("templateId", "there is no such template"))?;
    if row.channel()? != channel {
        return Err(fault("templateId", format!("is a template for {}", row.template_type)));
    }
    if !row.is_active {
        return Err(fault("templateId", "is not active any more"));
    }
    let versions = template_versions::of_template(connection, row.id, version).await?;
    let first = versions.into_iter().next().ok_or_else(|| fault("templateId", "has no text"))?;
    Ok(Pinned { id: row.id, version: first.id, purpose: first.purpose()?, topic: first.topic })
}

/// What it will cost over the channel's first account.
async fn cost(
    state: &SharedState,
    connection: &mut AsyncPgConnection,
    channel: Channel,
    (address, purpose): (&str, Purpose),
    segments: Option<u32>,
    now: DateTime<Utc>,
) -> ApiResult<Option<price::Cost>> {
    let known = prices::on(connection, channel, now.date_naive()).await?;
    let lines = state.services.lines.of(channel);
    let Some(line) = lines.first() else { return Ok(None) };
    let segments = segments.and_then(|segments| u16::try_from(segments).ok());
    Ok(price::of_message(&known, line.account().name(), (channel, purpose), address, segments))
}
