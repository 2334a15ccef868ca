//! WhatsApp templates: `/api/whatsapp/templates`. Written here, checked here, handed in for review, kept in step.

use super::{WhatsappJob, begun, demand_account, enqueue};
use crate::{
    auth::{Guard, permit},
    envelope::{Accepted, Created, FieldFault, Reply, created, ok},
    error::{ApiError, ApiResult},
    request::{COUNT_CAP, Id, Name, Names, Page, Pagination, StrictBody, named_set},
    state::SharedState,
    tags::Tag,
};
use chrono::{DateTime, Utc};
use domain::{
    ids::{TemplateId, UserId, WhatsappTemplateId},
    messaging::{
        Channel,
        whatsapp_template::{TemplateCategory, TemplateDraft, TemplateState},
    },
};
use jobs::kinds::{
    delete_whatsapp_template::DeleteWhatsappTemplate, submit_whatsapp_template::SubmitWhatsappTemplate,
    sync_whatsapp_templates::SyncWhatsappTemplates,
};
use poem::web::Data;
use poem_openapi::{
    Object, OpenApi,
    param::{Path, Query},
};
use schema::{
    AsyncConnection, AsyncPgConnection,
    audit::{self, Entity},
    templates,
    whatsapp_templates::{self, WhatsappTemplateRow, WhatsappTemplateText},
};
use serde_json::{Value, json};

named_set!(TemplateCategory, TemplateState);

/// WhatsApp templates.
pub struct WhatsappTemplatesApi;

/// A WhatsApp template.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct WhatsappTemplate {
    /// Its id.
    id: Id<WhatsappTemplateId>,
    /// Its name at the provider.
    name: String,
    /// Such as `en` or `en_US`.
    language: String,
    /// What it is for; the provider may move it to another.
    category: Name<TemplateCategory>,
    /// Where it stands.
    status: Name<TemplateState>,
    /// Its parts, in the provider's form.
    components: Value,
    /// The template that it is the approved copy of.
    template_id: Option<Id<TemplateId>>,
    /// The provider's id of it.
    provider_template_id: Option<String>,
    /// How recipients take it: GREEN, YELLOW or RED.
    quality: Option<String>,
    /// Why it was refused.
    rejected_reason: Option<String>,
    /// Who wrote it.
    created_by: Option<Id<UserId>>,
    /// When it was handed in last.
    submitted_at: Option<DateTime<Utc>>,
    /// When it was approved first.
    approved_at: Option<DateTime<Utc>>,
    /// When the provider was asked about it last.
    synced_at: Option<DateTime<Utc>>,
    /// When it was written.
    created_at: DateTime<Utc>,
    /// When it was changed last.
    updated_at: DateTime<Utc>,
}

impl TryFrom<WhatsappTemplateRow> for WhatsappTemplate {
    type Error = ApiError;

