//! What is known about a customer, as far as a filter may ask: for judging in memory.

use super::condition::MessageEvent;
use crate::{
    ids::{BranchId, CampaignId, CustomerId, PolicyId, SegmentId, SurveyId, TemplateId, UploadId, UserId},
    messaging::{Channel, Purpose},
};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

/// A customer, with all that belongs to them.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    pub id: CustomerId,
    pub code: String,
    pub first_name: String,
    pub last_name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub postal_code: Option<String>,
    pub country: Option<String>,
    pub time_zone: Option<String>,
    pub language: Option<String>,
    pub date_of_birth: Option<NaiveDate>,
    pub kyc_status: String,
    pub created_at: DateTime<Utc>,
    /// What they said.
    pub consents: Vec<(Channel, Purpose, bool)>,
    /// In small letters.
    pub tags: Vec<String>,
    /// The static segments they are listed in.
    pub lists: Vec<SegmentId>,
    pub policies: Vec<Held>,
    pub messages: Vec<Sent>,
    pub surveys: Vec<AnsweredSurvey>,
}

/// A policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    pub id: PolicyId,
    pub number: String,
    pub kind: String,
    pub premium: Decimal,
    pub currency: String,
    pub status: String,
    pub start: NaiveDate,
    pub end: NaiveDate,
    pub renewal: Option<NaiveDate>,
    pub branch: Option<BranchId>,
    pub agent: Option<UserId>,
    pub grace_days: i32,
    pub created_at: DateTime<Utc>,
    /// The uploads it is of.
    pub uploads: Vec<UploadId>,
    /// The renewal of its term.
    pub case: Option<Renewal>,
    pub claims: Vec<Claimed>,
}

/// A renewal case.
#[derive(Debug, Clone, PartialEq)]
pub struct Renewal {
    pub status: String,
    pub priority: String,
    pub assigned_to: Option<UserId>,
    pub payment_status: String,
    pub amount: Option<Decimal>,
    pub attempts: i32,
    pub last_contact: Option<DateTime<Utc>>,
}

/// A message to the customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    pub channel: Channel,
    pub campaign: Option<CampaignId>,
    pub template: Option<TemplateId>,
    pub policy: Option<PolicyId>,
    /// What happened to it, and when.
    pub events: Vec<(MessageEvent, DateTime<Utc>)>,
    pub rehearsal: bool,
}

/// A survey that was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct AnsweredSurvey {
    pub survey: SurveyId,
    pub at: DateTime<Utc>,
    /// The number under `score`.
    pub score: Option<Decimal>,
}

/// A claim.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    pub kind: String,
    pub status: String,
    pub amount: Decimal,
    pub reported: NaiveDate,
}
