//! A measurement as it is kept and shown.

use super::metrics::Measured;
use domain::campaigns::report::{Content, Excluded, Metrics, Report, Span};

impl Measured {
    /// As it is kept in `campaigns.metrics`, with the estimate made when the campaign was written.
    pub fn report(&self, estimate: Option<i64>) -> Report {
        let figures = &self.figures;
        let metrics = Metrics {
            total: figures.total,
            pending: figures.pending,
            sending: figures.sending,
            suppressed: figures.suppressed,
            unconfirmed: figures.unconfirmed,
            failed: figures.failed,
            sent: figures.sent,
            delivered: figures.delivered,
            opened: figures.opened,
            clicked: figures.clicked,
            replied: figures.replied,
            converted: figures.converted,
        };
        let timeline = self.timeline.iter().map(|bucket| Span {
            at: bucket.at,
            sent: bucket.sent,
            delivered: bucket.delivered,
            opened: bucket.opened,
            replied: bucket.replied,
            failed: bucket.failed,
        });
        let contents = self.contents.iter().map(|content| Content {
            template_id: content.template_id,
            name: content.name.clone(),
            sent: content.sent,
            delivered: content.delivered,
            opened: content.opened,
            clicked: content.clicked,
            converted: content.converted,
        });
        let excluded = self.excluded.iter().map(|(reason, count)| Excluded { reason: reason.clone(), count: *count });
        Report {
            metrics,
            timeline_seconds: self.width,
            timeline: timeline.collect(),
            top_performing_content: contents.collect(),
            exclusions: excluded.collect(),
            estimate,
        }
    }
}