    fn try_from(row: WhatsappTemplateRow) -> ApiResult<Self> {
        Ok(Self {
            id: Id(WhatsappTemplateId(row.id)),
            category: Name(row.category()?),
            status: Name(row.state()?),
            components: row.template_data["components"].clone(),
            name: row.name,
            language: row.language,
            template_id: row.template_id.map(|id| Id(TemplateId(id))),
            provider_template_id: row.provider_template_id,
            quality: row.quality,
            rejected_reason: row.rejected_reason,
            created_by: row.created_by.map(|id| Id(UserId(id))),
            submitted_at: row.submitted_at,
            approved_at: row.approved_at,
            synced_at: row.synced_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// A part of the list.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct WhatsappTemplates {
    /// Newest first.
    templates: Vec<WhatsappTemplate>,
    /// Where in the list this is.
    pagination: Pagination,
}

/// What is written about a WhatsApp template.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct NewWhatsappTemplate {
    /// Small letters, digits and underscores.
    #[oai(validator(min_length = 1, max_length = 255))]
    name: String,
    /// Such as `en` or `en_US`; by default `en`.
    #[oai(validator(max_length = 10))]
    language: Option<String>,
    /// What it is for.
    category: Name<TemplateCategory>,
    /// Its parts, in the provider's form: HEADER, BODY, FOOTER, BUTTONS.
    components: Value,
    /// The template that it is to be the approved copy of.
    template_id: Option<Id<TemplateId>>,
}

/// A template that passed every check.
struct Checked {
    draft: TemplateDraft,
    data: Value,
    template: Option<i64>,
}

impl Checked {
    fn text(&self) -> WhatsappTemplateText<'_> {
        WhatsappTemplateText {
            name: &self.draft.name,
            category: self.draft.category,
            language: &self.draft.language,
            data: &self.data,
            template: self.template,
        }
    }

    fn entry(&self) -> Value {
        json!({
            "name": self.draft.name, "language": self.draft.language, "category": self.draft.category.as_str(),
            "components": self.data["components"],
        })
    }
}

fn checked(body: NewWhatsappTemplate) -> ApiResult<Checked> {
    let components =
        serde_json::from_value(body.components).map_err(|error| ApiError::invalid("components", error.to_string()))?;
    let draft = TemplateDraft {
        name: body.name,
        language: body.language.unwrap_or_else(|| "en".to_owned()),
        category: body.category.0,
        components,
    };
    let faults: Vec<FieldFault> =
        draft.check().into_iter().map(|fault| FieldFault { field: fault.path, message: fault.problem }).collect();
    if !faults.is_empty() {
        return Err(ApiError::faults(faults));
    }
    let data = json!({"components": draft.components});
    Ok(Checked { draft, data, template: body.template_id.map(|id| id.0.0) })
}

#[OpenApi(prefix_path = "/api/whatsapp/templates", tag = "Tag::Whatsapp")]
impl WhatsappTemplatesApi {
    /// List WhatsApp templates
    #[oai(path = "/", method = "get")]
    async fn list(
        &self,
        state: Data<&SharedState>,
        _caller: Guard<permit::TemplatesView>,
        /// Only those that stand so.
        status: Query<Option<Names<TemplateState>>>,
        page: Query<Option<u32>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<WhatsappTemplates>> {
        let page = Page::read(page.0, limit.0)?;
        let states = status.0.map(|names| names.0).unwrap_or_default();
        let mut connection = state.services.db.get().await?;
        let rows = whatsapp_templates::list(&mut connection, &states, page.offset(), page.limit()).await?;
        let counted = whatsapp_templates::count(&mut connection, &states, COUNT_CAP + 1).await?;
        let templates = rows.into_iter().map(WhatsappTemplate::try_from).collect::<ApiResult<_>>()?;
        ok(WhatsappTemplates { templates, pagination: page.of(counted) })
    }

    /// Get a WhatsApp template
    #[oai(path = "/:id", method = "get")]
    async fn get(
        &self,
        state: Data<&SharedState>,
        _caller: Guard<permit::TemplatesView>,
        id: Path<Id<WhatsappTemplateId>>,
    ) -> ApiResult<Reply<WhatsappTemplate>> {
        let row = whatsapp_templates::get(&mut *state.services.db.get().await?, id.0.0).await?;
        ok(row.ok_or_else(missing)?.try_into()?)
    }

    /// Write a WhatsApp template
    ///
    /// As a draft: nothing reaches the provider before it is handed in.
    #[oai(path = "/", method = "post")]
    async fn create(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::TemplatesManage>,
        body: StrictBody<NewWhatsappTemplate>,
    ) -> ApiResult<Created<WhatsappTemplate>> {
        let checked = checked(body.0)?;
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        let row = connection
            .transaction::<_, ApiError, _>(async |connection| {
                check_template(connection, &checked).await?;
                let written = whatsapp_templates::create(connection, &checked.text(), caller.user_id, now).await?;
                let id = written.ok_or_else(taken)?;
                let entry = caller.entry("whatsapp_template.created", Entity::of(id)).after(checked.entry());
                audit::record(connection, &[entry]).await?;
                whatsapp_templates::get(connection, id).await?.ok_or_else(missing)
            })
            .await?;
        created(row.try_into()?)
    }

    /// Change a WhatsApp template
    ///
    /// It is a draft then, and is handed in again. Name and language stay once the provider has it. 409 while it is in
    /// review.
    #[oai(path = "/:id", method = "put")]
    async fn update(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::TemplatesManage>,
        id: Path<Id<WhatsappTemplateId>>,
        body: StrictBody<NewWhatsappTemplate>,
    ) -> ApiResult<Reply<WhatsappTemplate>> {
        let checked = checked(body.0)?;
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        let row = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let before = whatsapp_templates::hold(connection, id.0.0).await?.ok_or_else(missing)?;
                demand_changeable(&before)?;
                let fixed = before.provider_template_id.is_some();
                if fixed && (before.name != checked.draft.name || before.language != checked.draft.language) {
                    let message = "the provider has it under its name and language: write another one";
                    return Err(ApiError::conflict("template_is_known", message));
                }
                check_template(connection, &checked).await?;
                if !whatsapp_templates::update(connection, id.0.0, &checked.text(), now).await? {
                    return Err(taken());
                }
                let entry = caller.entry("whatsapp_template.changed", Entity::of(id.0.0));
                let entry = entry.before(record(&before)).after(checked.entry());
                audit::record(connection, &[entry]).await?;
                whatsapp_templates::get(connection, id.0.0).await?.ok_or_else(missing)
            })
            .await?;
        ok(row.try_into()?)
    }

