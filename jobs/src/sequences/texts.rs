//! What a ladder's steps say, tried before anybody is put on it: a step that nobody can be sent would be found out weeks
//! later, and by then in the night.

use crate::{sending::work, services::Services};
use chrono::NaiveDate;
use domain::messaging::{
    Channel,
    template::{KNOWN, variables_of},
};
use schema::{
    AsyncPgConnection, DbError,
    campaigns::{self, Campaign},
    sequences::{self, StepText},
    template_versions::TemplateVersion,
};
use std::{collections::HashMap, error::Error};

/// Variables that only mails have values for.
const OF_MAILS: [&str; 3] = ["unsubscribe_url", "preferences_url", "view_url"];

/// Why a template, in all its languages, cannot be sent by a step on the channel; `None`: it can. What has begun goes on
/// with a template that is switched off.
pub fn problem(
    services: &Services,
    channel: Channel,
    versions: Vec<TemplateVersion>,
    today: NaiveDate,
    has_begun: bool,
) -> Option<String> {
    let Some(first) = versions.first() else { return Some("there is no such template".to_owned()) };
    if first.template_type != channel.as_str() {
        return Some(format!("is a template for {}", first.template_type));
    }
    if !first.is_active && !has_begun {
        return Some("is not active any more".to_owned());
    }
    let mut unknown: Vec<String> = versions.iter().flat_map(|version| valueless(version, channel)).collect();
    unknown.sort_unstable();
    unknown.dedup();
    if let Err(error) = work::letters(services, channel, versions, today) {
        let source = error.source().map(|source| format!(": {source}"));
        return Some(format!("{error}{}", source.unwrap_or_default()));
    }
    (!unknown.is_empty()).then(|| format!("has no value for {} for anybody", unknown.join(", ")))
}

/// Variables that a version uses and that no policy has a value for. What cannot be read is told by whoever compiles it.
fn valueless(version: &TemplateVersion, channel: Channel) -> Vec<String> {
    let texts = version.subject.iter().chain([&version.content]);
    let used = texts.flat_map(|text| variables_of(text).unwrap_or_default());
    let is_known = |name: &String| {
        let name = name.as_str();
        KNOWN.iter().any(|(known, _)| *known == name) && (channel == Channel::Email || !OF_MAILS.contains(&name))
    };
    used.filter(|name| !is_known(name)).collect()
}

/// What is wrong with the pinned texts of a ladder, in one sentence a step; `None`: nothing.
pub(super) async fn of_ladder(
    services: &Services,
    connection: &mut AsyncPgConnection,
    campaign: &Campaign,
    today: NaiveDate,
) -> Result<Option<String>, DbError> {
    let mut versions: HashMap<Channel, Vec<TemplateVersion>> = HashMap::new();
    // few: at most as many as there are channels
    for channel in campaigns::channels(connection, campaign.id).await? {
        versions.insert(channel, campaigns::texts(connection, campaign.id, channel).await?);
    }
    let steps = sequences::step_texts(connection, campaign.id).await?;
    let problems = steps.iter().filter_map(|step| {
        let found = versions.get(&step.channel).map(Vec::as_slice).unwrap_or_default();
        let wrong = problem(services, step.channel, pinned(step, found), today, campaign.audience_ready)?;
        let kind = if step.is_fallback { "fallback of step" } else { "step" };
        Some(format!("the template of {kind} {} {wrong}", step.step + 1))
    });
    let problems: Vec<String> = problems.collect();
    Ok((!problems.is_empty()).then(|| problems.join("; ")))
}

/// A step's version in all languages.
fn pinned(step: &StepText, versions: &[TemplateVersion]) -> Vec<TemplateVersion> {
    let own = |version: &&TemplateVersion| version.template_id == step.template;
    let number = versions.iter().filter(own).find(|version| Some(version.id) == step.text).map(|it| it.version);
    versions.iter().filter(own).filter(|version| Some(version.version) == number).cloned().collect()
}
