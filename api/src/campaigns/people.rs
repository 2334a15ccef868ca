//! Whom a campaign addresses and whom it leaves out, as they are shown.
//!
//! Pages go on by key: one row more than asked for tells whether there is a next page.

use crate::{
    error::{ApiError, ApiResult},
    request::{Id, Name},
    shown::full_name,
};
use chrono::{DateTime, Utc};
use domain::{
    ids::{CustomerId, MessageId, PolicyId},
    masking,
    messaging::MessageStatus,
};
use poem_openapi::Object;
use schema::{campaigns, messages};

/// A part of the recipients.
#[derive(Object)]
pub(super) struct Recipients {
    /// In the order they were written.
    recipients: Vec<Recipient>,
    /// Where the next page begins; absent on the last one.
    next: Option<Id<MessageId>>,
}

/// Somebody who gets a message.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Recipient {
    /// The message.
    id: Id<MessageId>,
    /// Whose.
    customer_id: Option<Id<CustomerId>>,
    /// Their name.
    customer_name: Option<String>,
    /// About which policy.
    policy_number: Option<String>,
    /// Where it goes, masked.
    address: String,
    /// Where it stands.
    status: Name<MessageStatus>,
    /// How often it was handed over.
    attempts: i32,
    /// The provider's id.
    provider_message_id: Option<String>,
    /// What went wrong.
    error_code: Option<String>,
    /// What went wrong, for people.
    error_message: Option<String>,
    /// Accepted by the provider.
    sent_at: Option<DateTime<Utc>>,
    /// Reached a device.
    delivered_at: Option<DateTime<Utc>>,
    /// Opened or read.
    opened_at: Option<DateTime<Utc>>,
    /// A link was followed.
    clicked_at: Option<DateTime<Utc>>,
    /// Answered.
    replied_at: Option<DateTime<Utc>>,
    /// Refused or given up.
    failed_at: Option<DateTime<Utc>>,
}

/// A part of the exclusions.
#[derive(Object)]
pub(super) struct Exclusions {
    /// By reason.
    exclusions: Vec<Exclusion>,
    /// Where the next page begins; absent on the last one.
    next: Option<String>,
}

/// A policy of the target whose holder gets no message about it.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
struct Exclusion {
    /// Whose policy.
    customer_id: Id<CustomerId>,
    /// Their name.
    customer_name: String,
    /// Which policy.
    policy_id: Option<Id<PolicyId>>,
    /// Its number.
    policy_number: Option<String>,
    /// Why.
    reason: String,
    /// What exactly.
    detail: Option<String>,
    /// When it was decided.
    created_at: DateTime<Utc>,
}

/// A page of rows of which there may be one too many. Addresses are masked, also where a provider's complaint names them.
pub(super) fn recipients(mut rows: Vec<messages::Recipient>, size: u32) -> Recipients {
    let next = cut(&mut rows, size).map(|last| Id(MessageId(last.id)));
    let shown = rows.into_iter().map(|row| Recipient {
        id: Id(MessageId(row.id)),
        customer_id: row.customer_id.map(|id| Id(CustomerId(id))),
        customer_name: name(row.first_name, row.last_name),
        policy_number: row.policy_number,
        error_message: row.error_message.map(|text| masking::within(&text, &row.address)),
        address: masking::contact(&row.address),
        status: Name(row.status),
        attempts: row.attempts.into(),
        provider_message_id: row.provider_message_id,
        error_code: row.error_code,
        sent_at: row.sent_at,
        delivered_at: row.delivered_at,
        opened_at: row.opened_at,
        clicked_at: row.clicked_at,
        replied_at: row.replied_at,
        failed_at: row.failed_at,
    });
    Recipients { recipients: shown.collect(), next }
}

/// A page of rows of which there may be one too many.
pub(super) fn exclusions(mut rows: Vec<campaigns::Exclusion>, size: u32) -> Exclusions {
    let next = cut(&mut rows, size).map(|last| format!("{}.{}", last.reason, last.id));
    let shown = rows.into_iter().map(|row| Exclusion {
        customer_id: Id(CustomerId(row.customer_id)),
        customer_name: row.customer_name,
        policy_id: row.policy_id.map(|id| Id(PolicyId(id))),
        policy_number: row.policy_number,
        reason: row.reason,
        detail: row.detail,
        created_at: row.created_at,
    });
    Exclusions { exclusions: shown.collect(), next }
}

/// The place that `next` of a page of exclusions names.
pub(super) fn read_place(text: &str) -> ApiResult<(&str, i64)> {
    let place = text.rsplit_once('.').and_then(|(reason, id)| Some((reason, id.parse().ok()?)));
    place.ok_or_else(|| ApiError::invalid("after", "expected what `next` of the page before says"))
}

/// Cuts the rows to the size; the last that is left, if there were more.
fn cut<T>(rows: &mut Vec<T>, size: u32) -> Option<&T> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    rows.last().filter(|_| more)
}

/// Of a customer who may be gone.
fn name(first: Option<String>, last: Option<String>) -> Option<String> {
    let name = full_name(&first.unwrap_or_default(), &last.unwrap_or_default());
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_knows_whether_another_follows() {
        let mut rows = vec![1, 2, 3];
        assert_eq!(cut(&mut rows, 2), Some(&2));
        assert_eq!(rows, [1, 2]);
        assert_eq!(cut(&mut rows, 2), None);
        assert_eq!(cut(&mut Vec::<i32>::new(), 2), None);
    }

    #[test]
    fn a_place_is_read_back() {
        assert_eq!(read_place("no_phone.17").unwrap(), ("no_phone", 17));
        for odd in ["", "no_phone", "no_phone.", ".x"] {
            assert_eq!(read_place(odd).unwrap_err().code(), "validation_failed", "{odd}");
        }
    }
}