    /// Hand a WhatsApp template in
    ///
    /// For the provider's review, which takes up to a day.
    #[oai(path = "/:id/submit", method = "post")]
    async fn submit(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::TemplatesManage>,
        id: Path<Id<WhatsappTemplateId>>,
    ) -> ApiResult<Accepted<WhatsappJob>> {
        demand_account(&state)?;
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        let (job_id, enqueued) = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let before = whatsapp_templates::hold(connection, id.0.0).await?.ok_or_else(missing)?;
                demand_changeable(&before)?;
                whatsapp_templates::begin_submission(connection, id.0.0, now).await?;
                let entry = caller.entry("whatsapp_template.submitted", Entity::of(id.0.0));
                let entry = entry.before(json!({"status": before.status})).after(json!({"status": "pending"}));
                audit::record(connection, &[entry]).await?;
                enqueue(connection, &state, &SubmitWhatsappTemplate { template: id.0.0.0 }, caller.user_id.0).await
            })
            .await?;
        drop(connection);
        begun(&state, job_id, &enqueued).await
    }

    /// Ask how templates stand
    ///
    /// Every hour this is done anyway. Templates that were written elsewhere are added.
    #[oai(path = "/sync", method = "post")]
    async fn sync(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::TemplatesManage>,
    ) -> ApiResult<Accepted<WhatsappJob>> {
        demand_account(&state)?;
        let mut connection = state.services.db.get().await?;
        let (job_id, enqueued) = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let asked = enqueue(connection, &state, &SyncWhatsappTemplates {}, caller.user_id.0).await?;
                audit::record(connection, &[caller.entry("whatsapp_templates.synced", Entity::job(asked.0))]).await?;
                Ok(asked)
            })
            .await?;
        drop(connection);
        begun(&state, job_id, &enqueued).await
    }

    /// Take a WhatsApp template back
    ///
    /// At the provider too; it is gone when the job is done.
    #[oai(path = "/:id", method = "delete")]
    async fn delete(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::TemplatesManage>,
        id: Path<Id<WhatsappTemplateId>>,
    ) -> ApiResult<Accepted<WhatsappJob>> {
        demand_account(&state)?;
        let mut connection = state.services.db.get().await?;
        let (job_id, enqueued) = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let before = whatsapp_templates::hold(connection, id.0.0).await?.ok_or_else(missing)?;
                let entry = caller.entry("whatsapp_template.deleted", Entity::of(id.0.0)).before(record(&before));
                audit::record(connection, &[entry]).await?;
                enqueue(connection, &state, &DeleteWhatsappTemplate { template: id.0.0.0 }, caller.user_id.0).await
            })
            .await?;
        drop(connection);
        begun(&state, job_id, &enqueued).await
    }
}

async fn check_template(connection: &mut AsyncPgConnection, checked: &Checked) -> ApiResult<()> {
    let Some(id) = checked.template else { return Ok(()) };
    let found = templates::get(connection, TemplateId(id)).await?;
    if found.is_none_or(|template| template.template_type != Channel::Whatsapp.as_str()) {
        return Err(ApiError::invalid("templateId", "there is no such template for WhatsApp"));
    }
    Ok(())
}

fn demand_changeable(row: &WhatsappTemplateRow) -> ApiResult<()> {
    let state = row.state()?;
    if !state.may_change() {
        return Err(ApiError::conflict("template_is_fixed", format!("a template that is {state} does not change")));
    }
    Ok(())
}

fn record(row: &WhatsappTemplateRow) -> Value {
    json!({
        "name": row.name, "language": row.language, "category": row.category, "status": row.status,
        "components": row.template_data["components"],
    })
}

fn missing() -> ApiError {
    ApiError::not_found("WhatsApp template")
}

fn taken() -> ApiError {
    ApiError::conflict("template_exists", "there is a template of that name and language")
}
