//! Campaigns at random, and what the model knows of when each may send.

use crate::chance::Chance;
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use serde_json::{Value, json};

pub const CHANNELS: [&str; 3] = ["whatsapp", "email", "sms"];
/// Some of them come twice or never where clocks change.
const TIMES: [&str; 6] = ["10:00", "02:30", "01:30", "09:00", "18:45", "23:30"];

/// A part of some days.
#[derive(Debug, Clone)]
pub struct Hours {
    days: Vec<Weekday>,
    from: NaiveTime,
    until: NaiveTime,
}

/// Every day at a time, on the clocks of the insurer.
#[derive(Debug, Clone, Copy)]
pub struct Daily {
    time: NaiveTime,
    zone: Tz,
    pub until: DateTime<Utc>,
}

impl Daily {
    /// Whether it is one of its times.
    pub fn is_time(&self, at: DateTime<Utc>) -> bool {
        shown(at.with_timezone(&self.zone).date_naive(), self.time, self.zone) == at && at <= self.until
    }
}

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Terms {
    /// What is posted.
    pub request: Value,
    pub is_ladder: bool,
    pub is_draft: bool,
    windows: Vec<Hours>,
    at: Option<NaiveTime>,
    day: Option<NaiveDate>,
    pub per_hour: Option<u32>,
    /// It waits for a time.
    pub is_timed: bool,
    /// It sends nothing itself, and begins again and again.
    pub daily: Option<Daily>,
    /// Nobody gets anything of it.
    pub is_rehearsal: bool,
    /// Days from a policy's end, and the time of the recipient's day.
    pub steps: Vec<(i64, NaiveTime)>,
}

fn clock(text: &str) -> NaiveTime {
    NaiveTime::parse_from_str(text, "%H:%M").unwrap()
}

/// Whether the local time is of these hours.
pub fn within(time: NaiveTime, from: NaiveTime, until: NaiveTime) -> bool {
    if from < until { from <= time && time < until } else { from <= time || time < until }
}

/// When clocks show it: forward where they skip it, the first where it comes twice.
fn shown(day: NaiveDate, time: NaiveTime, zone: Tz) -> DateTime<Utc> {
    let mut local = day.and_time(time);
    loop {
        if let Some(at) = zone.from_local_datetime(&local).earliest() {
            return at.to_utc();
        }
        local += TimeDelta::minutes(30);
    }
}

