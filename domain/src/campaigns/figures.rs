//! A campaign's figures from its counters: the whole, and the same by step, channel, variant, branch, hour and so on.
//!
//! Counters are kept by dimension and key, as the table `campaign_figures` describes. A key that cannot be read is left
//! out of its dimension; nothing here fails.

use super::{lift::Lift, report::Metrics};
use crate::{statistics::Arm, text_enum::text_enum};
use chrono::{TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

text_enum! {
    /// By what counters are told apart.
    pub enum Dimension {
        /// Step and channel.
        Step = "step",
        /// Variant of a test.
        Variant = "variant",
        /// Branch of the policy.
        Branch = "branch",
        /// Domain of the e-mail address.
        Domain = "domain",
        /// Template and its version.
        Template = "template",
        /// Status and code of what did not arrive.
        Reason = "reason",
        /// Quarter of an hour of sending.
        Slot = "slot",
        /// Minute of what happened.
        Minute = "minute",
        /// Quarter of an hour of what happened.
        Quarter = "quarter",
        /// Reason for being left out of the audience.
        Excluded = "excluded",
        /// Address of a link, as its template writes it.
        Link = "link",
        /// Currency, step, channel and variant of what was spent.
        Cost = "cost",
        /// Currency, step, channel and variant of what was renewed.
        Revenue = "revenue",
        /// Currency of what is owed to the last message.
        LastTouch = "last_touch",
        /// Currency of what is owed by position.
        Position = "position",
        /// Treated or held out.
        Arm = "arm",
    }
}

text_enum! {
    /// What figures are added up over.
    pub enum Over {
        /// The campaign alone.
        Campaign = "campaign",
        /// All campaigns of one request.
        Group = "group",
    }
}

/// Counters of one key.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// By what.
    pub dimension: Dimension,
    /// Which.
    pub key: String,
    /// How many.
    pub metrics: Metrics,
    /// Millionths of cases owed.
    pub share: i64,
    /// Money, in the key's currency.
    pub amount: Decimal,
}

/// Amounts by currency.
pub type Amounts = BTreeMap<String, Decimal>;

/// How one part fared.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Part {
    /// How many.
    pub metrics: Metrics,
    /// What was spent.
    pub cost: Amounts,
    /// What was renewed.
    pub revenue: Amounts,
}

/// What did not arrive, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// `failed`, `suppressed` or `unconfirmed`.
    pub status: String,
    /// The provider's or our own code; blank when there is none.
    pub code: String,
    /// How many.
    pub count: i64,
}

/// Clicks on a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The address as the template writes it, without its query; `other`: all beyond the first few hundred.
    pub url: String,
    /// How often it was followed.
    pub clicks: i64,
    /// By how many messages' recipients first of all.
    pub first: i64,
}

/// What a campaign is owed, in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credit {
    /// ISO 4217.
    pub currency: String,
    /// Cases, in millionths.
    pub share: i64,
    /// Of their renewal amounts.
    pub amount: Decimal,
}

/// All of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// The whole.
    pub whole: Part,
    /// By step.
    pub steps: BTreeMap<i64, Part>,
    /// By channel.
    pub channels: BTreeMap<String, Part>,
    /// By variant.
    pub variants: BTreeMap<i64, Part>,
    /// By branch.
    pub branches: BTreeMap<i64, Metrics>,
    /// By hour of sending, in the campaign's zone.
    pub hours: BTreeMap<u32, Metrics>,
    /// By domain of the address, most first.
    pub domains: Vec<(String, Metrics)>,
    /// By template and its version.
    pub templates: BTreeMap<(i64, Option<i64>), Metrics>,
    /// What did not arrive, most first.
    pub failures: Vec<Failure>,
    /// Who was left out, by reason.
    pub exclusions: Vec<(String, i64)>,
    /// Links, most followed first.
    pub links: Vec<Link>,
    /// Owed to whoever spoke last.
    pub last_touch: Vec<Credit>,
    /// Owed by position.
    pub position: Vec<Credit>,
    /// Renewed cases, each once however many policies its message was about.
    pub renewals: i64,
    /// Converted cases of those it was to reach, and of those held out; how many it was to reach but for those on ladders
    /// is `total`.
    pub arms: BTreeMap<String, Metrics>,
}

