//! A measurement as it is kept and shown.

use super::metrics::Measured;
use domain::campaigns::{
    CampaignStatus,
    report::{Content, Excluded, FAILURES, Metrics, Report},
};
use std::collections::BTreeMap;

/// Templates that are told.
const CONTENTS: usize = 10;

impl Measured {
    /// As it is kept in `campaigns.metrics` of a campaign that stood there, with the estimate made when it was written.
    pub fn report(&self, status: Option<CampaignStatus>, estimate: Option<i64>) -> Report {
        let excluded = self.figures.exclusions.iter();
        Report {
            metrics: self.figures.whole.metrics,
            timeline_seconds: self.width,
            timeline: self.timeline.clone(),
            top_performing_content: self.contents(),
            exclusions: excluded.map(|(reason, count)| Excluded { reason: reason.clone(), count: *count }).collect(),
            estimate,
            status,
            failures: self.figures.failures.iter().take(FAILURES).cloned().collect(),
            cost: self.figures.whole.cost.clone(),
            revenue: self.figures.whole.revenue.clone(),
        }
    }

    /// The templates, best first: by what was opened of what was delivered.
    fn contents(&self) -> Vec<Content> {
        let mut by_template: BTreeMap<i64, Metrics> = BTreeMap::new();
        for ((template, _), metrics) in &self.figures.templates {
            *by_template.entry(*template).or_default() += *metrics;
        }
        let content = |(template_id, metrics): (i64, Metrics)| Content {
            template_id,
            name: self.names.templates.get(&template_id).cloned().unwrap_or_default(),
            sent: metrics.sent,
            delivered: metrics.delivered,
            opened: metrics.opened,
            clicked: metrics.clicked,
            converted: metrics.converted,
        };
        let mut contents: Vec<Content> = by_template.into_iter().map(content).collect();
        contents.sort_by(|a, b| {
            // a/b > c/d without dividing; what was delivered to nobody comes last
            let (this, that) = (a.opened * b.delivered.max(1), b.opened * a.delivered.max(1));
            let some = |content: &Content| content.delivered > 0;
            some(b)
                .cmp(&some(a))
                .then(that.cmp(&this))
                .then(b.sent.cmp(&a.sent))
                .then(a.template_id.cmp(&b.template_id))
        });
        contents.truncate(CONTENTS);
        contents
    }
}
