//! Writes campaigns: looks up what they refer to, and enqueues what they begin with in the same transaction.
//!
//! Fails with the faults of what was referred to, and otherwise only as the database does; then nothing was written.

use super::{
    check::{self, Plan},
    new::NewCampaign,
};
use crate::{
    auth::SignedIn,
    envelope::{FieldFault, Success},
    error::{ApiError, ApiResult},
    request::{Id, Name},
    segments::resolved,
    state::SharedState,
};
use chrono::{DateTime, Utc};
use domain::{
    campaigns::{Begins, CampaignStatus, Forecast, status},
    ids::{CampaignId, TemplateId, UploadId},
    messaging::{Channel, price},
    permissions::{Permission, Reach},
};
use jobs::{campaigns::request, queue::dispatch::Enqueued};
use poem_openapi::{ApiResponse, Object, payload::Json};
use rust_decimal::Decimal;
use schema::{
    AsyncConnection, AsyncPgConnection, DbError,
    audit::{self, Entity, Entry},
    campaigns::{self, Schedule, Target},
    consent, prices, templates, uploads,
};
use uuid::Uuid;

/// Campaigns that were written.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct Launch {
    /// What they share.
    group_id: Uuid,
    /// One a channel.
    campaigns: Vec<Launching>,
    /// The job that an immediate campaign begins with, the first of several.
    job_id: Option<Uuid>,
}

/// A campaign that was written.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Launching {
    /// Its id.
    id: Id<CampaignId>,
    /// What people call it.
    name: String,
    /// Its channel.
    #[oai(rename = "type")]
    channel: Name<Channel>,
    /// Where it stands.
    status: Name<CampaignStatus>,
    /// How many it will reach, as far as can be told now; absent when that takes too long to tell.
    target_count: Option<i64>,
    /// When it starts; absent for an immediate one.
    scheduled_at: Option<DateTime<Utc>>,
    /// The job it begins with; absent for a scheduled one.
    job_id: Option<Uuid>,
}

/// 202 when work has begun, 201 when it waits.
#[derive(ApiResponse)]
pub(super) enum Launched {
    /// Written: a draft, waiting for its time, or for a second person's word.
    #[oai(status = 201)]
    Written(Json<Success<Launch>>),
    /// Under way: `GET /api/jobs/{jobId}` tells how far its audience is.
    #[oai(status = 202)]
    Started(Json<Success<Launch>>),
}

/// Writes what is asked for.
pub(super) async fn launch(state: &SharedState, caller: &SignedIn, given: NewCampaign) -> ApiResult<Launched> {
    // whoever may only prepare writes drafts
    if !given.as_draft && !caller.may(Permission::CampaignsSend) {
        let message = format!("this needs the permission {}", Permission::CampaignsSend);
        let details = serde_json::json!({"permission": Permission::CampaignsSend});
        return Err(ApiError::forbidden("permission_denied", message).with_details(details));
    }
    let now = state.services.clock.now();
    let plan = check::checked(given, now)?;
    let mut connection = state.services.db.get().await?;
    check_references(&mut connection, caller.reach, &plan).await?;
    let rows = rows(state, caller, &mut connection, &plan, now).await?;
    let (ids, enqueued) = connection
        .transaction::<_, DbError, _>(async |connection| {
            let campaigns: Vec<_> = rows.iter().map(|(row, _)| row.clone()).collect();
            let (ids, enqueued) = request::create(connection, now, &campaigns).await?;
            for (id, (_, forecast)) in ids.iter().zip(&rows) {
                campaigns::keep_forecast(connection, *id, forecast).await?;
            }
            let entries: Vec<_> = ids.iter().zip(&campaigns).map(|(id, row)| created(caller, *id, row)).collect();
            audit::record(connection, &entries).await?;
            Ok((ids, enqueued))
        })
        .await?;
    drop(connection);
    state.services.dispatcher.push(&enqueued).await;
    let group_id = rows.first().map(|(row, _)| row.group_id).unwrap_or_default();
    // one a channel, all alike
    let written =
        ids.into_iter().zip(&rows).enumerate().map(|(index, (id, (row, _)))| shown(id, row, enqueued.get(index)));
    let campaigns: Vec<_> = written.collect();
    let launch = Launch { group_id, campaigns, job_id: enqueued.first().map(|job| job.id) };
    let has_begun = launch.job_id.is_some();
    let answer = Json(Success { success: true, data: launch });
    Ok(if has_begun { Launched::Started(answer) } else { Launched::Written(answer) })
}