impl Figures {
    /// Puts counters together; hours are those of `zone`.
    pub fn of(figures: Vec<Figure>, zone: Tz) -> Self {
        let mut all = Self::default();
        for figure in figures {
            all.add(figure, zone);
        }
        all.domains.sort_by(|(a, this), (b, that)| that.total.cmp(&this.total).then_with(|| a.cmp(b)));
        all.failures.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.code.cmp(&b.code)));
        all.links.sort_by(|a, b| b.clicks.cmp(&a.clicks).then_with(|| a.url.cmp(&b.url)));
        // who waits is counted by step only: of other parts, what has not gone out is what is left
        let parts = (all.variants.values_mut().map(|part| &mut part.metrics))
            .chain(all.branches.values_mut())
            .chain(all.domains.iter_mut().map(|(_, metrics)| metrics))
            .chain(all.templates.values_mut());
        for part in parts {
            part.pending = part.total - part.sent - part.failed - part.suppressed - part.unconfirmed;
        }
        all
    }

    fn add(&mut self, figure: Figure, zone: Tz) {
        let Figure { dimension, key, metrics, share, amount } = figure;
        match dimension {
            Dimension::Step => {
                let Some((step, channel)) = key.split_once(':') else { return };
                let Ok(step) = step.parse() else { return };
                self.whole.metrics += metrics;
                self.steps.entry(step).or_default().metrics += metrics;
                self.channels.entry(channel.to_owned()).or_default().metrics += metrics;
            }
            Dimension::Variant => {
                let Ok(variant) = key.parse() else { return };
                self.variants.entry(variant).or_default().metrics += metrics;
            }
            Dimension::Branch => {
                let Ok(branch) = key.parse() else { return };
                *self.branches.entry(branch).or_default() += metrics;
            }
            Dimension::Domain => self.domains.push((key, metrics)),
            Dimension::Template => {
                let Some((template, version)) = key.split_once(':') else { return };
                let Ok(template) = template.parse() else { return };
                *self.templates.entry((template, version.parse().ok())).or_default() += metrics;
            }
            Dimension::Reason => {
                let Some((status, code)) = key.split_once(':') else { return };
                self.failures.push(Failure { status: status.to_owned(), code: code.to_owned(), count: metrics.total });
            }
            Dimension::Slot => {
                let hour = key.parse().ok().and_then(|seconds| Utc.timestamp_opt(seconds, 0).single());
                let Some(hour) = hour.map(|at| at.with_timezone(&zone).hour()) else { return };
                *self.hours.entry(hour).or_default() += metrics;
            }
            Dimension::Excluded => self.exclusions.push((key, metrics.total)),
            Dimension::Link => {
                self.links.push(Link { url: key, clicks: metrics.total, first: metrics.clicked });
            }
            Dimension::Cost => self.spend(&key, amount, |part| &mut part.cost),
            Dimension::Revenue => {
                self.renewals += metrics.converted;
                self.spend(&key, amount, |part| &mut part.revenue);
            }
            Dimension::LastTouch => {
                let share = metrics.converted * super::attribution::WHOLE;
                self.last_touch.push(Credit { currency: key, share, amount });
            }
            Dimension::Position => self.position.push(Credit { currency: key, share, amount }),
            Dimension::Arm => *self.arms.entry(key).or_default() += metrics,
            Dimension::Minute | Dimension::Quarter => {}
        }
    }

    /// Adds money of a key `currency:step:channel:variant` to every part it belongs to.
    fn spend(&mut self, key: &str, amount: Decimal, of: impl Fn(&mut Part) -> &mut Amounts) {
        let parts: Vec<&str> = key.split(':').collect();
        let [currency, step, channel, variant] = parts[..] else { return };
        let add = |part: &mut Part| *of(part).entry(currency.to_owned()).or_default() += amount;
        add(&mut self.whole);
        if let Ok(step) = step.parse() {
            add(self.steps.entry(step).or_default());
        }
        if !channel.is_empty() {
            add(self.channels.entry(channel.to_owned()).or_default());
        }
        if let Ok(variant) = variant.parse() {
            add(self.variants.entry(variant).or_default());
        }
    }

    /// What each renewed case cost, in currencies of which something was spent; none without renewals.
    pub fn cost_per_renewal(&self) -> Amounts {
        if self.renewals <= 0 {
            return Amounts::new();
        }
        let each = |amount: &Decimal| {
            (amount / Decimal::from(self.renewals)).round_dp_with_strategy(4, RoundingStrategy::MidpointAwayFromZero)
        };
        self.whole.cost.iter().map(|(currency, amount)| (currency.clone(), each(amount))).collect()
    }

    /// What the campaign added, when some were held out; `enrolled` is how many policies are on its ladder. Both groups
    /// are counted in policies that a message was, or would have been, about.
    pub fn lift(&self, enrolled: i64) -> Option<Lift> {
        let count = |count: i64| u64::try_from(count).unwrap_or(0);
        let held_out: i64 =
            self.exclusions.iter().filter(|(reason, _)| reason == HOLDOUT).map(|(_, count)| count).sum();
        let of = |arm: &str| self.arms.get(arm).copied().unwrap_or_default();
        let treated = of("treated");
        Lift::of(
            Arm::new("treated", count(treated.total + enrolled), count(treated.converted)),
            Arm::new(HOLDOUT, count(held_out), count(of(HOLDOUT).converted)),
        )
    }
}

