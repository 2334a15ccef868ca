//! Flows over WhatsApp: `/api/whatsapp/flows`. Written as drafts, checked, published, retired.

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
    ids::{FlowId, UserId},
    messaging::flow::{self, FlowFault, FlowKind, FlowStatus, Follow, ReplyFlow},
};
use jobs::kinds::{publish_whatsapp_flow::PublishWhatsappFlow, retire_whatsapp_flow::RetireWhatsappFlow};
use poem::web::Data;
use poem_openapi::{
    Object, OpenApi,
    param::{Path, Query},
};
use schema::{
    AsyncConnection, AsyncPgConnection,
    audit::{self, Entity},
    whatsapp_flows::{self, FlowFilter, FlowRow},
};
use serde_json::{Value, json};

named_set!(FlowKind, FlowStatus);

/// Flows over WhatsApp.
pub struct WhatsappFlowsApi;

/// A flow over WhatsApp.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct WhatsappFlow {
    /// Its id.
    id: Id<FlowId>,
    /// What people call it.
    name: String,
    /// A form, or what follows from answers.
    kind: Name<FlowKind>,
    /// Where it stands.
    status: Name<FlowStatus>,
    /// What it does.
    definition: Value,
    /// The provider's id of a form.
    provider_flow_id: Option<String>,
    /// What the provider has against a form.
    provider_errors: Option<Value>,
    /// Who wrote it.
    created_by: Option<Id<UserId>>,
    /// When it was published.
    published_at: Option<DateTime<Utc>>,
    /// When it was written.
    created_at: DateTime<Utc>,
    /// When it was changed last.
    updated_at: DateTime<Utc>,
}

impl TryFrom<FlowRow> for WhatsappFlow {
    type Error = ApiError;

