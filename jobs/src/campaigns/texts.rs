//! What a campaign's messages say, its own and those of its variants, and who gets which.

use domain::{
    campaigns::{plan::Test, split},
    messaging::Purpose,
};
use schema::{
    DbError,
    campaigns::{Campaign, PinnedText, Share, Variant},
    template_versions::TemplateVersion,
};
use std::collections::BTreeMap;

/// A text nobody can be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TextError {
    #[error("a template it needs does not exist any more")]
    Missing,
    #[error("the template {0:?} is switched off")]
    Inactive(String),
    #[error("reading a template")]
    Row(#[from] DbError),
}

/// The campaign's own texts and those of its variants. Those who wait for the winner are first written down with the
/// first variant's.
pub(super) fn of_campaign(
    campaign: &Campaign,
    variants: &[Variant],
    versions: &[TemplateVersion],
) -> Result<Vec<PinnedText>, TextError> {
    let own = match (variants.first(), campaign.template_id, campaign.template_version) {
        (Some(first), ..) => (first.template_id, Some(first.template_version)),
        (None, Some(template), version) => (template, version),
        (None, None, _) => return Err(TextError::Missing),
    };
    let mut texts = of_one(None, own, versions)?;
    for variant in variants {
        texts.extend(of_variant(variant, versions)?);
    }
    all_active(versions, &texts)?;
    Ok(texts)
}

/// A variant's texts, also where its template has been switched off meanwhile: what has begun goes on.
pub(super) fn of_variant(variant: &Variant, versions: &[TemplateVersion]) -> Result<Vec<PinnedText>, TextError> {
    of_one(Some(variant.id), (variant.template_id, Some(variant.template_version)), versions)
}

/// Refuses templates that are switched off, before it begins.
fn all_active(versions: &[TemplateVersion], texts: &[PinnedText]) -> Result<(), TextError> {
    let used = |version: &&TemplateVersion| texts.iter().any(|text| text.version == version.id);
    match versions.iter().filter(used).find(|version| !version.is_active) {
        Some(version) => Err(TextError::Inactive(version.name.clone())),
        None => Ok(()),
    }
}

fn of_one(
    variant: Option<i64>,
    (template, version): (i64, Option<i32>),
    versions: &[TemplateVersion],
) -> Result<Vec<PinnedText>, TextError> {
    let fits = |text: &&TemplateVersion| text.template_id == template && version.is_none_or(|it| it == text.version);
    let fallback = versions.iter().filter(fits).find(|text| text.is_fallback).ok_or(TextError::Missing)?;
    let purpose: Purpose = fallback.purpose()?;
    let pinned = |language: Option<String>, version: i64| PinnedText {
        variant,
        language,
        version,
        template,
        purpose,
        topic: fallback.topic.clone(),
    };
    // a language said twice would give its readers two messages
    let by_language: BTreeMap<&str, i64> =
        versions.iter().filter(fits).map(|text| (text.language.as_str(), text.id)).collect();
    let texts = by_language.into_iter().map(|(language, id)| pinned(Some(language.to_owned()), id));
    Ok(texts.chain([pinned(None, fallback.id)]).collect())
}

/// Each variant's share of the recipients.
pub(super) fn shares(variants: &[Variant], test: Option<&Test>) -> Vec<Share> {
    let weights: Vec<u16> = variants.iter().map(|variant| u16::try_from(variant.weight).unwrap_or(1)).collect();
    let share_percent = test.map_or(100, |test| test.share_percent);
    let shares = split::shares(&weights, share_percent).into_iter();
    let share = |(variant, (low, high)): (&Variant, (u32, u32))| Share {
        variant: variant.id,
        low: low.into(),
        high: high.into(),
        channel: variant.channel,
        send_hour: variant.send_hour,
        content: content(variant),
    };
    variants.iter().zip(shares).map(share).collect()
}

/// What its messages say besides their template.
pub(super) fn content(variant: &Variant) -> Option<serde_json::Value> {
    let subject = variant.subject.as_ref()?;
    Some(serde_json::json!({"kind": "template", "subject": subject}))
}
