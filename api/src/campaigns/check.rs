//! Checks what is written about campaigns to be, without looking anything up.
//!
//! Fails with every fault at once, each by its field.

use super::{
    delivery::{self, Delivery},
    new::NewCampaign,
};
use crate::{
    envelope::FieldFault,
    error::{ApiError, ApiResult},
    request::blank_is_none,
};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::{
    campaigns::{
        Audience, Plan as DeliveryPlan, ScheduleType,
        plan::{Timing, earliest_on_earth},
        start::{self, DEFAULT_ZONE, StartError},
    },
    ids::{TemplateId, UploadId},
    messaging::Channel,
    money::Money,
};
use rust_decimal::Decimal;
use schema::campaigns::{NewVariant, Schedule};
use serde_json::Value;

/// The longest tag, in characters.
const TAG_LIMIT: usize = 50;
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
    pub tags: Vec<String>,
    pub as_draft: bool,
    pub delivery: DeliveryPlan,
    /// Of a request for one channel.
    pub variants: Vec<NewVariant>,
}

impl Plan {
    /// The day it starts, on its own calendar.
    pub fn day(&self, now: DateTime<Utc>) -> NaiveDate {
        let at = match &self.schedule {
            Schedule::Immediate => now,
            Schedule::At { at, .. } | Schedule::Recurring { first: at } => *at,
        };
        self.delivery.day.unwrap_or_else(|| at.with_timezone(&self.zone).date_naive())
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
    let zone_name = zone.unwrap_or(DEFAULT_ZONE).name();
    let delivery = Delivery {
        send_time: given.send_time.as_ref(),
        windows: &given.send_windows,
        per_hour: given.per_hour,
        over_days: given.over_days,
        test: given.test.as_ref(),
        limits: given.limits.as_ref(),
        recurrence: given.recurrence.as_ref(),
        attribution_days: given.attribution_days,
        grouping: given.grouping.map(|grouping| grouping.0),
        holdout_percent: given.holdout_percent,
    };
    let mut delivery = delivery.plan(&mut faults, zone_name, now);
    let schedule = faults.schedule(&given, &mut delivery, zone, now);
    let variants = match (channels.as_slice(), given.variants.is_empty() && given.test.is_none()) {
        (_, true) => Vec::new(),
        ([own], false) => delivery::variants(&given.variants, given.test.is_some(), *own, &mut faults),
        (_, false) => {
            faults.add("variants", "are tried within one type; a variant may name another channel");
            Vec::new()
        }
    };
    let tags = faults.tags(&given.tags);
    let audience = Audience::parse(&given.target_audience).map_err(|error| faults.add("targetAudience", error)).ok();
    let budget = given.budget.as_ref().and_then(|budget| faults.budget(budget));
    let description = blank_is_none(given.description);
    let upload = given.upload_id.map(|upload| upload.0);
    match (faults.0.is_empty(), schedule, audience) {
        (true, Some(schedule), Some(audience)) => {
            let zone = zone.unwrap_or(DEFAULT_ZONE);
            let as_draft = given.as_draft;
            Ok(Plan {
                name,
                description,
                channels,
                upload,
                schedule,
                zone,
                audience,
                budget,
                tags,
                as_draft,
                delivery,
                variants,
            })
        }
        _ => Err(ApiError::faults(faults.0)),
    }
}

/// In a sentence.
fn named(kind: ScheduleType) -> &'static str {
    match kind {
        ScheduleType::Immediate => "an immediate",
        ScheduleType::Scheduled => "a scheduled",
        ScheduleType::Recurring => "a recurring",
    }
}

/// What is at fault so far.
#[derive(Default)]
pub(super) struct Faults(Vec<FieldFault>);

impl Faults {
    pub(super) fn add(&mut self, field: &str, message: impl ToString) {
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

    fn tags(&mut self, given: &[String]) -> Vec<String> {
        let mut tags: Vec<String> = given.iter().map(|tag| tag.trim().to_lowercase()).collect();
        if tags.iter().any(|tag| tag.is_empty() || tag.chars().count() > TAG_LIMIT) {
            self.add("tags", format!("a tag has 1 to {TAG_LIMIT} characters"));
        }
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    fn schedule(
        &mut self,
        given: &NewCampaign,
        delivery: &mut DeliveryPlan,
        zone: Option<Tz>,
        now: DateTime<Utc>,
    ) -> Option<Schedule> {
        let implied = match (&given.recurrence, &given.scheduled_at) {
            (Some(_), _) => ScheduleType::Recurring,
            (None, Some(_)) => ScheduleType::Scheduled,
            (None, None) => ScheduleType::Immediate,
        };
        let kind = given.schedule_type.map_or(implied, |kind| kind.0);
        if kind != ScheduleType::Scheduled {
            let times = [("scheduledAt", &given.scheduled_at), ("latestStart", &given.latest_start)];
            for (field, _) in times.iter().filter(|(_, time)| time.is_some()) {
                self.add(field, format!("{} campaign has no time; use scheduleType scheduled", named(kind)));
            }
        }
        if kind != ScheduleType::Recurring && given.recurrence.is_some() {
            self.add("recurrence", format!("{} campaign does not recur; use scheduleType recurring", named(kind)));
        }
        match kind {
            ScheduleType::Immediate => Some(Schedule::Immediate),
            ScheduleType::Scheduled => self.timed(given, delivery, zone, now),
            ScheduleType::Recurring => {
                let Some(recurrence) = &delivery.recurrence else {
                    self.add("recurrence", "a recurring campaign needs its timetable");
                    return None;
                };
                let zone = zone.unwrap_or(DEFAULT_ZONE).name();
                // what is wrong with it was told with the plan
                let first = recurrence.next_after(zone, now).ok().flatten()?;
                Some(Schedule::Recurring { first })
            }
        }
    }

    fn timed(
        &mut self,
        given: &NewCampaign,
        delivery: &mut DeliveryPlan,
        zone: Option<Tz>,
        now: DateTime<Utc>,
    ) -> Option<Schedule> {
        let Some(text) = given.scheduled_at.as_deref() else {
            self.add("scheduledAt", "a scheduled campaign needs its time");
            return None;
        };
        // a day on everybody's own clocks needs no zone to be read in
        let read_in = zone.or(delivery.timing.is_local().then_some(DEFAULT_ZONE));
        let at = self.instant("scheduledAt", text, given, read_in);
        let latest = given.latest_start.as_deref().map(|text| self.instant("latestStart", text, given, read_in));
        let at = at?;
        let is_past = match read_in.filter(|_| delivery.timing.is_local()) {
            // of a local time only the day is meant
            Some(zone) => at.with_timezone(&zone).date_naive() < now.with_timezone(&zone).date_naive(),
            None => at <= now,
        };
        if at > now + FARTHEST {
            self.add("scheduledAt", "is more than two years ahead");
        } else if is_past {
            self.add("scheduledAt", format!("is in the past: it is {} now", now.format("%Y-%m-%dT%H:%M:%SZ")));
        }
        let at = match delivery.timing {
            Timing::AtOnce => at,
            Timing::RecipientTime { at: time } | Timing::BestHour { otherwise: time } => {
                let day = at.with_timezone(&read_in.unwrap_or(DEFAULT_ZONE)).date_naive();
                delivery.day = Some(day);
                let begins = match delivery.timing {
                    Timing::BestHour { .. } => NaiveTime::MIN,
                    Timing::AtOnce | Timing::RecipientTime { .. } => time,
                };
                earliest_on_earth(day, begins).max(now)
            }
        };
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
