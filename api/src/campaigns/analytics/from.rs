//! Figures as the objects that show them.

use super::{Amount, Content, Credit, Excluded, Failure, Lift, LiftArm, Link, Metrics, Part, Span};
use crate::{request::Id, shown::money};
use domain::{
    campaigns::{
        attribution::WHOLE,
        figures::{self, Amounts},
        lift, report,
    },
    ids::TemplateId,
    statistics::Arm,
};
use rust_decimal::Decimal;

/// Amounts by currency, without those that are nothing.
pub(super) fn amounts(amounts: &Amounts) -> Vec<Amount> {
    let some = amounts.iter().filter(|(_, amount)| !amount.is_zero());
    some.map(|(currency, amount)| Amount { currency: currency.clone(), amount: exact(*amount) }).collect()
}

/// With two decimals, and as many more as it has: a text message costs less than a hundredth.
fn exact(amount: Decimal) -> String {
    let mut amount = amount.normalize();
    if amount.scale() < 2 {
        amount.rescale(2);
    }
    amount.to_string()
}

/// A share in percent, with two decimals.
fn percent(share: f64) -> f64 {
    (share * 10_000.0).round() / 100.0
}

impl From<report::Metrics> for Metrics {
    fn from(metrics: report::Metrics) -> Self {
        let rates = metrics.rates();
        Self {
            total: metrics.total,
            pending: metrics.pending,
            sending: metrics.sending,
            suppressed: metrics.suppressed,
            unconfirmed: metrics.unconfirmed,
            failed: metrics.failed,
            sent: metrics.sent,
            delivered: metrics.delivered,
            opened: metrics.opened,
            clicked: metrics.clicked,
            replied: metrics.replied,
            converted: metrics.converted,
            unsubscribed: metrics.unsubscribed,
            complained: metrics.complained,
            open_rate: rates.open_rate,
            click_rate: rates.click_rate,
            conversion_rate: rates.conversion_rate,
            delivery_rate: rates.delivery_rate,
        }
    }
}

impl From<report::Span> for Span {
    fn from(span: report::Span) -> Self {
        let report::Span { at, sent, delivered, opened, clicked, replied, failed } = span;
        Self { at, sent, delivered, opened, clicked, replied, failed }
    }
}

impl From<report::Content> for Content {
    fn from(content: report::Content) -> Self {
        let rates = content.rates();
        Self {
            template_id: Id(TemplateId(content.template_id)),
            name: content.name,
            sent: content.sent,
            delivered: content.delivered,
            opened: content.opened,
            clicked: content.clicked,
            converted: content.converted,
            open_rate: rates.open_rate,
            click_rate: rates.click_rate,
            conversion_rate: rates.conversion_rate,
        }
    }
}

impl From<report::Excluded> for Excluded {
    fn from(excluded: report::Excluded) -> Self {
        Self { reason: excluded.reason, count: excluded.count }
    }
}

impl From<figures::Failure> for Failure {
    fn from(failure: figures::Failure) -> Self {
        Self { status: failure.status, code: failure.code, count: failure.count }
    }
}

impl From<figures::Link> for Link {
    fn from(link: figures::Link) -> Self {
        Self { url: link.url, clicks: link.clicks, first: link.first }
    }
}

impl From<&figures::Part> for Part {
    fn from(part: &figures::Part) -> Self {
        Self { metrics: part.metrics.into(), cost: amounts(&part.cost), revenue: amounts(&part.revenue) }
    }
}

impl From<&figures::Credit> for Credit {
    fn from(credit: &figures::Credit) -> Self {
        let cases = Decimal::new(credit.share, 0) / Decimal::new(WHOLE, 0);
        let cases = f64::try_from(cases).unwrap_or_default();
        Self { currency: credit.currency.clone(), cases, amount: money(credit.amount) }
    }
}

impl From<lift::Lift> for Lift {
    fn from(lift: lift::Lift) -> Self {
        let arm = |arm: &Arm| LiftArm { total: arm.trials, converted: arm.successes(), rate: percent(arm.share()) };
        Self {
            treated: arm(&lift.treated),
            holdout: arm(&lift.holdout),
            difference: percent(lift.difference),
            low: percent(lift.interval.low),
            high: percent(lift.interval.high),
            relative: lift.relative.map(percent),
            p_value: lift.p_value,
            lack: lift.lack.map(|lack| lack.to_string()),
        }
    }
}