/// The campaigns of a request, one a channel, each with what it is foretold to come to.
pub(super) async fn rows(
    state: &SharedState,
    caller: &SignedIn,
    connection: &mut AsyncPgConnection,
    plan: &Plan,
    now: DateTime<Utc>,
) -> ApiResult<Vec<(campaigns::NewCampaign, Forecast)>> {
    let group_id = Uuid::now_v7();
    let mut rows = Vec::with_capacity(plan.channels.len());
    let segments = resolved(connection, "targetAudience", &plan.audience.segments(), caller.user_id).await?;
    // one a channel
    for (channel, template) in &plan.channels {
        let target = Target {
            upload_id: plan.upload.map(|upload| upload.0),
            audience: plan.audience.clone(),
            segments: segments.clone(),
            grouping: plan.delivery.grouping,
            holdout: plan.delivery.holdout(&group_id.to_string()),
            channel: *channel,
            also: Vec::new(),
            today: plan.day(now),
            zone: plan.zone,
            reach: caller.reach,
        };
        let recipients = campaigns::estimate(connection, &target).await?;
        let forecast = foretold(state, connection, *channel, recipients, now).await?;
        let needs_approval = state.services.security.approval.exceeded(&forecast).is_some();
        let begins = match &plan.schedule {
            _ if needs_approval => Begins::AfterApproval,
            Schedule::Immediate => Begins::AtOnce,
            Schedule::At { .. } => Begins::AtItsTime,
            Schedule::Recurring { .. } => Begins::AgainAndAgain,
        };
        let row = campaigns::NewCampaign {
            group_id,
            name: plan.name_of(*channel),
            description: plan.description.clone(),
            tags: plan.tags.clone(),
            channel: *channel,
            status: if plan.as_draft { CampaignStatus::Draft } else { status::launched(begins) },
            upload_id: target.upload_id,
            template_id: template.0,
            variants: plan.variants.clone(),
            estimate: recipients,
            audience: target.audience,
            budget: plan.budget,
            schedule: plan.schedule.clone(),
            plan: plan.delivery.clone(),
            time_zone: Some(plan.zone.name().to_owned()),
            needs_approval: needs_approval && !plan.as_draft,
            rehearsal: false,
            created_by: Some(caller.user_id.0),
            reach: caller.reach,
        };
        rows.push((row, forecast));
    }
    Ok(rows)
}

/// What so many messages come to, at the price of one in the insurer's own country.
async fn foretold(
    state: &SharedState,
    connection: &mut AsyncPgConnection,
    channel: Channel,
    recipients: Option<i64>,
    now: DateTime<Utc>,
) -> ApiResult<Forecast> {
    let home = consent::rules::get(connection).await?.country;
    let known = prices::on(connection, channel, now.date_naive()).await?;
    let lines = state.services.lines.of(channel);
    let one = lines.first().and_then(|line| price::cost(&known, line.account().name(), Some(&home), "utility", 1));
    let cost = one.zip(recipients).map(|(one, count)| (one.currency, one.amount * Decimal::from(count)));
    Ok(Forecast { recipients, cost: cost.into_iter().collect(), ..Forecast::default() })
}

fn created(caller: &SignedIn, id: i64, row: &campaigns::NewCampaign) -> Entry {
    let scheduled_at = row.schedule.at();
    caller.entry("campaign.created", Entity::of(CampaignId(id))).after(serde_json::json!({
        "name": row.name, "type": row.channel, "groupId": row.group_id, "templateId": TemplateId(row.template_id),
        "uploadId": row.upload_id.map(UploadId), "targetAudience": row.audience, "scheduledAt": scheduled_at,
        "budget": row.budget.map(|budget| budget.to_string()), "status": row.status,
    }))
}

fn shown(id: i64, row: &campaigns::NewCampaign, job: Option<&Enqueued>) -> Launching {
    let (status, scheduled_at) = (row.status, row.schedule.at());
    Launching {
        id: Id(CampaignId(id)),
        name: row.name.clone(),
        channel: Name(row.channel),
        status: Name(status),
        target_count: row.estimate,
        scheduled_at,
        job_id: job.map(|job| job.id),
    }
}

/// Holds the templates and the upload against what they have to be.
pub(super) async fn check_references(connection: &mut AsyncPgConnection, reach: Reach, plan: &Plan) -> ApiResult<()> {
    let mut faults = Vec::new();
    for (channel, template) in &plan.channels {
        let problem = match templates::get(connection, *template).await? {
            None => "there is no such template".to_owned(),
            Some(found) if found.channel()? != *channel => format!("is a template for {}", found.template_type),
            Some(found) if !found.is_active => "is not active any more".to_owned(),
            Some(_) => continue,
        };
        faults.push(FieldFault { field: format!("templates.{channel}"), message: problem });
    }
    for variant in &plan.variants {
        let problem = match templates::get(connection, TemplateId(variant.template_id)).await? {
            None => "there is no such template".to_owned(),
            Some(found) if found.channel()? != variant.channel => format!("is a template for {}", found.template_type),
            Some(found) if !found.is_active => "is not active any more".to_owned(),
            Some(_) => continue,
        };
        faults.push(FieldFault { field: format!("variants.{}", variant.label), message: problem });
    }
    let mut unready = None;
    if let Some(id) = plan.upload {
        let problem = match uploads::file::find(connection, reach, id).await? {
            None => Some("there is no such upload"),
            Some(upload) if upload.dry_run => Some("was only tried out (dryRun); nothing of it is in the book"),
            Some(upload) if upload.status != "completed" => {
                unready = Some(upload.status);
                None
            }
            Some(_) => None,
        };
        let fault = |message: &str| FieldFault { field: "uploadId".to_owned(), message: message.to_owned() };
        faults.extend(problem.map(fault));
    }
    if !faults.is_empty() {
        return Err(ApiError::faults(faults));
    }
    match unready {
        None => Ok(()),
        Some(status) => {
            let message = format!("uploadId: the upload is {status}; only a completed one can be addressed");
            let details = serde_json::json!({"field": "uploadId", "status": status});
            Err(ApiError::conflict("upload_not_ready", message).with_details(details))
        }
    }
}
