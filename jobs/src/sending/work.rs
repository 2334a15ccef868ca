//! What a run needs before it hands anything over: texts, accounts, rules and prices, read at once.
//!
//! Fails with [`LetterError`] on a template nothing can be sent with, and as the database does.

use super::{
    check::Restraint,
    flow::Work,
    letter::{Frame, LetterError, Letters},
};
use crate::{JobError, services::Services, tracking::Links};
use chrono::{DateTime, NaiveDate, Utc};
use domain::messaging::Channel;
use schema::{AsyncPgConnection, DbError, prices, template_versions::TemplateVersion};

/// Nothing can be handed over.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// Nor ever, as it is.
    #[error(transparent)]
    Letter(#[from] LetterError),
    /// A statement failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<WorkError> for JobError {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::Letter(error) => Self::discard(error),
            WorkError::Database(error) => error.into(),
        }
    }
}

/// The texts of a channel, as of a day.
pub fn letters(
    services: &Services,
    channel: Channel,
    versions: Vec<TemplateVersion>,
    today: NaiveDate,
) -> Result<Letters, LetterError> {
    let from = services.lines.of(channel).first().and_then(|line| line.sender().map(str::to_owned));
    let from = from.unwrap_or_else(|| services.email.sender().to_owned());
    Letters::new(channel, versions, today, Frame { from, links: Links::of(services) })
}

/// Everything that a run of the channel needs.
pub async fn prepare(
    services: &Services,
    connection: &mut AsyncPgConnection,
    (channel, campaign): (Channel, Option<i64>),
    versions: Vec<TemplateVersion>,
    (today, now): (NaiveDate, DateTime<Utc>),
) -> Result<Work, WorkError> {
    Ok(Work {
        campaign,
        letters: letters(services, channel, versions, today)?,
        lines: services.lines.of(channel),
        restraint: Restraint::read(connection, now).await?,
        prices: prices::on(connection, channel, now.date_naive()).await?,
    })
}
