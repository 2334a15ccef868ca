//! Message templates: `/api/templates`.
//!
//! A template is checked when it is written, so that what a campaign uses can be sent; faults name the field.

mod check;
mod record;

use crate::{
    auth::{Guard, SignedIn, permit},
    communication::{self, AskedMessage, Text},
    envelope::{Accepted, Created, FieldFault, Reply, created, ok},
    error::{ApiError, ApiResult},
    request::{COUNT_CAP, Id, JsonBody, Name, Names, Page, Pagination, Sort, named_set},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::{
    ids::{CustomerId, TemplateId, UserId},
    local_day::local_day,
    messaging::{
        Channel, Purpose, Segments,
        template::{Template as Compiled, Variables},
    },
    permissions::Permission,
};
use poem::web::Data;
use poem_openapi::{
    Object, OpenApi,
    param::{Path, Query},
    types::Any,
};
use schema::{
    AsyncConnection, DbError,
    audit::{self, Entity},
    messages,
    template_versions::{self, TemplateVersion},
    templates::{self, Filter, TemplateKey, TemplateRow},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

named_set!(Channel);
named_set!(TemplateKey: ALL, name);

const NEWEST_FIRST: Sort<TemplateKey> = Sort { by: TemplateKey::CreatedAt, descending: true };

/// Message templates.
pub struct TemplatesApi;

/// A message template.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Template {
    /// Its id.
    id: Id<TemplateId>,
    /// What people call it.
    name: String,
    /// The channel it is for.
    #[oai(rename = "type")]
    channel: Name<Channel>,
    /// Emails only.
    subject: Option<String>,
    /// With variables, as `{name}` or `{{ name }}`.
    content: String,
    /// Names of its variables.
    variables: Vec<String>,
    /// What the provider calls its approved copy.
    provider_name: Option<String>,
    /// Such as `en` or `en_US`.
    language: String,
    /// Whether it may be used.
    is_active: bool,
    /// What it is for: `service` needs no consent, `marketing` does.
    purpose: Name<Purpose>,
    /// What it is about, for people who want some topics only.
    topic: Option<String>,
    /// `text` or `html`; emails only.
    format: String,
    /// Whether opens and clicks are watched; emails only.
    tracked: bool,
    /// Header, buttons and media of a WhatsApp template; registration and sender of an SMS.
    extras: Option<Any<Value>>,
    /// Which version it is; messages stay with the one they were written from.
    version: i32,
    /// Who wrote it.
    created_by: Option<Id<UserId>>,
    /// When it was written.
    created_at: DateTime<Utc>,
    /// When it was changed last.
    updated_at: DateTime<Utc>,
}

impl TryFrom<TemplateRow> for Template {
    type Error = ApiError;

    fn try_from(row: TemplateRow) -> ApiResult<Self> {
        let channel = Name(row.channel()?);
        let purpose = row.purpose()?;
        let variables = row.variables.as_array().into_iter().flatten();
        Ok(Self {
            id: Id(TemplateId(row.id)),
            channel,
            variables: variables.filter_map(|name| name.as_str().map(str::to_owned)).collect(),
            name: row.name,
            subject: row.subject,
            content: row.content,
            provider_name: row.provider_name,
            language: row.language,
            is_active: row.is_active,
            purpose: Name(purpose),
            topic: row.topic,
            format: row.format,
            tracked: row.tracked,
            extras: row.extras.map(Any),
            version: row.version,
            created_by: row.created_by.map(|id| Id(UserId(id))),
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// A part of the list.
#[derive(Object)]
struct Templates {
    /// In the order asked for.
    templates: Vec<Template>,
    /// Where in the list this is.
    pagination: Pagination,
}

/// What is written about a template.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub(crate) struct NewTemplate {
    /// What people call it.
    #[oai(validator(min_length = 1, max_length = 255))]
    name: String,
    /// The channel it is for.
    #[oai(rename = "type")]
    channel: Name<Channel>,
    /// Needed for emails, refused for others; may use variables.
    #[oai(validator(max_length = 500))]
    subject: Option<String>,
    /// With variables, as `{name}` or `{{ name }}`.
    #[oai(validator(min_length = 1, max_length = 262144))]
    content: String,
    /// Names of its variables; by default those that the text uses. A variable the text uses has to be listed.
    #[oai(validator(max_items = 200))]
    variables: Option<Vec<String>>,
    /// What the provider calls its approved copy; WhatsApp only.
    #[oai(validator(max_length = 255))]
    provider_name: Option<String>,
    /// Such as `en` or `en_US`; by default `en`.
    #[oai(validator(max_length = 10))]
    language: Option<String>,
    /// Whether it may be used; by default true.
    is_active: Option<bool>,
    /// What it is for; by default `service`.
    purpose: Option<Name<Purpose>>,
    /// What it is about, for people who want some topics only.
    #[oai(validator(max_length = 50))]
    topic: Option<String>,
    /// Whether the content is `text` (default) or `html`; emails only. A page gets its styles inlined and a text part.
    #[oai(validator(pattern = "^(text|html)$"))]
    format: Option<String>,
    /// Whether opens and clicks are watched; emails only, by default false.
    tracked: Option<bool>,
    /// Of a WhatsApp template `{"header": …, "buttons": […], "replyFlowId": …}`, whose texts may use variables; answers
    /// to its buttons lead into the flow, as if the template were its first message. Of an SMS `{"sender": …,
    /// "registration": {"entity_id": …, "template_id": …}, "validitySeconds": …}`.
    extras: Option<Any<Value>>,
    /// The same text in other languages; whoever has none of them gets the template's own.
    #[oai(validator(max_items = 50))]
    translations: Option<Vec<Translation>>,
}

/// A template's text in another language.
#[derive(Debug, Clone, Object)]
pub(crate) struct Translation {
    /// Such as `hi` or `en_US`.
    #[oai(validator(min_length = 2, max_length = 10))]
    language: String,
    /// Emails only.
    #[oai(validator(max_length = 500))]
    subject: Option<String>,
    /// With the template's variables.
    #[oai(validator(min_length = 1, max_length = 262144))]
    content: String,
    /// What goes with the text in this language, such as its own registration; by default what goes with the template.
    extras: Option<Any<Value>>,
}

/// What became of a template.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Written {
    /// Its id.
    template_id: Id<TemplateId>,
    /// What was done.
    message: String,
    /// Variables that no policy or customer offers: a campaign cannot fill them, a single send has to give them.
    unknown_variables: Vec<String>,
}

/// Values to try a template out with.
#[derive(Object)]
struct Sample {
    /// Values by name; samples stand in for known variables that are not given.
    #[oai(default)]
    variables: HashMap<String, String>,
    /// A real customer, whose values stand in instead of samples: with a renewal case, those of its policy too.
    #[oai(rename = "customerId")]
    customer_id: Option<Id<CustomerId>>,
    /// A language the template has; by default its own.
    language: Option<String>,
}

/// A template with values.
#[derive(Object)]
struct Preview {
    /// Emails only.
    subject: Option<String>,
    /// The text.
    content: String,
    /// The language it is in.
    language: String,
    /// Which version it is.
    version: i32,
    /// Parts of a text message, each of which is charged.
    segments: Option<u32>,
    /// How a text message is written: `gsm7`, or `ucs2` where a character asks for it, which holds half as much.
    encoding: Option<String>,
}

/// A try.
#[derive(Object)]
struct TestSend {
    /// A number, or an address for mail.
    #[oai(validator(max_length = 255))]
    to: String,
    /// Values by name; samples stand in for known variables that are not given.
    #[oai(default)]
    variables: HashMap<String, String>,
}

#[OpenApi(prefix_path = "/api/templates", tag = "Tag::Templates")]
impl TemplatesApi {
    /// List templates
    #[oai(path = "/", method = "get")]
    #[expect(clippy::too_many_arguments, reason = "one a filter")]
    async fn list(
        &self,
        state: Data<&SharedState>,
        _caller: Guard<permit::TemplatesView>,
        /// Of these channels only.
        #[oai(name = "type")]
        channels: Query<Option<Names<Channel>>>,
        /// Only those that may be used, or only those that may not.
        active: Query<Option<bool>>,
        /// By default newest first.
        sort: Query<Option<Sort<TemplateKey>>>,
        page: Query<Option<u32>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<Templates>> {
        let page = Page::read(page.0, limit.0)?;
        let filter = Filter { channels: channels.0.map(|names| names.0).unwrap_or_default(), active: active.0 };
        let mut connection = state.services.db.get().await?;
        let Sort { by, descending } = sort.0.unwrap_or(NEWEST_FIRST);
        let rows = templates::list(&mut connection, &filter, by, descending, page.offset(), page.limit()).await?;
        let counted = templates::count(&mut connection, &filter, COUNT_CAP + 1).await?;
        let templates = rows.into_iter().map(Template::try_from).collect::<ApiResult<_>>()?;
        ok(Templates { templates, pagination: page.of(counted) })
    }

    /// Get a template
    #[oai(path = "/:id", method = "get")]
    async fn get(
        &self,
        state: Data<&SharedState>,
        _caller: Guard<permit::TemplatesView>,
        id: Path<Id<TemplateId>>,
    ) -> ApiResult<Reply<Template>> {
        ok(find(&state, id.0.0).await?.try_into()?)
    }

    /// Write a template
    #[oai(path = "/", method = "post")]
    async fn create(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::TemplatesManage>,
        body: JsonBody<NewTemplate>,
    ) -> ApiResult<Created<Written>> {
        let checked = check::checked(body.0)?;
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        check::demand_reply_flow(&mut connection, &checked).await?;
        let id = connection
            .transaction::<_, DbError, _>(async |connection| {
                let id = templates::create(connection, &checked.text(), caller.user_id, now).await?;
                let entry = caller.entry("template.created", Entity::of(id)).after(record::text(&checked.text()));
                audit::record(connection, &[entry]).await?;
                Ok(id)
            })
            .await?;
        created(Written {
            template_id: Id(id),
            message: "Template created successfully".to_owned(),
            unknown_variables: checked.unknown_variables,
        })
    }

    /// Change a template
    ///
    /// Replaces all of it; what is left out gets its default.
    #[oai(path = "/:id", method = "put")]
    async fn update(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::TemplatesManage>,
        id: Path<Id<TemplateId>>,
        body: JsonBody<NewTemplate>,
    ) -> ApiResult<Reply<Written>> {
        let checked = check::checked(body.0)?;
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        check::demand_reply_flow(&mut connection, &checked).await?;
        connection
            .transaction::<_, ApiError, _>(async |connection| {
                let before =
                    templates::hold(connection, id.0.0).await?.ok_or_else(|| ApiError::not_found("template"))?;
                templates::update(connection, id.0.0, &checked.text(), caller.user_id, now).await?;
                let entry = caller.entry("template.changed", Entity::of(id.0.0));
                let entry = entry.before(record::row(&before)).after(record::text(&checked.text()));
                Ok(audit::record(connection, &[entry]).await?)
            })
            .await?;
        ok(Written {
            template_id: id.0,
            message: "Template updated successfully".to_owned(),
            unknown_variables: checked.unknown_variables,
        })
    }

    /// Retire a template
    ///
    /// It stays in the list, not active; campaigns that use it go on.
    #[oai(path = "/:id", method = "delete")]
    async fn deactivate(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::TemplatesManage>,
        id: Path<Id<TemplateId>>,
    ) -> ApiResult<Reply<Written>> {
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        connection
            .transaction::<_, ApiError, _>(async |connection| {
                let before =
                    templates::hold(connection, id.0.0).await?.ok_or_else(|| ApiError::not_found("template"))?;
                templates::deactivate(connection, id.0.0, now).await?;
                let entry = caller.entry("template.retired", Entity::of(id.0.0));
                let entry = entry.before(json!({"isActive": before.is_active})).after(json!({"isActive": false}));
                Ok(audit::record(connection, &[entry]).await?)
            })
            .await?;
        let message = "Template deactivated".to_owned();
        ok(Written { template_id: id.0, message, unknown_variables: Vec::new() })
    }

    /// Try a template out
    #[oai(path = "/:id/preview", method = "post")]
    async fn preview(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::TemplatesView>,
        id: Path<Id<TemplateId>>,
        body: JsonBody<Sample>,
    ) -> ApiResult<Reply<Preview>> {
        let row = find(&state, id.0.0).await?;
        let (version, variables) = chosen(&state, &caller, &row, body.0).await?;
        let is_html = version.is_html();
        let short = |text: &str| -> ApiResult<String> { Ok(Compiled::compile_short(text)?.render(&variables)?) };
        let content = match row.channel()? {
            Channel::Email if is_html => Compiled::compile_html(&version.content)?.render(&variables)?,
            Channel::Email => Compiled::compile(&version.content)?.render(&variables)?,
            Channel::Sms | Channel::Whatsapp => short(&version.content)?,
        };
        let sms = (row.channel()? == Channel::Sms).then(|| Segments::of(&content));
        ok(Preview {
            subject: version.subject.as_deref().map(short).transpose()?,
            content,
            language: version.language,
            version: version.version,
            segments: sms.map(|sms| u32::try_from(sms.count).unwrap_or(u32::MAX)),
            encoding: sms.map(|sms| sms.encoding.as_str().to_owned()),
        })
    }

    /// Send a template to oneself
    ///
    /// Filled in with samples, to an address of one's own choice, by the way any single message goes.
    #[oai(path = "/:id/test-send", method = "post")]
    async fn test_send(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::MessagesSend>,
        id: Path<Id<TemplateId>>,
        body: JsonBody<TestSend>,
    ) -> ApiResult<Accepted<AskedMessage>> {
        let row = find(&state, id.0.0).await?;
        let mut values: HashMap<String, String> = Variables::sample_texts().into_iter().collect();
        values.extend(body.0.variables);
        let text = Text { channel: row.channel()?, template: id.0.0, version: None, subject: None };
        communication::test_send(&state, &caller, text, body.0.to, values).await
    }
}

/// The version and language asked for, with the values it is to show.
async fn chosen(
    state: &SharedState,
    caller: &SignedIn,
    row: &TemplateRow,
    asked: Sample,
) -> ApiResult<(TemplateVersion, Variables)> {
    let mut connection = state.services.db.get().await?;
    let versions = template_versions::of_template(&mut connection, row.id, None).await?;
    let wanted = |version: &TemplateVersion| asked.language.as_ref().is_none_or(|wanted| *wanted == version.language);
    let version = versions.into_iter().find(wanted);
    let version =
        version.ok_or_else(|| ApiError::faults(vec![fault("language", "the template has no such language")]))?;
    let given: BTreeMap<_, _> = asked.variables.into_iter().collect();
    let Some(customer) = asked.customer_id else {
        let mut variables = Variables::sample();
        variables.given.extend(given);
        return Ok((version, variables));
    };
    caller.demand(Permission::CustomersView)?;
    let found = messages::sample_of(&mut connection, caller.reach, customer.0.0).await?;
    let mut found = found.ok_or_else(|| ApiError::faults(vec![fault("customerId", "there is no such customer")]))?;
    let mut variables = found.variables(local_day(state.services.clock.now(), None));
    variables.given = Variables::sample().given;
    variables.given.extend(given);
    Ok((version, variables))
}

fn fault(field: &str, message: &str) -> FieldFault {
    FieldFault { field: field.to_owned(), message: message.to_owned() }
}

async fn find(state: &SharedState, id: TemplateId) -> ApiResult<TemplateRow> {
    let mut connection = state.services.db.get().await?;
    templates::get(&mut connection, id).await?.ok_or_else(|| ApiError::not_found("template"))
}
