//! What is written about a segment.
//!
//! Checking fails with every fault at once, each by its field.

use crate::{
    envelope::FieldFault,
    error::{ApiError, ApiResult},
    request::blank_is_none,
};
use domain::campaigns::audience::{Filter, Selection};
use domain::campaigns::{Audience, Holdout};
use poem_openapi::Object;
use schema::segments::NewSegment;
use serde_json::Value;

/// A segment to be.
///
/// `filter` is a tree of `{"and": […]}`, `{"or": […]}`, `{"not": …}` over conditions `{"field", "operator", "value"}`. It
/// is judged for each policy, with its customer and the renewal case of its term; a customer is in the segment when one
/// of their policies is.
///
/// | field | operators |
/// |---|---|
/// | `customer.name`, `.code`, `.city`, `.state`, `.postalCode`, `.country`, `.timeZone`, `.language`; `policy.number`, `.type`, `.currency` | `is`, `is_not`, `in`, `not_in`, `contains`, `starts_with`, without regard to case |
/// | `customer.email`, `.phone` | `is_set`, `is_not_set` |
/// | `customer.kycStatus`; `policy.status`; `case.status`, `.priority`, `.paymentStatus` | `is`, `is_not`, `in`, `not_in` |
/// | `customer.age`; `policy.premium`, `.daysToExpiry`, `.graceDays`; `case.renewalAmount`, `.attempts` | `is`, `at_least`, `at_most`, `above`, `below`, `between` `{"min", "max"}` |
/// | `customer.dateOfBirth`, `.createdAt`; `policy.startDate`, `.endDate`, `.renewalDate`, `.createdAt`; `case.lastContact` | `on`, `before`, `after`, `between` `{"from", "to"}`; `in_days` `{"min": 15, "max": 30}`, `last_days`, `next_days`; `this`, `last`, `next` with `week`, `month`, `quarter`, `year` |
/// | `policy.branch`, `.agent`; `case.assignedTo`; `upload`; `segment` | `is`, `is_not`, `in`, `not_in` with ids |
/// | `policy.inGrace` | `is` `true` or `false` |
/// | `message` | `any`, `none`, `count` with `{"event": "opened", "channels", "campaignId", "templateId", "withinDays", "aboutPolicy", "min", "max"}` |
/// | `survey` | the same with `{"surveyId", "withinDays", "score": {"min", "max"}}` |
/// | `claim` | the same with `{"open": true, "statuses", "types", "amount": {"min", "max"}, "withinDays", "ofPolicy"}` |
/// | `tag` | `any`, `all`, `none` |
/// | `consent` | `granted`, `refused`, `unknown` with `{"channel", "purpose"}` |
///
/// All but `policy.inGrace` and those below it take `is_set` and `is_not_set` too. Where there is no value, `is_not_set`
/// and what is negated hold, and nothing else.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct SegmentBody {
    /// What people call it; its owner has one of that name only.
    #[oai(validator(min_length = 1, max_length = 100))]
    name: String,
    /// For people.
    #[oai(validator(max_length = 1000))]
    description: Option<String>,
    /// Who is in it; without it, it is a list of customers.
    filter: Option<Value>,
    /// Whether others may see and use it; by default not.
    shared: Option<bool>,
    /// How many of a hundred customers get nothing of any campaign that addresses it, for good; by default none.
    #[oai(validator(minimum(value = "0"), maximum(value = "100")))]
    holdout_percent: Option<f64>,
}

impl SegmentBody {
    pub fn checked(self) -> ApiResult<(NewSegment, Option<Filter>)> {
        let mut faults = Vec::new();
        let mut add = |field: &str, message: String| faults.push(FieldFault { field: field.to_owned(), message });
        let name = self.name.trim().to_owned();
        if name.is_empty() {
            add("name", "is blank".to_owned());
        }
        let filter = match self.filter.as_ref().map(|filter| Filter::parse(filter, "filter")) {
            Some(Err(error)) => {
                add(&error.path, error.problem);
                None
            }
            Some(Ok(filter)) => Some(filter),
            None => None,
        };
        let holdout = (self.holdout_percent.unwrap_or(0.0) * 100.0).round();
        if !(0.0..=f64::from(Holdout::ALL)).contains(&holdout) {
            add("holdoutPercent", "expected 0 to 100".to_owned());
        }
        if !faults.is_empty() {
            return Err(ApiError::faults(faults));
        }
        #[expect(clippy::cast_possible_truncation, reason = "rounded, and held to 0 to 10,000 above")]
        let holdout_basis_points = holdout as i16;
        let new = NewSegment {
            name,
            description: blank_is_none(self.description),
            filter: self.filter,
            shared: self.shared.unwrap_or(false),
            holdout_basis_points,
        };
        Ok((new, filter))
    }
}

/// What is to be looked at before it is kept: as `targetAudience` of a campaign has it.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub(super) struct PreviewBody {
    /// `{"filter": …}`, `{"segmentId": …}`, `{"segments": …}`, `{"recipients": […]}`, or several of these.
    target_audience: Value,
    /// The zone that days are counted in; by default `Asia/Kolkata`.
    #[oai(validator(max_length = 64))]
    pub time_zone: Option<String>,
}

impl PreviewBody {
    pub fn checked(&self) -> ApiResult<Selection> {
        const SHAPE: &str = "expected a filter, segments or recipients: {\"filter\": {…}}";
        match Audience::parse(&self.target_audience) {
            Ok(Audience::Selection(selection)) => Ok(selection),
            Ok(Audience::All | Audience::Filter(_)) => Err(ApiError::invalid("targetAudience", SHAPE)),
            Err(error) => Err(ApiError::invalid("targetAudience", error.to_string())),
        }
    }
}
