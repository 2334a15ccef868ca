//! What the services that are called over HTTP share: their pace, the time they go by, and the judgement of answers
//! that are not of their API.

use crate::messaging::SendRate;
use chrono::{DateTime, Utc};
use domain::messaging::{FailureClass, SendFailure};
use reqwest::StatusCode;
use std::time::Duration;

/// The most that can be set, in messages a second.
pub(crate) const HIGHEST_RATE: u32 = 10_000;

/// Paced so that no second, whenever it starts, holds more messages than the account may send.
pub(crate) fn paced(per_second: u32) -> SendRate {
    let burst = (per_second / 10).max(1);
    SendRate { per_second: per_second.saturating_sub(burst).max(1), burst }
}

/// What services go by: they judge signatures and expiries by the time of day, so a clock that tests move is of no use.
#[expect(clippy::disallowed_methods, reason = "others judge what is made of it by the time of day")]
pub(crate) fn real_time() -> DateTime<Utc> {
    Utc::now()
}

/// An answer that cannot be read: whatever it says, the call may have been served.
pub(crate) fn unreadable(detail: &str) -> SendFailure {
    SendFailure::new(FailureClass::Unknown, Some("unreadable_answer".into()), detail)
}

/// An answer that is not of the API itself: a proxy, a gateway, or a wrong address, which `settings` name.
pub(crate) fn by_status(status: StatusCode, after: Option<Duration>, settings: &str) -> SendFailure {
    let detail = format!("an answer that is not of the provider's API: check {settings}");
    SendFailure::new(class_of(status, after), Some(format!("http_{}", status.as_u16()).into()), &detail)
}

/// What such an answer says of the message: its status is all there is.
pub(crate) fn class_of(status: StatusCode, after: Option<Duration>) -> FailureClass {
    match status.as_u16() {
        429 => FailureClass::RateLimited { after },
        // asking to come back is a refusal; without that a gateway may have passed the request on
        503 if after.is_some() => FailureClass::Retry { after },
        408 | 500..=599 => FailureClass::Unknown,
        300..=399 | 401 | 403 | 404 | 407 => FailureClass::Account,
        _ => FailureClass::Request,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_gateway_says_is_judged_by_its_status() {
        let class = |status: u16, after| by_status(StatusCode::from_u16(status).unwrap(), after, "X_BASE_URL").class;
        let wait = Some(Duration::from_secs(3));
        assert_eq!(class(429, wait), FailureClass::RateLimited { after: wait });
        assert_eq!(class(503, wait), FailureClass::Retry { after: wait });
        for status in [408, 500, 502, 503, 504, 520] {
            assert_eq!(class(status, None), FailureClass::Unknown, "{status}");
        }
        for status in [301, 302, 307, 401, 403, 404] {
            assert_eq!(class(status, None), FailureClass::Account, "{status}");
        }
        for status in [400, 411, 413, 415] {
            assert_eq!(class(status, None), FailureClass::Request, "{status}");
        }
    }

    #[test]
    fn a_second_never_holds_more() {
        assert_eq!(paced(100), SendRate { per_second: 90, burst: 10 });
        assert_eq!(paced(1), SendRate { per_second: 1, burst: 1 });
    }
}
