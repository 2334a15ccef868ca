//! Templates: handed in, asked about, taken back.

use super::{job, settled};
use crate::{
    Decision, JobContext, JobError,
    kinds::sync_whatsapp_templates::SyncWhatsappTemplates,
    queue::{dispatch::Enqueued, ledger},
};
use chrono::{DateTime, Utc};
use domain::{
    ids::WhatsappTemplateId,
    messaging::{
        FailureClass, SendFailure,
        whatsapp_template::{TemplateDraft, TemplateState},
    },
};
use providers::{
    messaging::ProviderEvent,
    whatsapp_cloud::{RemoteTemplate, Submitted, WhatsappManager},
    whatsapp_webhook::concerns_templates,
};
use schema::{
    AsyncPgConnection, DbError,
    whatsapp_templates::{self, Remote, Submission, WhatsappTemplateRow},
};
use serde_json::json;

/// Pages of the provider's list that are read: 100 templates each.
const PAGES: usize = 100;

/// A template as it is handed in.
pub fn draft(row: &WhatsappTemplateRow) -> Result<TemplateDraft, serde_json::Error> {
    serde_json::from_value(json!({
        "name": row.name, "language": row.language, "category": row.category,
        "components": row.template_data["components"],
    }))
}

/// Has templates asked about when events say that one stands differently.
pub async fn events_arrived(
    connection: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    events: &[ProviderEvent],
) -> Result<Vec<Enqueued>, DbError> {
    match events.iter().any(concerns_templates) {
        true => ledger::enqueue(connection, now, &[job(&SyncWhatsappTemplates {})?]).await,
        false => Ok(Vec::new()),
    }
}

/// Hands a template in. What was cut short is looked for before it is handed in again.
pub(crate) async fn submit(template: i64, context: &JobContext) -> Result<Decision, JobError> {
    let id = WhatsappTemplateId(template);
    let services = &context.services;
    let row = whatsapp_templates::get(&mut *services.db.get().await?, id).await?;
    let Some(row) = row.filter(|row| row.status == TemplateState::Pending.as_str()) else {
        return Ok(Decision::done());
    };
    let draft = draft(&row).map_err(JobError::discard)?;
    let (answer, account) = match &services.whatsapp_manager {
        Some(manager) => (hand_in(manager, &row, &draft, context).await, Some(manager.account())),
        None => (Ok(approved(&row, &draft)), None),
    };
    let reason;
    let submission = match &answer {
        Ok(submitted) => Submission {
            state: submitted.state,
            category: submitted.category,
            provider_template_id: Some(&submitted.id),
            account,
            reason: None,
        },
        Err(failure) => {
            reason = settled(failure.clone(), context)?;
            let refused = failure.class == FailureClass::Request;
            let state = if refused { TemplateState::Rejected } else { TemplateState::Draft };
            Submission { state, category: None, provider_template_id: None, account: None, reason: Some(&reason) }
        }
    };
    let mut connection = services.db.get().await?;
    whatsapp_templates::end_submission(&mut connection, id, &submission, context.now()).await?;
    Ok(Decision::done_with(&json!({"status": submission.state.as_str(), "reason": submission.reason})))
}

async fn hand_in(
    manager: &WhatsappManager,
    row: &WhatsappTemplateRow,
    draft: &TemplateDraft,
    context: &JobContext,
) -> Result<Submitted, SendFailure> {
    if let Some(known) = &row.provider_template_id {
        manager.edit_template(known, draft).await?;
        return Ok(Submitted { id: known.clone(), state: TemplateState::Pending, category: None });
    }
    // an attempt before this one may have been taken
    if context.attempt > 1 {
        let page = manager.list_templates(Some(&draft.name), None).await?;
        let found = page.templates.into_iter().find(|one| one.name == draft.name && one.language == draft.language);
        if let Some(found) = found {
            return Ok(Submitted { id: found.id, state: found.state, category: Some(found.category) });
        }
    }
    manager.create_template(draft).await
}

/// What the sandbox says.
fn approved(row: &WhatsappTemplateRow, draft: &TemplateDraft) -> Submitted {
    Submitted { id: format!("sandbox-{}", row.id), state: TemplateState::Approved, category: Some(draft.category) }
}

/// Asks how all templates stand.
pub(crate) async fn sync(context: &JobContext) -> Result<Decision, JobError> {
    let services = &context.services;
    let Some(manager) = &services.whatsapp_manager else { return Ok(Decision::done()) };
    let (mut seen, mut changed, mut after) = (0, 0, None);
    for _ in 0..PAGES {
        let page = match manager.list_templates(None, after.as_deref()).await {
            Ok(page) => page,
            Err(failure) => {
                let reason = settled(failure, context)?;
                return Err(JobError::discard(reason));
            }
        };
        let remotes: Vec<Remote> = page.templates.into_iter().map(remote).collect();
        if !remotes.is_empty() {
            let mut connection = services.db.get().await?;
            changed += whatsapp_templates::sync(&mut connection, manager.account(), &remotes, context.now()).await?;
        }
        seen += remotes.len();
        after = page.next;
        if after.is_none() || context.stopping.is_cancelled() {
            break;
        }
    }
    Ok(Decision::done_with(&json!({"templates": seen, "changed": changed})))
}

fn remote(template: RemoteTemplate) -> Remote {
    Remote {
        id: template.id,
        name: template.name,
        language: template.language,
        state: template.state,
        category: template.category,
        quality: template.quality,
        rejected_reason: template.rejected_reason,
        data: json!({"components": template.components}),
    }
}

/// Takes a template back. One that the provider does not know any more is gone already.
pub(crate) async fn delete(template: i64, context: &JobContext) -> Result<Decision, JobError> {
    let id = WhatsappTemplateId(template);
    let services = &context.services;
    let Some(row) = whatsapp_templates::get(&mut *services.db.get().await?, id).await? else {
        return Ok(Decision::done());
    };
    if let (Some(manager), Some(known)) = (&services.whatsapp_manager, &row.provider_template_id)
        && let Err(failure) = manager.delete_template(known, &row.name).await
    {
        let gone = matches!(failure.class, FailureClass::Request | FailureClass::Template);
        if !gone {
            return Err(JobError::discard(settled(failure, context)?));
        }
        let page = manager.list_templates(Some(&row.name), None).await.map_err(JobError::retry)?;
        if page.templates.iter().any(|one| one.id == *known) {
            return Err(JobError::discard(failure));
        }
    }
    whatsapp_templates::delete(&mut *services.db.get().await?, id).await?;
    Ok(Decision::done())
}