impl Terms {
    /// A campaign to everybody of the upload.
    pub fn any(chance: &mut Chance, now: DateTime<Utc>, templates: &[(&'static str, [String; 2])]) -> Self {
        if chance.one_in(4) { Self::ladder(chance, templates) } else { Self::once(chance, now, templates) }
    }

    pub fn once(chance: &mut Chance, now: DateTime<Utc>, templates: &[(&'static str, [String; 2])]) -> Self {
        let (channel, texts) = &templates[chance.place(templates.len())];
        let is_draft = chance.one_in(4);
        let mut terms = Self {
            request: json!({
                "name": "Renewals", "type": [channel], "uploadId": "upload-1", "targetAudience": "all",
                "templates": {*channel: texts[0]}, "timeZone": "Asia/Kolkata", "asDraft": is_draft,
                "grouping": chance.of(&["address", "address", "customer", "household", "policy", "together"]),
            }),
            is_ladder: false,
            is_draft,
            windows: Vec::new(),
            at: None,
            day: None,
            per_hour: None,
            is_timed: false,
            daily: None,
            is_rehearsal: false,
            steps: Vec::new(),
        };
        terms.time(chance, now);
        if chance.one_in(3) {
            terms.restrict(chance);
        }
        let request = &mut terms.request;
        match chance.below(8) {
            0 | 1 => {
                let count = chance.of(&[10_u32, 60, 600]);
                terms.per_hour = Some(count);
                request["perHour"] = json!(count);
            }
            2 => request["overDays"] = json!(chance.within(1, 3)),
            _ => {}
        }
        if chance.one_in(4) {
            request["holdoutPercent"] = json!(chance.within(5, 60));
        }
        if chance.one_in(4) {
            request["limits"] = json!({"failurePercent": 30.0, "atLeast": 5});
        }
        if chance.one_in(4) {
            request["variants"] = json!([{"label": "A"}, {"label": "B", "templateId": texts[1], "weight": 2}]);
            let share = chance.of(&[30, 60, 100]);
            request["test"] = json!({"metric": "clicked", "sharePercent": share, "hours": chance.within(1, 5)});
        }
        terms
    }

    fn time(&mut self, chance: &mut Chance, now: DateTime<Utc>) {
        let is_local = chance.one_in(3);
        self.is_timed = chance.one_in(2);
        if is_local {
            let at = chance.of(&TIMES);
            let mode = chance.of(&["recipientTime", "recipientTime", "bestHour"]);
            // the best hour may be any
            self.at = (mode == "recipientTime").then(|| clock(at));
            self.request["sendTime"] = json!({"mode": mode, "at": at});
        }
        if !self.is_timed && chance.one_in(4) {
            return self.repeat(chance, now);
        }
        if !self.is_timed {
            return;
        }
        let begins = if is_local {
            let day = now.date_naive() + TimeDelta::days(chance.within(2, 4));
            self.day = Some(day);
            self.request["scheduledAt"] = json!(format!("{day}T12:00"));
            day.and_time(clock("12:00")).and_utc()
        } else {
            let begins = now + TimeDelta::minutes(chance.within(5, 60 * 30));
            self.request["scheduledAt"] = json!(begins.to_rfc3339());
            begins
        };
        if chance.one_in(2) {
            let latest = begins + TimeDelta::minutes(chance.within(60, 60 * 20));
            self.request["latestStart"] = json!(latest.to_rfc3339());
        }
    }

    fn repeat(&mut self, chance: &mut Chance, now: DateTime<Utc>) {
        let (cron, time) = chance.of(&[("0 10 * * *", "10:00"), ("30 2 * * *", "02:30"), ("45 18 * * *", "18:45")]);
        let zone = chance.of(&["Asia/Kolkata", "America/New_York", "Pacific/Auckland"]);
        let until = now + TimeDelta::days(chance.within(2, 4));
        self.daily = Some(Daily { time: clock(time), zone: zone.parse().unwrap(), until });
        self.request["timeZone"] = json!(zone);
        self.request["recurrence"] = json!({"cron": cron, "until": until.to_rfc3339()});
    }

    /// Of one of its times.
    pub fn occurrence(&self) -> Self {
        Self { daily: None, ..self.at_once() }
    }

    /// Of a rehearsal of it.
    pub fn rehearsed(&self) -> Self {
        Self { daily: None, is_rehearsal: true, ..self.at_once() }
    }

    fn at_once(&self) -> Self {
        Self { is_draft: false, is_timed: false, day: None, ..self.clone() }
    }

    fn restrict(&mut self, chance: &mut Chance) {
        let (from, until) =
            chance.of(&[("09:00", "18:00"), ("20:00", "01:00"), ("10:00", "11:00"), ("02:15", "03:15")]);
        let all: &[&str] =
            if chance.one_in(2) { &["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"] } else { &["TUE", "FRI", "SUN"] };
        self.request["sendWindows"] = json!([{"days": all, "from": from, "until": until}]);
        let days = all.iter().map(|day| day.parse().unwrap()).collect();
        self.windows.push(Hours { days, from: clock(from), until: clock(until) });
    }

    pub fn ladder(chance: &mut Chance, templates: &[(&'static str, [String; 2])]) -> Self {
        let is_draft = chance.one_in(4);
        let mut days = -chance.within(5, 40);
        let (mut steps, mut known) = (Vec::new(), Vec::new());
        for _ in 0..chance.within(2, 3) {
            let ((channel, texts), at) = (&templates[chance.place(templates.len())], chance.of(&TIMES));
            let mut step = json!({"days": days, "at": at, "channel": channel, "templateId": texts[0]});
            let (other, texts) = &templates[chance.place(templates.len())];
            if other != channel && chance.one_in(2) {
                step["fallback"] = json!({
                    "channel": other, "templateId": texts[0], "unless": "delivered", "hours": chance.within(1, 30),
                });
            }
            steps.push(step);
            known.push((days, clock(at)));
            days += chance.within(1, 12);
        }
        Self {
            request: json!({
                "name": "Ladder", "uploadId": "upload-1", "targetAudience": "all", "steps": steps, "draft": is_draft,
            }),
            is_ladder: true,
            is_draft,
            windows: Vec::new(),
            at: None,
            day: None,
            per_hour: None,
            is_timed: false,
            daily: None,
            is_rehearsal: false,
            steps: known,
        }
    }

    /// Whether its windows let something out to these clocks.
    pub fn lets(&self, at: DateTime<Utc>, zone: Tz) -> bool {
        let local = at.with_timezone(&zone).naive_local();
        self.windows.is_empty()
            || self.windows.iter().any(|hours| {
                let late = hours.from > hours.until && local.time() < hours.until;
                let day = if late { local.date().pred_opt().unwrap() } else { local.date() };
                within(local.time(), hours.from, hours.until) && hours.days.contains(&day.weekday())
            })
    }

    /// Before then nobody on these clocks gets anything of a campaign that began then.
    pub fn earliest(&self, begun: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        let Some(time) = self.at else {
            return self.day.map_or(begun, |day| begun.max(shown(day, NaiveTime::MIN, zone)));
        };
        let own = begun.with_timezone(&zone).date_naive();
        let day = self.day.map_or(own, |day| day.max(own));
        let first = shown(day, time, zone);
        if first >= begun { first } else { shown(day.succ_opt().unwrap(), time, zone) }
    }

    /// When a step comes for a policy that ends that day.
    pub fn step_due(&self, step: usize, ends: NaiveDate, zone: Tz) -> DateTime<Utc> {
        let (days, time) = self.steps[step];
        shown(ends + TimeDelta::days(days), time, zone)
    }
}
