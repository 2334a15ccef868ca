//! How a campaign fares, as it is kept beside it (`campaigns.metrics`) and shown.
//!
//! Written by whoever measures, read by whoever shows; fields are only ever added, so that what was kept stays readable.

use super::{
    CampaignStatus,
    figures::{Amounts, Failure},
    rates::{Counts, Rates},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// Reasons of failures that are told, those with most.
pub const FAILURES: usize = 20;

/// One measurement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// How far the messages got.
    pub metrics: Metrics,
    /// The width of the timeline's spans.
    pub timeline_seconds: i64,
    /// What happened when, oldest first, without empty spans.
    pub timeline: Vec<Span>,
    /// Templates, best first.
    pub top_performing_content: Vec<Content>,
    /// Who was left out, by reason.
    pub exclusions: Vec<Excluded>,
    /// Where the campaign stood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<CampaignStatus>,
    /// What did not arrive, most first; at most [`FAILURES`].
    #[serde(default)]
    pub failures: Vec<Failure>,
    /// What was spent.
    #[serde(default)]
    pub cost: Amounts,
    /// Renewal amounts of converted cases.
    #[serde(default)]
    pub revenue: Amounts,
    /// How many it was to reach, as told when it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<i64>,
}

impl Report {
    /// Whether those who watch have to be told more than the other one said.
    pub fn says_more_than(&self, told: &Self) -> bool {
        fn said(of: &Report) -> impl PartialEq + use<'_> {
            (of.status, of.metrics, &of.failures, &of.cost, &of.revenue)
        }
        said(self) != said(told)
    }
}

/// How far a campaign's messages got; each further step includes the steps before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metrics {
    /// Messages written.
    pub total: i64,
    /// Not yet handed over.
    pub pending: i64,
    /// Being handed over.
    pub sending: i64,
    /// Left out at send time, or stopped.
    pub suppressed: i64,
    /// Of unknown outcome.
    pub unconfirmed: i64,
    /// Refused or given up.
    pub failed: i64,
    /// Accepted by the provider.
    pub sent: i64,
    /// Reached a device.
    pub delivered: i64,
    /// Opened or read.
    pub opened: i64,
    /// Followed a link.
    pub clicked: i64,
    /// Answered.
    pub replied: i64,
    /// Renewed or paid after the message.
    pub converted: i64,
    /// Wanted no more.
    pub unsubscribed: i64,
    /// Called it spam.
    pub complained: i64,
}

impl AddAssign for Metrics {
    fn add_assign(&mut self, more: Self) {
        self.total += more.total;
        self.pending += more.pending;
        self.sending += more.sending;
        self.suppressed += more.suppressed;
        self.unconfirmed += more.unconfirmed;
        self.failed += more.failed;
        self.sent += more.sent;
        self.delivered += more.delivered;
        self.opened += more.opened;
        self.clicked += more.clicked;
        self.replied += more.replied;
        self.converted += more.converted;
        self.unsubscribed += more.unsubscribed;
        self.complained += more.complained;
    }
}

impl Metrics {
    /// Their rates.
    pub fn rates(&self) -> Rates {
        rates(self.sent, self.delivered, self.opened, self.clicked, self.converted)
    }
}

/// What happened in one span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Span {
    /// Its start.
    pub at: DateTime<Utc>,
    /// Accepted in it.
    pub sent: i64,
    /// Delivered in it.
    pub delivered: i64,
    /// Opened in it.
    pub opened: i64,
    /// Links followed for the first time in it.
    #[serde(default)]
    pub clicked: i64,
    /// Answered in it.
    pub replied: i64,
    /// Failed in it.
    pub failed: i64,
}

/// How one template fared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    /// Which template.
    pub template_id: i64,
    /// Its name.
    pub name: String,
    /// Accepted by the provider.
    pub sent: i64,
    /// Reached a device.
    pub delivered: i64,
    /// Opened or read.
    pub opened: i64,
    /// Followed a link.
    pub clicked: i64,
    /// Renewed or paid after the message.
    pub converted: i64,
}

impl Content {
    /// Its rates.
    pub fn rates(&self) -> Rates {
        rates(self.sent, self.delivered, self.opened, self.clicked, self.converted)
    }
}

/// How many were left out for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excluded {
    /// A name of [`ExclusionReason`](super::ExclusionReason).
    pub reason: String,
    /// How many.
    pub count: i64,
}

fn rates(sent: i64, delivered: i64, opened: i64, clicked: i64, converted: i64) -> Rates {
    let count = |count: i64| u64::try_from(count).unwrap_or(0);
    Rates::of(Counts {
        sent: count(sent),
        delivered: count(delivered),
        opened: count(opened),
        clicked: count(clicked),
        converted: count(converted),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_watches_hears_of_status_and_money_too() {
        let before = Report::default();
        let cost = Amounts::from([("INR".to_owned(), rust_decimal::Decimal::ONE)]);
        let failure = Failure { status: "failed".to_owned(), code: String::new(), count: 1 };
        for after in [
            Report { status: Some(CampaignStatus::Paused), ..Report::default() },
            Report { metrics: Metrics { sent: 1, ..Metrics::default() }, ..Report::default() },
            Report { failures: vec![failure], ..Report::default() },
            Report { cost: cost.clone(), ..Report::default() },
            Report { revenue: cost.clone(), ..Report::default() },
        ] {
            assert!(after.says_more_than(&before), "{after:?}");
            assert!(!after.says_more_than(&after.clone()));
        }
        assert!(!Report { timeline_seconds: 60, ..Report::default() }.says_more_than(&before));
    }

    #[test]
    fn a_report_survives_being_kept_and_one_from_before_is_read() {
        let report = Report {
            metrics: Metrics {
                sent: 142,
                delivered: 138,
                opened: 89,
                clicked: 34,
                converted: 12,
                ..Metrics::default()
            },
            exclusions: vec![Excluded { reason: "no_phone".to_owned(), count: 3 }],
            estimate: Some(145),
            ..Report::default()
        };
        let kept = serde_json::to_value(&report).unwrap();
        assert_eq!(serde_json::from_value::<Report>(kept.clone()).unwrap(), report);
        assert_eq!(kept["metrics"]["sent"], 142);
        assert_eq!(report.metrics.rates().open_rate, 64.5);
        let mut before = kept;
        before["metrics"].as_object_mut().unwrap().remove("replied");
        before.as_object_mut().unwrap().retain(|name, _| !["failures", "cost", "revenue"].contains(&name.as_str()));
        assert_eq!(serde_json::from_value::<Report>(before).unwrap(), report);
    }
}
