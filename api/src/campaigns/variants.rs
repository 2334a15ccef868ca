//! A campaign's test as it is shown.

use crate::request::{Id, Name};
use chrono::{DateTime, Utc};
use domain::{ids::TemplateId, messaging::Channel};
use jobs::campaigns::winner;
use poem_openapi::Object;
use schema::campaigns::{Campaign, Tried, Variant};
use serde_json::Value;

/// How the variants of a test fare.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct Trial {
    /// In the order in which they were written.
    variants: Vec<Arm>,
    /// The label of the one that won.
    winner: Option<String>,
    /// When it was named.
    decided_at: Option<DateTime<Utc>>,
    /// What it was decided by: metric, method, figures, probabilities.
    basis: Option<Value>,
    /// Whether the figures of now are sure enough to name one.
    is_sure: bool,
    /// Two-sided, of the best against the one it is hardest to tell from.
    p_value: f64,
}

/// One of them.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Arm {
    /// What people call it.
    label: String,
    /// Its share, relative to the others'.
    weight: i16,
    /// How it goes out.
    #[oai(rename = "type")]
    channel: Name<Channel>,
    /// What it says.
    template_id: Id<TemplateId>,
    /// Instead of the template's own.
    subject: Option<String>,
    /// In which hour of the recipient's day.
    send_hour: Option<i16>,
    /// Accepted by the provider.
    sent: i64,
    /// Opened or read.
    opened: i64,
    /// Followed a link.
    clicked: i64,
    /// Answered.
    replied: i64,
    /// Renewed or paid after the message.
    converted: i64,
    /// Of those sent, in percent, by the test's metric.
    rate: String,
    /// That it is the best.
    probability_best: f64,
}

impl Trial {
    pub fn of(campaign: &Campaign, variants: &[Variant], tried: &[Tried]) -> Self {
        let judged = campaign.plan().test.map(|test| winner::judged(variants, tried, &test));
        let (arms, judgement) = judged.map_or((Vec::new(), None), |(arms, judgement)| (arms, Some(judgement)));
        let arm = |(place, variant): (usize, &Variant)| {
            let found = tried.iter().find(|tried| tried.variant == variant.id);
            let count = |of: fn(&Tried) -> i64| found.map_or(0, of);
            let share = arms.get(place).map_or(0.0, domain::statistics::Arm::share) * 100.0;
            let probability = judgement.as_ref().and_then(|it| it.probability_best.get(place)).copied();
            Arm {
                label: variant.label.clone(),
                weight: variant.weight,
                channel: Name(variant.channel),
                template_id: Id(TemplateId(variant.template_id)),
                subject: variant.subject.clone(),
                send_hour: variant.send_hour,
                sent: count(|tried| tried.sent),
                opened: count(|tried| tried.opened),
                clicked: count(|tried| tried.clicked),
                replied: count(|tried| tried.replied),
                converted: count(|tried| tried.converted),
                rate: format!("{share:.1}"),
                probability_best: probability.unwrap_or_default(),
            }
        };
        let named = variants.iter().find(|variant| Some(variant.id) == campaign.winner_id);
        Self {
            variants: variants.iter().enumerate().map(arm).collect(),
            winner: named.map(|variant| variant.label.clone()),
            decided_at: campaign.winner_at,
            basis: campaign.winner_basis.clone(),
            is_sure: judgement.as_ref().is_some_and(|it| it.winner.is_some()),
            p_value: judgement.as_ref().map_or(1.0, |it| it.p_value),
        }
    }
}
