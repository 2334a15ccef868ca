//! What messages come to: parts, and cost by currency, counted from their texts.
//!
//! Fails as texts and the database do.

use super::audience::{day_of, target};
use crate::{
    sending::{
        letter::{LetterError, Letters, Unwritable},
        line::Written,
        work::{self, WorkError},
    },
    services::Services,
};
use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    campaigns::{ExclusionReason, Forecast},
    messaging::{
        Channel, Segments,
        price::{self, Price},
    },
};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use schema::{
    AsyncPgConnection, DbError, QueryError,
    campaigns::{self, Campaign},
    messages::RenderRow,
    prices,
};
use std::collections::HashMap;

/// Recipients whose texts are tried to foretell what all come to.
const SAMPLE: i64 = 200;

/// Nothing can be foretold.
#[derive(Debug, thiserror::Error)]
pub enum ForecastError {
    /// Its target or its texts cannot be read; for people.
    #[error("{0}")]
    Broken(String),
    /// A statement failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<QueryError> for ForecastError {
    fn from(error: QueryError) -> Self {
        Self::Database(DbError::Query(error))
    }
}

/// What a campaign would come to now: its target counted, parts and cost from a sample.
pub async fn foretell(
    services: &Services,
    connection: &mut AsyncPgConnection,
    campaign: &Campaign,
) -> Result<Forecast, ForecastError> {
    let now = services.clock.now();
    let today = day_of(campaign, now);
    let broken = |error: &dyn std::error::Error| ForecastError::Broken(error.to_string());
    let texts = match Texts::read(services, connection, campaign, (today, now)).await {
        Ok(texts) => texts,
        Err(WorkError::Letter(error)) => return Err(broken(&error)),
        Err(WorkError::Database(error)) => return Err(error.into()),
    };
    let target = target(connection, campaign, today).await?.map_err(|error| broken(&error))?;
    let Some(counted) = campaigns::foretell(connection, &target).await? else { return Ok(Forecast::default()) };
    let mut tried = Forecast::default();
    for mut row in campaigns::sample(connection, campaign.id, &target, SAMPLE).await? {
        // who cannot be written to is left out once the audience is written
        let _ = texts.count(&mut row, now, &mut tried);
    }
    let of =
        |part: Decimal| part * Decimal::from(counted.recipients) / Decimal::from(tried.recipients.unwrap_or(1).max(1));
    Ok(Forecast {
        recipients: Some(counted.recipients),
        exclusions: counted.exclusions,
        segments: tried.segments.and_then(|segments| of(segments.into()).round().to_i64()),
        cost: tried.cost.into_iter().map(|(currency, amount)| (currency, of(amount).round_dp(4))).collect(),
        exact: false,
        messages: None,
    })
}

/// The texts of a campaign on every channel that it goes out over, and what they cost there.
pub(crate) struct Texts {
    own: Channel,
    channels: HashMap<Channel, Priced>,
}

struct Priced {
    letters: Letters,
    prices: Vec<Price>,
    /// That it goes out over first.
    provider: Option<&'static str>,
}

impl Texts {
    pub(crate) async fn read(
        services: &Services,
        connection: &mut AsyncPgConnection,
        campaign: &Campaign,
        (today, now): (NaiveDate, DateTime<Utc>),
    ) -> Result<Self, WorkError> {
        let mut channels = HashMap::new();
        // as many as there are channels
        for channel in campaigns::channels(connection, campaign.id).await? {
            let versions = campaigns::texts(connection, campaign.id, channel).await?;
            if versions.is_empty() && channel == campaign.channel {
                return Err(LetterError::Missing.into());
            }
            let letters = work::letters(services, channel, versions, today)?;
            let prices = prices::on(connection, channel, now.date_naive()).await?;
            let provider = services.lines.of(channel).first().map(|line| line.account().name());
            channels.insert(channel, Priced { letters, prices, provider });
        }
        Ok(Self { own: campaign.channel, channels })
    }

    /// Counts a message in, or tells why it cannot be written. Takes the row's texts.
    pub(crate) fn count(
        &self,
        row: &mut RenderRow,
        now: DateTime<Utc>,
        forecast: &mut Forecast,
    ) -> Result<(), Unwritable> {
        let unrenderable = |detail: String| (ExclusionReason::Unrenderable, detail);
        let channel = row.channel().map_err(|error| unrenderable(error.to_string()))?;
        let purpose = row.purpose().map_err(|error| unrenderable(error.to_string()))?;
        let priced = self.channels.get(&channel).or_else(|| self.channels.get(&self.own));
        let priced = priced.ok_or_else(|| unrenderable("it is written for another channel".to_owned()))?;
        let segments = match priced.letters.write(row, now)? {
            Written::Sms(message) => Some(u16::try_from(Segments::of(&message.body).count).unwrap_or(u16::MAX)),
            Written::Whatsapp(_) | Written::Email { .. } => None,
        };
        forecast.recipients = Some(forecast.recipients.unwrap_or_default() + 1);
        if let Some(segments) = segments {
            forecast.segments = Some(forecast.segments.unwrap_or_default() + i64::from(segments));
        }
        let charged = (channel, purpose);
        let cost = priced
            .provider
            .and_then(|provider| price::of_message(&priced.prices, provider, charged, &row.address, segments));
        if let Some(cost) = cost {
            *forecast.cost.entry(cost.currency).or_default() += cost.amount;
        }
        Ok(())
    }
}