    fn try_from(row: FlowRow) -> ApiResult<Self> {
        Ok(Self {
            id: Id(FlowId(row.id)),
            kind: Name(row.kind()?),
            status: Name(row.status()?),
            name: row.name,
            definition: row.definition,
            provider_flow_id: row.provider_flow_id,
            provider_errors: row.provider_errors,
            created_by: row.created_by.map(|id| Id(UserId(id))),
            published_at: row.published_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// A part of the list.
#[derive(Object)]
struct WhatsappFlows {
    /// Newest first.
    flows: Vec<WhatsappFlow>,
    /// Where in the list this is.
    pagination: Pagination,
}

/// What is written about a flow.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct NewWhatsappFlow {
    /// What people call it.
    #[oai(validator(min_length = 1, max_length = 100))]
    name: String,
    /// A form, or what follows from answers; it stays what it is.
    kind: Name<FlowKind>,
    /// Of a form the provider's Flow JSON. Of a reply flow `start` and `steps`: each step has `content`, and under
    /// `answers` what follows by the id of the button, as `{"do": "step", "step": …}`, `{"do": "assign", "user": …}` or
    /// `{"do": "case_status", "status": …}`. A draft may be unfinished.
    definition: Value,
}

/// What is wrong with a flow.
#[derive(Object)]
struct WhatsappFlowCheck {
    /// Whether it may be published, as far as can be told here.
    valid: bool,
    /// What is wrong, by path into the definition.
    faults: Vec<FieldFault>,
}

#[OpenApi(prefix_path = "/api/whatsapp/flows", tag = "Tag::Whatsapp")]
impl WhatsappFlowsApi {
    /// List flows
    #[oai(path = "/", method = "get")]
    async fn list(
        &self,
        state: Data<&SharedState>,
        _caller: Guard<permit::TemplatesView>,
        /// Only of these kinds.
        kind: Query<Option<Names<FlowKind>>>,
        /// Only those that stand so.
        status: Query<Option<Names<FlowStatus>>>,
        page: Query<Option<u32>>,
        limit: Query<Option<u32>>,
    ) -> ApiResult<Reply<WhatsappFlows>> {
        let page = Page::read(page.0, limit.0)?;
        let filter = FlowFilter {
            kinds: kind.0.map(|names| names.0).unwrap_or_default(),
            statuses: status.0.map(|names| names.0).unwrap_or_default(),
        };
        let mut connection = state.services.db.get().await?;
        let rows = whatsapp_flows::list(&mut connection, &filter, page.offset(), page.limit()).await?;
        let counted = whatsapp_flows::count(&mut connection, &filter, COUNT_CAP + 1).await?;
        let flows = rows.into_iter().map(WhatsappFlow::try_from).collect::<ApiResult<_>>()?;
        ok(WhatsappFlows { flows, pagination: page.of(counted) })
    }

    /// Get a flow
    #[oai(path = "/:id", method = "get")]
    async fn get(
        &self,
        state: Data<&SharedState>,
        _caller: Guard<permit::TemplatesView>,
        id: Path<Id<FlowId>>,
    ) -> ApiResult<Reply<WhatsappFlow>> {
        let row = whatsapp_flows::get(&mut *state.services.db.get().await?, id.0.0).await?;
        ok(row.ok_or_else(missing)?.try_into()?)
    }

    /// Write a flow
    #[oai(path = "/", method = "post")]
    async fn create(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::TemplatesManage>,
        body: StrictBody<NewWhatsappFlow>,
    ) -> ApiResult<Created<WhatsappFlow>> {
        let NewWhatsappFlow { name, kind, definition } = body.0;
        demand_object(&definition)?;
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        let row = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let written = (name.as_str(), kind.0, &definition);
                let id = whatsapp_flows::create(connection, written, caller.user_id, now).await?.ok_or_else(taken)?;
                let after = json!({"name": name, "kind": kind.0.as_str(), "definition": definition});
                audit::record(connection, &[caller.entry("whatsapp_flow.created", Entity::of(id)).after(after)])
                    .await?;
                whatsapp_flows::get(connection, id).await?.ok_or_else(missing)
            })
            .await?;
        created(row.try_into()?)
    }

    /// Change a flow
    ///
    /// Drafts only: what is published is in use. Its kind stays.
    #[oai(path = "/:id", method = "put")]
    async fn update(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::TemplatesManage>,
        id: Path<Id<FlowId>>,
        body: StrictBody<NewWhatsappFlow>,
    ) -> ApiResult<Reply<WhatsappFlow>> {
        let NewWhatsappFlow { name, kind, definition } = body.0;
        demand_object(&definition)?;
        let now = state.services.clock.now();
        let mut connection = state.services.db.get().await?;
        let row = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let before = whatsapp_flows::hold(connection, id.0.0).await?.ok_or_else(missing)?;
                demand_draft(&before)?;
                if before.kind()? != kind.0 {
                    return Err(ApiError::invalid("kind", format!("the flow is of kind {}", before.kind)));
                }
                if !whatsapp_flows::update(connection, id.0.0, (&name, &definition), now).await? {
                    return Err(taken());
                }
                let entry = caller.entry("whatsapp_flow.changed", Entity::of(id.0.0));
                let entry = entry
                    .before(json!({"name": before.name, "definition": before.definition}))
                    .after(json!({"name": name, "definition": definition}));
                audit::record(connection, &[entry]).await?;
                whatsapp_flows::get(connection, id.0.0).await?.ok_or_else(missing)
            })
            .await?;
        ok(row.try_into()?)
    }

    /// Check a flow
    ///
    /// What would keep it from being published, by path. The provider checks a form once more.
    #[oai(path = "/:id/validate", method = "post")]
    async fn validate(
        &self,
        state: Data<&SharedState>,
        _caller: Guard<permit::TemplatesView>,
        id: Path<Id<FlowId>>,
    ) -> ApiResult<Reply<WhatsappFlowCheck>> {
        let mut connection = state.services.db.get().await?;
        let row = whatsapp_flows::get(&mut connection, id.0.0).await?.ok_or_else(missing)?;
        let faults = faults(&mut connection, &row).await?;
        ok(WhatsappFlowCheck { valid: faults.is_empty(), faults })
    }

    /// Publish a flow
    ///
    /// 400 with everything that is wrong with it. A form goes to the provider, whose own faults are kept with it.
    #[oai(path = "/:id/publish", method = "post")]
    async fn publish(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::TemplatesManage>,
        id: Path<Id<FlowId>>,
    ) -> ApiResult<Accepted<WhatsappJob>> {
        let mut connection = state.services.db.get().await?;
        let (job_id, enqueued) = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let row = whatsapp_flows::hold(connection, id.0.0).await?.ok_or_else(missing)?;
                demand_draft(&row)?;
                if row.kind()? == FlowKind::Form {
                    demand_account(&state)?;
                }
                let faults = faults(connection, &row).await?;
                if !faults.is_empty() {
                    return Err(ApiError::faults(faults));
                }
                let entry = caller.entry("whatsapp_flow.published", Entity::of(id.0.0));
                audit::record(connection, &[entry.after(json!({"definition": row.definition}))]).await?;
                enqueue(connection, &state, &PublishWhatsappFlow { flow: id.0.0.0 }, caller.user_id.0).await
            })
            .await?;
        drop(connection);
        begun(&state, job_id, &enqueued).await
    }

    /// Retire a flow
    ///
    /// Nothing begins with it any more; who is within it goes on.
    #[oai(path = "/:id/retire", method = "post")]
    async fn retire(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::TemplatesManage>,
        id: Path<Id<FlowId>>,
    ) -> ApiResult<Accepted<WhatsappJob>> {
        let mut connection = state.services.db.get().await?;
        let (job_id, enqueued) = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let before = whatsapp_flows::hold(connection, id.0.0).await?.ok_or_else(missing)?;
                if before.status()? == FlowStatus::Retired {
                    return Err(ApiError::conflict("flow_is_retired", "the flow is retired already"));
                }
                let entry = caller.entry("whatsapp_flow.retired", Entity::of(id.0.0));
                audit::record(connection, &[entry.before(json!({"status": before.status}))]).await?;
                enqueue(connection, &state, &RetireWhatsappFlow { flow: id.0.0.0 }, caller.user_id.0).await
            })
            .await?;
        drop(connection);
        begun(&state, job_id, &enqueued).await
    }
}

