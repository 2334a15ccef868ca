//! What people ask of ladders, with the job that follows from it, in the caller's transaction.
//!
//! After commit the caller hands what was enqueued to the dispatcher; when it cannot, the relay does.

use super::forecast;
use crate::{
    campaigns::{forecast::ForecastError, request::audience_of},
    queue::{dispatch::Enqueued, ledger},
    services::Services,
};
use domain::{
    campaigns::{Begins, CampaignStatus, Forecast, status},
    permissions::Reach,
};
use schema::{
    AsyncPgConnection, DbError, QueryError, campaigns,
    sequences::{self, NewSequence},
};

/// A ladder that was written.
#[derive(Debug)]
pub struct Created {
    /// Its campaign.
    pub id: i64,
    /// Where it stands.
    pub status: CampaignStatus,
    /// What it is foretold to come to.
    pub forecast: Forecast,
    /// The job it begins with.
    pub enqueued: Vec<Enqueued>,
}

/// Writes a ladder, and unless it is a draft has it begin, or wait for a second person's word when it is more than one
/// may send.
pub async fn create(
    services: &Services,
    connection: &mut AsyncPgConnection,
    new: &NewSequence,
    is_draft: bool,
) -> Result<Created, ForecastError> {
    let now = services.clock.now();
    let id = sequences::insert(connection, new, now).await?;
    sequences::replace(connection, id, &new.steps).await?;
    let forecast = foretold(services, connection, id).await?;
    let begins = match services.security.approval.exceeded(&forecast) {
        Some(_) => Begins::AfterApproval,
        None => Begins::AtOnce,
    };
    let status = if is_draft { CampaignStatus::Draft } else { status::launched(begins) };
    if !is_draft {
        sequences::launch(connection, id, status, now).await?;
    }
    let follows = match status {
        CampaignStatus::Preparing => vec![audience_of(id, new.created_by)?],
        _ => Vec::new(),
    };
    Ok(Created { id, status, forecast, enqueued: ledger::enqueue(connection, now, &follows).await? })
}

/// Foretells what a ladder comes to, and keeps it: a launch is judged by it.
pub async fn foretold(
    services: &Services,
    connection: &mut AsyncPgConnection,
    id: i64,
) -> Result<Forecast, ForecastError> {
    let campaign = campaigns::find(connection, Reach::All, id).await?;
    let campaign = campaign.ok_or(DbError::Query(QueryError::NotFound))?;
    let forecast = forecast::foretell(services, connection, &campaign).await?;
    campaigns::keep_forecast(connection, id, &forecast).await?;
    Ok(forecast)
}
