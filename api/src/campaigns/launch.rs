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
    state::SharedState,
};
use chrono::{DateTime, Utc};
use domain::{
    campaigns::CampaignStatus,
    ids::{CampaignId, TemplateId, UploadId},
    messaging::Channel,
    permissions::{Permission, Reach},
};
use jobs::{campaigns::request, queue::dispatch::Enqueued};
use poem_openapi::{ApiResponse, Object, payload::Json};
use schema::{
    AsyncConnection, AsyncPgConnection, DbError,
    audit::{self, Entity, Entry},
    campaigns::{self, Schedule, Target},
    templates, uploads,
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

/// 202 when work has begun, 201 when it waits for its time.
#[derive(ApiResponse)]
pub(super) enum Launched {
    /// Scheduled.
    #[oai(status = 201)]
    Scheduled(Json<Success<Launch>>),
    /// Under way: `GET /api/jobs/{jobId}` tells how far its audience is.
    #[oai(status = 202)]
    Started(Json<Success<Launch>>),
}

/// Writes what is asked for.
pub(super) async fn launch(state: &SharedState, caller: &SignedIn, given: NewCampaign) -> ApiResult<Launched> {
    // whoever may only prepare has nothing to prepare yet: what is written here goes out
    if !caller.may(Permission::CampaignsSend) {
        let message = format!("this needs the permission {}", Permission::CampaignsSend);
        let details = serde_json::json!({"permission": Permission::CampaignsSend});
        return Err(ApiError::forbidden("permission_denied", message).with_details(details));
    }
    let now = state.services.clock.now();
    let plan = check::checked(given, now)?;
    let mut connection = state.services.db.get().await?;
    check_references(&mut connection, caller.reach, &plan).await?;
    let group_id = Uuid::now_v7();
    let mut rows = Vec::with_capacity(plan.channels.len());
    // one a channel
    for (channel, template) in &plan.channels {
        let target = Target {
            upload_id: plan.upload.map(|upload| upload.0),
            audience: plan.audience.clone(),
            channel: *channel,
            today: plan.day(now),
            reach: caller.reach,
        };
        rows.push(campaigns::NewCampaign {
            group_id,
            name: plan.name_of(*channel),
            description: plan.description.clone(),
            channel: *channel,
            upload_id: target.upload_id,
            template_id: template.0,
            estimate: campaigns::estimate(&mut connection, &target).await?,
            audience: target.audience,
            budget: plan.budget,
            schedule: plan.schedule.clone(),
            time_zone: Some(plan.zone.name().to_owned()),
            created_by: Some(caller.user_id.0),
            reach: caller.reach,
        });
    }
    let (ids, enqueued) = connection
        .transaction::<_, DbError, _>(async |connection| {
            let (ids, enqueued) = request::create(connection, now, &rows).await?;
            let entries: Vec<_> = ids.iter().zip(&rows).map(|(id, row)| created(caller, *id, row)).collect();
            audit::record(connection, &entries).await?;
            Ok((ids, enqueued))
        })
        .await?;
    drop(connection);
    state.services.dispatcher.push(&enqueued).await;
    let written = ids.into_iter().zip(&rows).enumerate().map(|(index, (id, row))| shown(id, row, enqueued.get(index)));
    let campaigns: Vec<_> = written.collect();
    let launch = Launch { group_id, campaigns, job_id: enqueued.first().map(|job| job.id) };
    let answer = Json(Success { success: true, data: launch });
    Ok(match plan.schedule {
        Schedule::Immediate => Launched::Started(answer),
        Schedule::At { .. } => Launched::Scheduled(answer),
    })
}

fn created(caller: &SignedIn, id: i64, row: &campaigns::NewCampaign) -> Entry {
    let scheduled_at = match &row.schedule {
        Schedule::Immediate => None,
        Schedule::At { at, .. } => Some(*at),
    };
    caller.entry("campaign.created", Entity::of(CampaignId(id))).after(serde_json::json!({
        "name": row.name, "type": row.channel, "groupId": row.group_id, "templateId": TemplateId(row.template_id),
        "uploadId": row.upload_id.map(UploadId), "targetAudience": row.audience, "scheduledAt": scheduled_at,
        "budget": row.budget.map(|budget| budget.to_string()),
    }))
}

fn shown(id: i64, row: &campaigns::NewCampaign, job: Option<&Enqueued>) -> Launching {
    let (status, scheduled_at) = match &row.schedule {
        Schedule::Immediate => (CampaignStatus::Preparing, None),
        Schedule::At { at, .. } => (CampaignStatus::Scheduled, Some(*at)),
    };
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
async fn check_references(connection: &mut AsyncPgConnection, reach: Reach, plan: &Plan) -> ApiResult<()> {
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
