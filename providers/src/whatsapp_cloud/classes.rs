//! What each error code of the WhatsApp Cloud API means for us.
//!
//! Sources: the vendor's error code reference; the same codes come in answers and in failed statuses.

use domain::messaging::FailureClass;
use std::time::Duration;

/// How long after 131057, a number being moved to a higher throughput, sending works again.
const UPGRADE_WAIT: Duration = Duration::from_secs(60);

/// The class of an error code.
///
/// `http_status` is that of the answer, `None` for a webhook; `after` what the answer asks to wait. A code that is not known is judged by the answer's status.
pub fn classify(code: i64, http_status: Option<u16>, after: Option<Duration>) -> FailureClass {
    match code {
        // unknown error, service down, something went wrong, service overloaded
        1 | 2 | 131_000 | 131_016 | 133_004 => FailureClass::Retry { after },
        131_057 => FailureClass::Retry { after: after.or(Some(UPGRADE_WAIT)) },
        131_056 => FailureClass::PairLimited { after },
        // calls of the application, of the business account, messages of the number
        4 | 80_007 | 130_429 => FailureClass::RateLimited { after },
        // credentials and permissions; 368 and 131031 policy; 131042 payment; 131048 spam; 131045 and 133010 the number
        0 | 3 | 10 | 190 | 200..=299 | 368 | 131_005 | 131_031 | 131_042 | 131_045 | 131_048 | 133_010 => {
            FailureClass::Account
        }
        // undeliverable; in an experiment; outside the service window; to oneself; marketing stopped; country barred
        131_026 | 130_472 | 131_047 | 131_021 | 131_050 | 130_497 => FailureClass::Recipient,
        131_049 => FailureClass::DelayDay,
        // bad parameter; missing one; wrong value; unsupported type; media; text too long; generic
        33 | 100 | 131_008 | 131_009 | 131_051 | 131_052 | 131_053 | 132_005 | 135_000 => FailureClass::Request,
        // parameter count; no such template; policy; parameter format; paused; disabled; its flow blocked or throttled
        132_000 | 132_001 | 132_007 | 132_012 | 132_015 | 132_016 | 132_068 | 132_069 => FailureClass::Template,
        _ => match http_status {
            Some(429) => FailureClass::RateLimited { after },
            Some(401 | 403) => FailureClass::Account,
            Some(500..=599) => FailureClass::Retry { after },
            _ => FailureClass::Request,
        },
    }
}

/// A text of the vendor's without what it may repeat of the request: numbers of people, tokens, ids.
pub fn masked(text: &str) -> String {
    text.split_inclusive(|c: char| !is_part_of_id(c)).map(mask_word).collect()
}

fn is_part_of_id(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '+'
}

fn mask_word(piece: &str) -> String {
    let end = piece.find(|c: char| !is_part_of_id(c)).unwrap_or(piece.len());
    let (word, rest) = piece.split_at(end);
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    if digits >= 7 || word.len() >= 24 { format!("…{rest}") } else { piece.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(code: i64) -> FailureClass {
        classify(code, Some(400), None)
    }

    #[test]
    fn codes_that_ask_to_come_back() {
        for code in [1, 2, 131_000, 131_016, 133_004] {
            assert_eq!(class(code), FailureClass::Retry { after: None }, "{code}");
        }
        for code in [4, 80_007, 130_429] {
            assert_eq!(class(code), FailureClass::RateLimited { after: None }, "{code}");
        }
        assert_eq!(class(131_057), FailureClass::Retry { after: Some(Duration::from_secs(60)) });
        assert_eq!(class(131_056), FailureClass::PairLimited { after: None });
    }

    #[test]
    fn what_the_answer_asks_for_wins() {
        let after = Some(Duration::from_secs(7));
        for code in [2, 130_429, 131_056, 131_057] {
            assert_eq!(classify(code, Some(429), after).wait(), after, "{code}");
        }
    }

    #[test]
    fn codes_that_pause_the_channel() {
        for code in [0, 3, 10, 190, 200, 250, 299, 368, 131_031, 131_042, 131_048, 131_005, 131_045, 133_010] {
            assert_eq!(class(code), FailureClass::Account, "{code}");
        }
    }

    #[test]
    fn codes_that_are_for_good() {
        for code in [131_026, 130_472, 131_047, 131_021, 131_050, 130_497] {
            assert_eq!(class(code), FailureClass::Recipient, "{code}");
        }
        for code in [33, 100, 131_008, 131_009, 131_051, 131_052, 131_053, 132_005, 135_000] {
            assert_eq!(class(code), FailureClass::Request, "{code}");
        }
        for code in [132_000, 132_001, 132_007, 132_012, 132_015, 132_016, 132_068, 132_069] {
            assert_eq!(class(code), FailureClass::Template, "{code}");
        }
        assert_eq!(class(131_049), FailureClass::DelayDay);
    }

    #[test]
    fn a_code_nobody_knows_is_judged_by_the_status() {
        let unknown = |status| classify(999_999, status, None);
        assert_eq!(unknown(Some(429)), FailureClass::RateLimited { after: None });
        assert_eq!(unknown(Some(401)), FailureClass::Account);
        assert_eq!(unknown(Some(500)), FailureClass::Retry { after: None });
        assert_eq!(unknown(Some(400)), FailureClass::Request);
        assert_eq!(unknown(None), FailureClass::Request);
    }

    #[test]
    fn texts_lose_numbers_and_tokens() {
        assert_eq!(masked("(#131026) +919876543210 cannot be reached."), "(#131026) … cannot be reached.");
        assert_eq!(masked("Malformed access token EAAGm0PX4ZCpsBAKZCpsBAKZC"), "Malformed access token …");
        assert_eq!(masked("₹ and é stay"), "₹ and é stay");
    }
}
