//! What a run needs before it hands anything over: texts, accounts, rules and prices, read at once.
//!
//! Fails with [`LetterError`] on a template nothing can be sent with, and as the database does.

use super::{
    check::Restraint,
    letter::{Frame, LetterError, Letters},
    line::Line,
};
use crate::{JobError, services::Services, tracking::Links};
use chrono::{DateTime, NaiveDate, Utc};
use domain::messaging::{Channel, Quality, price::Price};
use providers::messaging::{SendRate, SendingAccount};
use schema::{
    AsyncPgConnection, DbError, prices,
    sending_accounts::{self, SendingAccountRow},
    template_versions::TemplateVersion,
};
use std::collections::BTreeMap;

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

/// What a flow hands over, and how.
pub struct Work {
    /// Whose messages; `None`: messages of no campaign.
    pub campaign: Option<i64>,
    /// What they say.
    pub letters: Letters,
    /// The accounts they may go out over, in the order in which they are tried.
    pub lines: Vec<Line>,
    /// What they are judged by.
    pub restraint: Restraint,
    /// What they cost.
    pub prices: Vec<Price>,
    /// What providers think of the accounts.
    pub standings: BTreeMap<String, Standing>,
}

/// What a provider thinks of an account.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    quality: Option<Quality>,
    daily_recipients: Option<u32>,
}

impl Work {
    /// How fast an account is sent over now: slower while its messages are taken badly.
    pub(super) fn pace(&self, account: &dyn SendingAccount) -> SendRate {
        let quality = self.standings.get(account.account()).and_then(|standing| standing.quality);
        paced(account.rate(), quality)
    }

    /// How many different people an account may write to first within a day, if that is known and limited.
    pub(super) fn daily_recipients(&self, account: &str) -> Option<u32> {
        self.standings.get(account)?.daily_recipients
    }
}

fn paced(rate: SendRate, quality: Option<Quality>) -> SendRate {
    let slowness = quality.map_or(1, Quality::slowness);
    SendRate { per_second: (rate.per_second / slowness).max(1), burst: (rate.burst / slowness).max(1) }
}

async fn standings(connection: &mut AsyncPgConnection, lines: &[Line]) -> Result<BTreeMap<String, Standing>, DbError> {
    let names: Vec<&str> = lines.iter().map(|line| line.account().account()).collect();
    let read = |row: SendingAccountRow| {
        let quality = row.quality.and_then(|quality| quality.parse().ok());
        let daily_recipients = row.daily_recipients.and_then(|count| u32::try_from(count).ok());
        (row.account, Standing { quality, daily_recipients })
    };
    Ok(sending_accounts::known(connection, &names).await?.into_iter().map(read).collect())
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
    let registered = services.lines.registered_countries().to_vec();
    Letters::new(channel, versions, today, Frame { from, links: Links::of(services) }, registered)
}

/// Everything that a run of the channel needs.
pub async fn prepare(
    services: &Services,
    connection: &mut AsyncPgConnection,
    (channel, campaign): (Channel, Option<i64>),
    versions: Vec<TemplateVersion>,
    (today, now): (NaiveDate, DateTime<Utc>),
) -> Result<Work, WorkError> {
    let lines = services.lines.of(channel);
    Ok(Work {
        campaign,
        letters: letters(services, channel, versions, today)?,
        standings: standings(connection, &lines).await?,
        lines,
        restraint: Restraint::read(connection, now).await?,
        prices: prices::on(connection, channel, now.date_naive()).await?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_people_take_badly_goes_slower_and_never_stops() {
        let rate = SendRate { per_second: 72, burst: 8 };
        assert_eq!(paced(rate, None), rate);
        assert_eq!(paced(rate, Some(Quality::Green)), rate);
        assert_eq!(paced(rate, Some(Quality::Yellow)), SendRate { per_second: 36, burst: 4 });
        assert_eq!(paced(rate, Some(Quality::Red)), SendRate { per_second: 9, burst: 1 });
        assert_eq!(paced(SendRate { per_second: 1, burst: 1 }, Some(Quality::Red)).per_second, 1);
    }
}
