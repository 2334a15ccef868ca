//! A prepared campaign begins, or waits for a second person's word when it has become more than one may send.

use super::{analytics, job, news};
use crate::{JobContext, JobError, kinds::start_campaign::StartCampaign};
use domain::campaigns::{Forecast, TooMuch, approval::still_agreed};
use schema::{
    AsyncConnection, DbError,
    campaigns::{self, Campaign},
};

/// Keeps what was counted, and begins unless somebody has to be asked first.
pub(super) async fn begin(context: &JobContext, campaign: &Campaign, mut counted: Forecast) -> Result<(), JobError> {
    let services = &context.services;
    let mut connection = services.db.get().await?;
    counted.exclusions = campaigns::left_out(&mut connection, campaign.id).await?;
    counted.recipients.get_or_insert(0);
    counted.exact = true;
    let too_much =
        services.security.approval.exceeded(&counted).filter(|_| !campaign.rehearsal && !agreed(campaign, &counted));
    let asked = connection
        .transaction::<_, DbError, _>(async |connection| {
            campaigns::keep_forecast(connection, campaign.id, &counted).await?;
            match &too_much {
                Some(why) => ask(connection, campaign, why, context).await,
                None => Ok(false),
            }
        })
        .await?;
    drop(connection);
    if asked {
        tracing::info!(campaign = campaign.id, "it waits for a second person's word");
        context.then(analytics::after_change(campaign.id)?);
    } else {
        context.then(job(&StartCampaign { campaign: campaign.id })?);
    }
    Ok(())
}

/// Whether somebody agreed to about as much.
pub(crate) fn agreed(campaign: &Campaign, counted: &Forecast) -> bool {
    let is_approved = campaign.approval.as_deref() == Some("approved");
    is_approved && campaign.forecast().is_none_or(|agreed| still_agreed(&agreed, counted))
}

async fn ask(
    connection: &mut schema::AsyncPgConnection,
    campaign: &Campaign,
    why: &TooMuch,
    context: &JobContext,
) -> Result<bool, DbError> {
    let why = why.to_string();
    if !campaigns::ask_for_approval(connection, campaign, &why, context.now()).await? {
        return Ok(false);
    }
    let kind = ("campaign_awaits_approval", "waits for a second person's word");
    news::tell_creator(connection, campaign.id, kind, &why).await?;
    Ok(true)
}
