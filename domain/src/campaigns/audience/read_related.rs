//! Reads conditions on records beside the customer and the policy: messages, surveys and claims.
//!
//! `any` asks for at least one, `none` for not one, `count` for `min` to `max`.

use super::{
    condition::{Claims, Condition, Count, MessageEvent, Messages, Surveys},
    read::{Found, Parts},
    read_test::{Ends, between},
};
use crate::{
    ids::{CampaignId, SurveyId, TemplateId},
    messaging::Channel,
};
use serde::Deserialize;
use serde_json::Value;

/// The longest time that is looked back.
const DAYS_LIMIT: i32 = 3_660;
/// The most records that are counted.
const COUNT_LIMIT: u32 = 1_000;

/// What all of them may say.
#[derive(Deserialize, Default)]
struct Common {
    min: Option<u32>,
    max: Option<u32>,
    #[serde(rename = "withinDays")]
    within_days: Option<i32>,
}

fn common(parts: &Parts<'_>) -> Found<(Count, Option<i32>)> {
    let Common { min, max, within_days } = if parts.value.is_null() { Common::default() } else { parts.read()? };
    if within_days.is_some_and(|days| !(0..=DAYS_LIMIT).contains(&days)) {
        return parts.wrong_value(format!("withinDays: expected 0 to {DAYS_LIMIT}"));
    }
    let count = match (parts.operator, min, max) {
        ("any", None, None) => Count::ANY,
        ("none", None, None) => Count::NONE,
        ("any" | "none", _, _) => return parts.wrong_value("min and max are for the operator count"),
        ("count", None, None) => return parts.wrong_value("give min, max or both"),
        ("count", min, max) if min.max(max).is_some_and(|count| count > COUNT_LIMIT) => {
            return parts.wrong_value(format!("up to {COUNT_LIMIT} are counted"));
        }
        ("count", Some(min), Some(max)) if min > max => return parts.wrong_value("min is above max"),
        ("count", min, max) => Count { min: min.unwrap_or(0), max },
        _ => return parts.wrong_operator(&["any", "none", "count"]),
    };
    Ok((count, within_days))
}

/// The value without what all may say, so that what is left over can be refused.
fn own(parts: &Parts<'_>) -> Value {
    match parts.value {
        Value::Null => Value::Object(serde_json::Map::new()),
        Value::Object(all) => {
            let own = all.iter().filter(|(name, _)| !["min", "max", "withinDays"].contains(&name.as_str()));
            Value::Object(own.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        other => other.clone(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MessageValue {
    event: Option<MessageEvent>,
    #[serde(default)]
    channels: Vec<Channel>,
    campaign_id: Option<CampaignId>,
    template_id: Option<TemplateId>,
    #[serde(default)]
    about_policy: bool,
}

/// Messages of the past.
pub(super) fn messages(parts: &Parts<'_>) -> Found<Condition> {
    let (count, within_days) = common(parts)?;
    let value: MessageValue = MessageValue::deserialize(own(parts)).or_else(|error| parts.wrong_value(error))?;
    let messages = Messages {
        event: value.event.unwrap_or(MessageEvent::Sent),
        channels: value.channels,
        campaign: value.campaign_id,
        template: value.template_id,
        within_days,
        about_policy: value.about_policy,
    };
    Ok(Condition::Messages(count, messages))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SurveyValue {
    survey_id: Option<SurveyId>,
    score: Option<Ends>,
}

/// Surveys that were answered.
pub(super) fn surveys(parts: &Parts<'_>) -> Found<Condition> {
    let (count, within_days) = common(parts)?;
    let value: SurveyValue = SurveyValue::deserialize(own(parts)).or_else(|error| parts.wrong_value(error))?;
    let score = value.score.map(|ends| between(parts, ends, false)).transpose()?;
    Ok(Condition::Surveys(count, Surveys { survey: value.survey_id, within_days, score }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ClaimValue {
    #[serde(default)]
    open: bool,
    #[serde(default)]
    statuses: Vec<String>,
    #[serde(default)]
    types: Vec<String>,
    amount: Option<Ends>,
    #[serde(default)]
    of_policy: bool,
}

/// Claims.
pub(super) fn claims(parts: &Parts<'_>) -> Found<Condition> {
    let (count, within_days) = common(parts)?;
    let value: ClaimValue = ClaimValue::deserialize(own(parts)).or_else(|error| parts.wrong_value(error))?;
    if value.open && !value.statuses.is_empty() {
        return parts.wrong_value("give open or statuses");
    }
    if value.statuses.iter().any(|status| !Claims::STATUSES.contains(&status.as_str())) {
        return parts.wrong_value(format!("statuses: expected {}", Claims::STATUSES.join(", ")));
    }
    let list = |texts: Vec<String>| match texts.is_empty() {
        true => Ok(texts),
        false => Parts { path: parts.path, operator: parts.operator, value: &texts.into() }.texts(),
    };
    let open = if value.open { Claims::OPEN } else { &[] };
    let statuses = open.iter().map(|status| (*status).to_owned()).chain(value.statuses).collect();
    let claims = Claims {
        statuses: list(statuses)?,
        types: list(value.types)?.iter().map(|text| text.to_lowercase()).collect(),
        amount: value.amount.map(|ends| between(parts, ends, false)).transpose()?,
        within_days,
        of_policy: value.of_policy,
    };
    Ok(Condition::Claims(count, claims))
}
