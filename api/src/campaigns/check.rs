//! Checks what is written about campaigns to be, without looking anything up.
//!
//! Fails with every fault at once, each by its field.

use super::new::NewCampaign;
use crate::{
    envelope::FieldFault,
    error::{ApiError, ApiResult},
    request::blank_is_none,
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::{
    campaigns::{
        Audience, ScheduleType,
        start::{self, DEFAULT_ZONE, StartError},
    },
    ids::{TemplateId, UploadId},
    messaging::Channel,
    money::Money,
};
use rust_decimal::Decimal;
use schema::campaigns::Schedule;
use serde_json::Value;

/// Nobody plans further ahead.
const FARTHEST: TimeDelta = TimeDelta::days(366 * 2);

/// A request that can be looked up and written.
#[derive(Debug)]
pub(super) struct Plan {
    pub name: String,
    pub description: Option<String>,
    /// Each with its template, without repetition.
    pub channels: Vec<(Channel, TemplateId)>,
    pub upload: Option<UploadId>,
    pub schedule: Schedule,
    pub zone: Tz,
    pub audience: Audience,
    pub budget: Option<Money>,
}

impl Plan {
    /// The day it starts, on its own calendar.
    pub fn day(&self, now: DateTime<Utc>) -> NaiveDate {
        let at = match &self.schedule {
            Schedule::Immediate => now,
            Schedule::At { at, .. } => *at,
        };
        at.with_timezone(&self.zone).date_naive()
    }

    /// The name of one of its campaigns.
    pub fn name_of(&self, channel: Channel) -> String {
        match self.channels.as_slice() {
            [_] => self.name.clone(),
            _ => format!("{} ({})", self.name, channel.label()),
        }
    }
}

/// The request, if it makes sense by itself.
pub(super) fn checked(given: NewCampaign, now: DateTime<Utc>) -> ApiResult<Plan> {
    let mut faults = Faults::default();
    let name = given.name.trim().to_owned();
    if name.is_empty() {
        faults.add("name", "is required");
    }
    let channels = faults.channels(&given);
    let zone = faults.zone(given.time_zone.as_deref());
    let schedule = faults.schedule(&given, zone, now);
    let audience = Audience::parse(&given.target_audience).map_err(|error| faults.add("targetAudience", error)).ok();
    let budget = given.budget.as_ref().and_then(|budget| faults.budget(budget));
    let description = blank_is_none(given.description);
    let upload = given.upload_id.map(|upload| upload.0);
    match (faults.0.is_empty(), schedule, audience) {
        (true, Some(schedule), Some(audience)) => {
            let zone = zone.unwrap_or(DEFAULT_ZONE);
            Ok(Plan { name, description, channels, upload, schedule, zone, audience, budget })
        }
        _ => Err(ApiError::faults(faults.0)),
    }
}

/// What is at fault so far.
#[derive(Default)]
struct Faults(Vec<FieldFault>);

impl Faults {
    fn add(&mut self, field: &str, message: impl ToString) {
        self.0.push(FieldFault { field: field.to_owned(), message: message.to_string() });
    }

    fn channels(&mut self, given: &NewCampaign) -> Vec<(Channel, TemplateId)> {
        let mut found: Vec<(Channel, TemplateId)> = Vec::new();
        for channel in Channel::ALL {
            let asked = given.channels.iter().filter(|asked| asked.0 == *channel).count();
            let field = format!("templates.{channel}");
            match (asked, given.templates.of(*channel)) {
                (0, None) => {}
                (0, Some(_)) => self.add(&field, format!("{channel} is not among the types")),
                (_, None) => self.add(&field, "is required"),
                (1, Some(template)) => found.push((*channel, template)),
                (_, Some(_)) => self.add("type", format!("{channel} is there more than once")),
            }
        }
        found
    }

    fn zone(&mut self, name: Option<&str>) -> Option<Tz> {
        start::zone(name?).map_err(|error| self.add("timeZone", error)).ok()
    }

    fn schedule(&mut self, given: &NewCampaign, zone: Option<Tz>, now: DateTime<Utc>) -> Option<Schedule> {
        let implied = if given.scheduled_at.is_some() { ScheduleType::Scheduled } else { ScheduleType::Immediate };
        match given.schedule_type.map_or(implied, |kind| kind.0) {
            ScheduleType::Immediate => {
                let times = [("scheduledAt", &given.scheduled_at), ("latestStart", &given.latest_start)];
                for (field, _) in times.iter().filter(|(_, time)| time.is_some()) {
                    self.add(field, "an immediate campaign has no time; use scheduleType scheduled");
                }
                Some(Schedule::Immediate)
            }
            ScheduleType::Scheduled => self.timed(given, zone, now),
        }
    }

    fn timed(&mut self, given: &NewCampaign, zone: Option<Tz>, now: DateTime<Utc>) -> Option<Schedule> {
        let Some(text) = given.scheduled_at.as_deref() else {
            self.add("scheduledAt", "a scheduled campaign needs its time");
            return None;
        };
        let at = self.instant("scheduledAt", text, given, zone);
        let latest = given.latest_start.as_deref().map(|text| self.instant("latestStart", text, given, zone));
        let at = at?;
        if at <= now {
            self.add("scheduledAt", format!("is in the past: it is {} now", now.format("%Y-%m-%dT%H:%M:%SZ")));
        } else if at > now + FARTHEST {
            self.add("scheduledAt", "is more than two years ahead");
        }
        if latest.flatten().is_some_and(|latest| latest < at) {
            self.add("latestStart", "is before scheduledAt");
        }
        Some(Schedule::At { at, latest: latest.flatten() })
    }

    fn instant(&mut self, field: &str, text: &str, given: &NewCampaign, zone: Option<Tz>) -> Option<DateTime<Utc>> {
        match start::instant(text, zone) {
            Ok(at) => Some(at),
            // the zone is told to be at fault already
            Err(StartError::NoZone(_)) if given.time_zone.is_some() => None,
            Err(error) => {
                self.add(field, error);
                None
            }
        }
    }

    fn budget(&mut self, given: &Value) -> Option<Money> {
        let text = match given {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let Ok(amount) = text.parse::<Decimal>() else {
            self.add("budget", "expected a decimal number such as \"25000.00\"");
            return None;
        };
        if amount.is_sign_negative() && !amount.is_zero() {
            self.add("budget", "must not be negative");
        }
        Money::try_from(amount).map_err(|error| self.add("budget", error)).ok()
    }
}
