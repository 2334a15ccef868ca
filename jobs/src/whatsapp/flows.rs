//! Flows: published and retired.

use super::settled;
use crate::{Decision, JobContext, JobError};
use domain::{
    ids::FlowId,
    messaging::{
        SendFailure,
        flow::{FlowKind, FlowStatus},
    },
};
use providers::whatsapp_cloud::{FlowProblem, WhatsappManager};
use schema::whatsapp_flows::{self, FlowRow};
use serde_json::json;

/// Publishes a flow as it was written when the job began. What the provider has against a form is kept with it.
pub(crate) async fn publish(flow: i64, context: &JobContext) -> Result<Decision, JobError> {
    let (id, services) = (FlowId(flow), &context.services);
    let row = whatsapp_flows::get(&mut *services.db.get().await?, id).await?;
    let Some(row) = row.filter(|row| row.status == FlowStatus::Draft.as_str()) else { return Ok(Decision::done()) };
    if row.kind()? == FlowKind::Form {
        let problems = match &services.whatsapp_manager {
            Some(manager) => publish_form(manager, &row, context).await?,
            None => {
                let mut connection = services.db.get().await?;
                whatsapp_flows::set_provider_id(&mut connection, id, &format!("sandbox-{flow}")).await?;
                Vec::new()
            }
        };
        if !problems.is_empty() {
            let errors = json!(problems);
            whatsapp_flows::set_errors(&mut *services.db.get().await?, id, &errors).await?;
            return Ok(Decision::done_with(&json!({"published": false, "errors": errors})));
        }
    }
    let mut connection = services.db.get().await?;
    let published = whatsapp_flows::publish(&mut connection, id, &row.definition, context.now()).await?;
    Ok(Decision::done_with(&json!({"published": published})))
}

/// What the provider has against a form; nothing: it is published.
async fn publish_form(
    manager: &WhatsappManager,
    row: &FlowRow,
    context: &JobContext,
) -> Result<Vec<FlowProblem>, JobError> {
    let refused = |failure: SendFailure| {
        let message = settled(failure, context)?;
        Ok(vec![FlowProblem { error: "REFUSED".to_owned(), message, line: None }])
    };
    let known = match &row.provider_flow_id {
        Some(known) => known.clone(),
        None => match make(manager, &row.name, context).await {
            Ok(made) => {
                let mut connection = context.services.db.get().await?;
                whatsapp_flows::set_provider_id(&mut connection, FlowId(row.id), &made).await?;
                made
            }
            Err(failure) => return refused(failure),
        },
    };
    match manager.describe_flow(&known, &row.definition).await {
        Ok(problems) if problems.is_empty() => {}
        Ok(problems) => return Ok(problems),
        Err(failure) => return refused(failure),
    }
    match manager.publish_flow(&known).await {
        Ok(()) => Ok(Vec::new()),
        Err(failure) => refused(failure),
    }
}

/// An attempt before this one may have made it.
async fn make(manager: &WhatsappManager, name: &str, context: &JobContext) -> Result<String, SendFailure> {
    if context.attempt > 1
        && let Some(found) = manager.find_flow(name).await?
    {
        return Ok(found);
    }
    manager.create_flow(name).await
}

/// Retires a flow.
pub(crate) async fn retire(flow: i64, context: &JobContext) -> Result<Decision, JobError> {
    let (id, services) = (FlowId(flow), &context.services);
    let row = whatsapp_flows::get(&mut *services.db.get().await?, id).await?;
    let Some(row) = row.filter(|row| row.status != FlowStatus::Retired.as_str()) else { return Ok(Decision::done()) };
    let published = row.status == FlowStatus::Published.as_str();
    if let (Some(manager), Some(known), true) = (&services.whatsapp_manager, &row.provider_flow_id, published)
        && let Err(failure) = manager.deprecate_flow(known).await
    {
        // retired here all the same: nothing of ours sends it any more
        let reason = settled(failure, context)?;
        tracing::warn!(flow, reason, "the provider does not retire a form");
    }
    whatsapp_flows::retire(&mut *services.db.get().await?, id, context.now()).await?;
    Ok(Decision::done())
}
