//! Trying texts, subjects, channels or hours against each other.
//!
//! A share of the recipients is split over the variants by a stable hash; after a time the better one is told by a
//! statistical test, and the rest gets it.

use super::PlanError;
use crate::{statistics::Method, text_enum::text_enum};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

text_enum! {
    /// What makes one variant better than another.
    pub enum Metric {
        /// Opened or read.
        Opened = "opened",
        /// A link was followed.
        Clicked = "clicked",
        /// Answered.
        Replied = "replied",
        /// The policy was renewed or paid.
        Converted = "converted",
        /// The renewal was paid.
        Paid = "paid",
    }
}

/// A test between variants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Test {
    /// What decides.
    pub metric: Metric,
    /// By which test.
    #[serde(default = "bayesian")]
    pub method: Method,
    /// The share of the recipients that it is tried on, in percent; 100: all of them, and nobody is left for the winner.
    #[serde(default = "share")]
    pub share_percent: u8,
    /// It is decided so many hours after the first message went out.
    #[serde(default = "hours")]
    pub hours: u16,
    /// How sure it has to be, in percent.
    #[serde(default = "confidence")]
    pub confidence_percent: u8,
    /// Whether the rest gets the winner without a person's word. Without a winner that is sure enough it gets the
    /// best so far.
    #[serde(default = "automatic")]
    pub automatic: bool,
}

fn bayesian() -> Method {
    Method::Bayesian
}

fn share() -> u8 {
    20
}

fn hours() -> u16 {
    4
}

fn confidence() -> u8 {
    95
}

fn automatic() -> bool {
    true
}

impl Test {
    /// A test by this metric, as it is when nothing more is said.
    pub fn of(metric: Metric) -> Self {
        Self {
            metric,
            method: bayesian(),
            share_percent: share(),
            hours: hours(),
            confidence_percent: confidence(),
            automatic: automatic(),
        }
    }

    /// How long it is tried.
    pub fn lasts(&self) -> TimeDelta {
        TimeDelta::hours(self.hours.into())
    }

    pub(super) fn check(&self) -> Result<(), PlanError> {
        if !(1..=100).contains(&self.share_percent) {
            return Err(PlanError::new("test.sharePercent", "must be 1 to 100"));
        }
        if !(1..=24 * 60).contains(&self.hours) {
            return Err(PlanError::new("test.hours", "must be 1 to 1440"));
        }
        if !(50..=99).contains(&self.confidence_percent) {
            return Err(PlanError::new("test.confidencePercent", "must be 50 to 99"));
        }
        Ok(())
    }
}
