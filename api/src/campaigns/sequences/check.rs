//! Checks what is written about ladders to be, and looks up what it refers to.
//!
//! Fails with every fault at once, each by its field.

use super::given::{LadderChange, LadderStep, NewLadder};
use crate::{
    auth::SignedIn,
    envelope::FieldFault,
    error::{ApiError, ApiResult},
    request::blank_is_none,
    segments::resolved,
};
use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use domain::{
    campaigns::{
        Audience, CampaignStatus,
        sequence::{self, Fallback, Step},
        start::{self, DEFAULT_ZONE},
    },
    ids::{TemplateId, UploadId},
    local_day::local_day,
    messaging::Channel,
    permissions::Reach,
};
use jobs::{sequences::texts, services::Services};
use schema::{
    AsyncPgConnection,
    campaigns::Campaign,
    sequences::{Drafted, NewSequence},
    template_versions, uploads,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The longest tag, in characters.
const TAG_LIMIT: usize = 50;

/// What a draft becomes, checked.
pub(super) struct Change {
    pub steps: Vec<Step>,
    pub beside: Drafted,
}

impl Change {
    /// What is said anew beside the steps, for the audit log; `None`: nothing.
    pub(super) fn told(&self) -> Option<Value> {
        let Drafted { name, description, tags, audience, .. } = &self.beside;
        let is_said = name.is_some() || description.is_some() || tags.is_some() || audience.is_some();
        is_said.then(|| json!({"name": name, "description": description, "tags": tags, "targetAudience": audience}))
    }
}

/// What that replaces.
pub(super) fn replaced(draft: &Campaign) -> Value {
    json!({
        "name": draft.name, "description": draft.description, "tags": draft.tags,
        "targetAudience": draft.target_audience_filter,
    })
}

/// The ladder, if it can be written.
pub(super) async fn ladder(
    services: &Services,
    connection: &mut AsyncPgConnection,
    caller: &SignedIn,
    given: NewLadder,
) -> ApiResult<NewSequence> {
    let now = services.clock.now();
    let mut faults = Faults::default();
    let name = faults.name(&given.name);
    let tags = faults.tags(given.tags.as_deref().unwrap_or_default());
    let zone = given.time_zone.as_deref().map(start::zone).transpose();
    let zone = zone.map_err(|error| faults.add("timeZone", error)).ok().flatten().unwrap_or(DEFAULT_ZONE);
    let audience = faults.audience(&given.target_audience);
    let enrol_until = faults.until(given.enrol_until.as_deref(), zone, now);
    let steps = faults.steps(&given.steps);
    faults.templates(services, connection, &steps).await?;
    let upload = given.upload_id.map(|id| id.0);
    let unready = faults.upload(connection, caller.reach, upload).await?;
    let Some(audience) = audience.filter(|_| faults.0.is_empty()) else { return Err(ApiError::faults(faults.0)) };
    // one that they may not see is as one that is not there
    resolved(connection, "targetAudience", &audience.segments(), caller.user_id).await?;
    if let Some(status) = unready {
        let message = format!("uploadId: the upload is {status}; only a completed one can be addressed");
        let details = json!({"field": "uploadId", "status": status});
        return Err(ApiError::conflict("upload_not_ready", message).with_details(details));
    }
    Ok(NewSequence {
        name,
        description: blank_is_none(given.description),
        tags,
        steps,
        max_messages: given.max_messages,
        audience,
        upload_id: upload.map(|id| id.0),
        time_zone: zone.name().to_owned(),
        enrol_until,
        holdout_percent: given.holdout_percent,
        created_by: Some(caller.user_id.0),
        reach: caller.reach,
    })
}

/// What a draft is to become, if it can be written.
pub(super) async fn change(
    services: &Services,
    connection: &mut AsyncPgConnection,
    caller: &SignedIn,
    given: LadderChange,
) -> ApiResult<Change> {
    let now = services.clock.now();
    let mut faults = Faults::default();
    let enrol_until = faults.until(given.enrol_until.as_deref(), DEFAULT_ZONE, now);
    let steps = faults.steps(&given.steps);
    faults.templates(services, connection, &steps).await?;
    let name = given.name.map(|name| faults.name(&name));
    let tags = given.tags.map(|tags| faults.tags(&tags));
    let audience = given.target_audience.and_then(|given| faults.audience(&given));
    if !faults.0.is_empty() {
        return Err(ApiError::faults(faults.0));
    }
    if let Some(audience) = &audience {
        resolved(connection, "targetAudience", &audience.segments(), caller.user_id).await?;
    }
    let beside = Drafted {
        name,
        description: blank_is_none(given.description),
        tags,
        audience,
        max_messages: given.max_messages,
        holdout_percent: given.holdout_percent,
        enrol_until,
        writer: caller.user_id.0,
        reach: caller.reach,
    };
    Ok(Change { steps, beside })
}

/// What is at fault so far.
#[derive(Default)]
struct Faults(Vec<FieldFault>);

impl Faults {
    fn add(&mut self, field: impl Into<String>, message: impl ToString) {
        self.0.push(FieldFault { field: field.into(), message: message.to_string() });
    }

    fn name(&mut self, given: &str) -> String {
        let name = given.trim().to_owned();
        if name.is_empty() {
            self.add("name", "is required");
        }
        name
    }

    fn tags(&mut self, given: &[String]) -> Vec<String> {
        let tags: Vec<String> = given.iter().map(|tag| tag.trim().to_owned()).collect();
        if tags.iter().any(|tag| tag.is_empty() || tag.chars().count() > TAG_LIMIT) {
            self.add("tags", format!("a tag has 1 to {TAG_LIMIT} characters"));
        }
        tags
    }

    fn audience(&mut self, given: &Value) -> Option<Audience> {
        Audience::parse(given).map_err(|error| self.add("targetAudience", error)).ok()
    }

    fn until(&mut self, text: Option<&str>, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match start::instant(text?, Some(zone)) {
            Ok(at) if at > now => Some(at),
            Ok(_) => {
                self.add("enrolUntil", "is in the past");
                None
            }
            Err(error) => {
                self.add("enrolUntil", error);
                None
            }
        }
    }

    fn steps(&mut self, given: &[LadderStep]) -> Vec<Step> {
        let mut steps = Vec::with_capacity(given.len());
        for (index, step) in given.iter().enumerate() {
            let at = time(&step.at).unwrap_or_else(|| {
                self.add(format!("steps[{index}].at"), format!("{:?} is not a time such as 10:00", step.at));
                NaiveTime::MIN
            });
            let fallback = step.fallback.as_ref().map(|other| Fallback {
                channel: other.channel.0,
                template: other.template_id.0.0,
                unless: other.unless.0,
                hours: other.hours,
            });
            steps.push(Step {
                days: step.days,
                at,
                channel: step.channel.0,
                template: step.template_id.0.0,
                condition: step.condition.map(|name| name.0),
                fallback,
            });
        }
        // times that could not be read would look out of order
        if self.0.iter().all(|fault| !fault.field.ends_with(".at")) {
            for fault in sequence::check(&steps) {
                self.add(fault.field, fault.problem);
            }
        }
        steps
    }

    async fn templates(
        &mut self,
        services: &Services,
        connection: &mut AsyncPgConnection,
        steps: &[Step],
    ) -> ApiResult<()> {
        let today = local_day(services.clock.now(), None);
        let mut used: BTreeMap<(i64, Channel), String> = BTreeMap::new();
        for (index, step) in steps.iter().enumerate() {
            used.entry((step.template, step.channel)).or_insert_with(|| format!("steps[{index}].templateId"));
            if let Some(other) = &step.fallback {
                let field = format!("steps[{index}].fallback.templateId");
                used.entry((other.template, other.channel)).or_insert(field);
            }
        }
        // at most two a step
        for ((template, channel), field) in used {
            let versions = template_versions::of_template(connection, template, None).await?;
            if let Some(problem) = texts::problem(services, channel, versions, today, false) {
                self.add(field, problem);
            }
        }
        Ok(())
    }

    /// Whether the upload may be addressed; its status when it is not read yet.
    async fn upload(
        &mut self,
        connection: &mut AsyncPgConnection,
        reach: Reach,
        upload: Option<UploadId>,
    ) -> ApiResult<Option<String>> {
        let Some(id) = upload else { return Ok(None) };
        match uploads::file::find(connection, reach, id).await? {
            None => self.add("uploadId", "there is no such upload"),
            Some(upload) if upload.dry_run => {
                self.add("uploadId", "was only tried out (dryRun); nothing of it is in the book");
            }
            Some(upload) if upload.status != "completed" => return Ok(Some(upload.status)),
            Some(_) => {}
        }
        Ok(None)
    }
}

fn time(text: &str) -> Option<NaiveTime> {
    let read = |form| NaiveTime::parse_from_str(text.trim(), form).ok();
    read("%H:%M").or_else(|| read("%H:%M:%S"))
}

/// A ladder for the audit log.
pub(super) fn told(new: &NewSequence, status: CampaignStatus) -> Value {
    json!({
        "name": new.name, "mode": "sequence", "status": status, "tags": new.tags, "steps": steps_told(&new.steps),
        "maxMessages": new.max_messages, "holdoutPercent": new.holdout_percent, "uploadId": new.upload_id.map(UploadId), "targetAudience": new.audience,
        "enrolUntil": new.enrol_until,
    })
}

/// Steps for the audit log.
pub(super) fn steps_told(steps: &[Step]) -> Value {
    let fallback = |other: &Fallback| {
        json!({
            "channel": other.channel, "templateId": TemplateId(other.template), "unless": other.unless,
            "hours": other.hours,
        })
    };
    let steps = steps.iter().map(|step| {
        json!({
            "days": step.days, "at": step.at.format("%H:%M:%S").to_string(), "channel": step.channel,
            "templateId": TemplateId(step.template), "condition": step.condition,
            "fallback": step.fallback.as_ref().map(fallback),
        })
    });
    steps.collect()
}