/// What is wrong with a flow, and whom it assigns cases to that is not there.
async fn faults(connection: &mut AsyncPgConnection, row: &FlowRow) -> ApiResult<Vec<FieldFault>> {
    let mut faults = flow::check(row.kind()?, &row.definition);
    if let (FlowKind::Reply, Ok(reply)) = (row.kind()?, ReplyFlow::read(&row.definition)) {
        let assigned = assigned(&reply);
        let users: Vec<UserId> = assigned.iter().map(|(_, user)| *user).collect();
        let known = whatsapp_flows::known_users(connection, &users).await?;
        let unknown = assigned.into_iter().filter(|(_, user)| !known.contains(&user.0));
        faults.extend(unknown.map(|(path, user)| FlowFault { path, problem: format!("there is no user {user}") }));
    }
    Ok(faults.into_iter().map(|fault| FieldFault { field: fault.path, message: fault.problem }).collect())
}

fn assigned(flow: &ReplyFlow) -> Vec<(String, UserId)> {
    let mut assigned = Vec::new();
    for (name, step) in &flow.steps {
        let answers = step.answers.iter().map(|(choice, follows)| (format!("answers.{choice}"), follows));
        for (part, follows) in answers.chain([("otherwise".to_owned(), &step.otherwise)]) {
            for (at, follow) in follows.iter().enumerate() {
                if let Follow::Assign { user } = follow {
                    assigned.push((format!("steps.{name}.{part}[{at}].user"), *user));
                }
            }
        }
    }
    assigned
}

fn demand_draft(row: &FlowRow) -> ApiResult<()> {
    let status = row.status()?;
    if status != FlowStatus::Draft {
        return Err(ApiError::conflict("flow_is_fixed", format!("a flow that is {status} does not change")));
    }
    Ok(())
}

fn missing() -> ApiError {
    ApiError::not_found("flow")
}

fn taken() -> ApiError {
    ApiError::conflict("flow_exists", "there is a flow of that name")
}

/// A definition is an object, and its numbers come back from the database as they went in.
fn demand_object(definition: &Value) -> ApiResult<()> {
    /// Whole numbers are exact up to this.
    const LARGEST: f64 = 9_007_199_254_740_991.0;
    fn is_plain(value: &Value) -> bool {
        match value {
            Value::Number(number) => number.as_f64().is_some_and(|number| number.abs() <= LARGEST),
            Value::Array(items) => items.iter().all(is_plain),
            Value::Object(fields) => fields.values().all(is_plain),
            Value::Null | Value::Bool(_) | Value::String(_) => true,
        }
    }
    if definition.is_object() && is_plain(definition) {
        return Ok(());
    }
    Err(ApiError::invalid("definition", "expected an object, with no number beyond 2^53"))
}