/// The reason in `campaign_exclusions` of those held out, and the name of their arm.
pub const HOLDOUT: &str = "holdout";

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(dimension: Dimension, key: &str, total: i64, amount: i64) -> Figure {
        let metrics = Metrics { total, sent: total, converted: 2, ..Metrics::default() };
        Figure { dimension, key: key.to_owned(), metrics, share: 0, amount: Decimal::new(amount, 2) }
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let figures = vec![
            figure(Dimension::Step, "0:email", 3, 0),
            figure(Dimension::Step, "1:sms", 2, 0),
            figure(Dimension::Cost, "INR:0:email:7", 0, 30),
            figure(Dimension::Cost, "INR:1:sms:", 0, 50),
            figure(Dimension::Revenue, "INR:0:email:7", 0, 100_000),
            figure(Dimension::Variant, "7", 3, 0),
            // 2026-01-01 18:30 UTC is midnight in India
            figure(Dimension::Slot, "1767292200", 5, 0),
            figure(Dimension::Reason, "failed:131026", 2, 0),
            figure(Dimension::Excluded, "holdout", 10, 0),
            figure(Dimension::Arm, "treated", 6, 0),
            figure(Dimension::Step, "rubbish", 9, 0),
        ];
        let all = Figures::of(figures, Tz::Asia__Kolkata);
        assert_eq!((all.whole.metrics.total, all.whole.metrics.converted), (5, 4));
        assert_eq!(all.whole.cost["INR"], Decimal::new(80, 2));
        assert_eq!(all.channels["sms"].cost["INR"], Decimal::new(50, 2));
        assert_eq!(all.variants[&7].revenue["INR"], Decimal::new(1000, 0));
        assert_eq!(all.hours.keys().copied().collect::<Vec<_>>(), [0]);
        assert_eq!(all.failures, [Failure { status: "failed".into(), code: "131026".into(), count: 2 }]);
        assert_eq!(all.cost_per_renewal()["INR"], Decimal::new(40, 2));
        let lift = all.lift(5).unwrap();
        assert_eq!((lift.treated.trials, lift.treated.successes(), lift.holdout.trials), (11, 2, 10));
    }
}
