//! What a ladder comes to: whom it would take on now, and the most that they could be sent; what messages cost is told
//! from the texts of some of them.
//!
//! Fails as texts and the database do.

use crate::{
    campaigns::{
        audience::target,
        forecast::{ForecastError, Texts},
    },
    sending::work::WorkError,
    services::Services,
};
use domain::{
    campaigns::{
        Forecast,
        sequence_worst::{Message, worst},
    },
    local_day::local_day,
};
use rust_decimal::Decimal;
use schema::{
    AsyncPgConnection,
    campaigns::{self, Campaign, Target},
    consent,
    sequences::{self, Enrolling},
};
use std::collections::HashMap;

/// Policies whose texts are tried, each in every text of the ladder.
const SAMPLE: i64 = 20;

/// What a ladder that is written would come to now.
pub async fn foretell(
    services: &Services,
    connection: &mut AsyncPgConnection,
    campaign: &Campaign,
) -> Result<Forecast, ForecastError> {
    let now = services.clock.now();
    let today = local_day(now, campaign.time_zone.as_deref());
    let target = target(connection, campaign, today).await?;
    let target = target.map_err(|error| ForecastError::Broken(error.to_string()))?;
    let rules = consent::rules::get(connection).await?;
    let enrolling = Enrolling { campaign: campaign.id, target: &target, rules: &rules };
    let counted = sequences::foretell(connection, &enrolling, now).await?;
    let messages = messages(services, connection, campaign, Some(&target)).await?;
    let recipients = counted.as_ref().map(|counted| counted.recipients);
    let exclusions = counted.map(|counted| counted.exclusions).unwrap_or_default();
    Ok(Forecast { exclusions, ..worst(recipients, &messages, most(campaign)) })
}

/// What it comes to now that so many more are on it; of a ladder that had begun, also what those alone come to.
pub(super) async fn counted(
    services: &Services,
    connection: &mut AsyncPgConnection,
    campaign: &Campaign,
    enrolled: i64,
) -> Result<(Forecast, Option<Forecast>), ForecastError> {
    let messages = messages(services, connection, campaign, None).await?;
    let exclusions = campaigns::left_out(connection, campaign.id).await?;
    let before = campaign.target_count.filter(|_| campaign.audience_ready).map_or(0, i64::from);
    let come_to = |policies: i64| worst(Some(policies), &messages, most(campaign));
    let newcomers = campaign.audience_ready.then(|| come_to(enrolled));
    Ok((Forecast { exclusions, exact: true, ..come_to(before + enrolled) }, newcomers))
}

fn most(campaign: &Campaign) -> Option<usize> {
    campaign.plan().max_messages.map(usize::from)
}

/// What each message of the ladder comes to on average: of the target's policies, or of those that are on it.
async fn messages(
    services: &Services,
    connection: &mut AsyncPgConnection,
    campaign: &Campaign,
    target: Option<&Target>,
) -> Result<Vec<Message>, ForecastError> {
    let now = services.clock.now();
    let today = local_day(now, campaign.time_zone.as_deref());
    let texts = match Texts::read(services, connection, campaign, (today, now)).await {
        Ok(texts) => texts,
        Err(WorkError::Letter(error)) => return Err(ForecastError::Broken(error.to_string())),
        Err(WorkError::Database(error)) => return Err(error.into()),
    };
    let mut tried: HashMap<i64, Forecast> = HashMap::new();
    for mut row in sequences::sample(connection, campaign.id, target, SAMPLE).await? {
        let Some(text) = row.template_version_id else { continue };
        // who cannot be written to is left out at the last look
        let _ = texts.count(&mut row, now, tried.entry(text).or_default());
    }
    let steps = sequences::step_texts(connection, campaign.id).await?;
    let average = |text: Option<i64>| text.and_then(|text| tried.get(&text)).map(average).unwrap_or_default();
    Ok(steps.iter().map(|step| average(step.text)).collect())
}

fn average(tried: &Forecast) -> Message {
    let count = Decimal::from(tried.recipients.unwrap_or(1).max(1));
    let cost = tried.cost.iter().map(|(currency, amount)| (currency.clone(), *amount / count));
    Message { segments: tried.segments.map(|segments| Decimal::from(segments) / count), cost: cost.collect() }
}
