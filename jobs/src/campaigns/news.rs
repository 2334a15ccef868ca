//! What stops a campaign without a person asking, with word to whoever asked for it.

use super::job;
use crate::{Decision, JobContext, JobError, kinds::stop_campaign::StopCampaign};
use domain::ids::CampaignId;
use domain::permissions::Reach;
use schema::{
    AsyncConnection, AsyncPgConnection, DbError, campaigns,
    notifications::{self, NewNotification},
};
use serde_json::json;
use std::error::Error;

/// Holds a campaign because going on would only fail more messages; a person resumes it.
pub(crate) async fn hold(context: &JobContext, campaign: i64, error: &str) -> Result<(), DbError> {
    let mut connection = context.services.db.get().await?;
    connection
        .transaction::<_, DbError, _>(async |connection| {
            if !campaigns::hold(connection, campaign, error, context.now()).await? {
                return Ok(());
            }
            tracing::error!(campaign, error, "held: going on would only fail more messages");
            let kind = ("campaign_held", "is held: resume it once the cause is mended");
            tell_creator(connection, campaign, kind, error).await
        })
        .await
}

/// Ends a campaign that cannot go on; what it has pending is taken back.
pub(crate) async fn fail(
    context: &JobContext,
    campaign: i64,
    error: &(dyn Error + Sync),
) -> Result<Decision, JobError> {
    let mut text = error.to_string();
    if let Some(source) = error.source() {
        text = format!("{text}: {source}");
    }
    let mut connection = context.services.db.get().await?;
    connection
        .transaction::<_, DbError, _>(async |connection| {
            if !campaigns::fail(connection, campaign, &text, context.now()).await? {
                return Ok(());
            }
            tracing::error!(campaign, error = text, "it cannot go on");
            tell_creator(connection, campaign, ("campaign_failed", "cannot go on"), &text).await
        })
        .await?;
    context.then(job(&StopCampaign { campaign })?);
    Ok(Decision::done_with(&json!({"failed": text})))
}

/// Writes a notification to whoever asked for the campaign.
pub(crate) async fn tell_creator(
    connection: &mut AsyncPgConnection,
    campaign: i64,
    (kind, what): (&'static str, &str),
    why: &str,
) -> Result<(), DbError> {
    let Some(row) = campaigns::find(connection, Reach::All, campaign).await? else { return Ok(()) };
    let Some(user) = row.created_by else { return Ok(()) };
    let title: String = format!("{} {what}", row.name).chars().take(255).collect();
    let data = json!({"campaignId": CampaignId(campaign).to_string()});
    let new = NewNotification { user, kind, title, message: why.to_owned(), data, priority: "urgent" };
    notifications::insert(connection, &[new]).await?;
    Ok(())
}
