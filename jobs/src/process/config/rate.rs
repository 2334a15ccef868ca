//! How often the API may be called. `RATE_LIMIT_READ=600/m` is 600 requests a minute; `off` is no limit.

use super::Reader;
use std::time::Duration;

/// So many requests within a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many, and how many at once after a rest.
    pub requests: u32,
    /// Within which time.
    pub window: Duration,
}

/// The limits by class of route; `None`: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateConfig {
    /// Signing in and whatever else hands out or changes what people come in with; of an address.
    pub auth: Option<Rate>,
    /// Reading; of a person, a key or, before anybody is known, an address. So are the others.
    pub read: Option<Rate>,
    /// Changing.
    pub write: Option<Rate>,
    /// Sending files.
    pub upload: Option<Rate>,
}

impl RateConfig {
    /// `RATE_LIMIT_AUTH`, `RATE_LIMIT_READ`, `RATE_LIMIT_WRITE`, `RATE_LIMIT_UPLOAD`.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let mut rate = |name, requests| {
            let default = Some(Rate { requests, window: Duration::from_secs(60) });
            reader.checked(name, default, "a rate such as 600/m, with s, m or h, or off", parse)
        };
        Self {
            auth: rate("RATE_LIMIT_AUTH", 30),
            read: rate("RATE_LIMIT_READ", 1200),
            write: rate("RATE_LIMIT_WRITE", 300),
            upload: rate("RATE_LIMIT_UPLOAD", 600),
        }
    }
}

/// The outer option is whether the text is one; the inner, whether there is a limit.
fn parse(text: &str) -> Option<Option<Rate>> {
    if text == "off" {
        return Some(None);
    }
    let (requests, unit) = text.split_once('/')?;
    let seconds = match unit.trim() {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    let requests = requests.trim().parse().ok().filter(|requests| (1..=1_000_000).contains(requests))?;
    Some(Some(Rate { requests, window: Duration::from_secs(seconds) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_people_write_them() {
        let rate = |requests, seconds| Some(Some(Rate { requests, window: Duration::from_secs(seconds) }));
        assert_eq!(parse("600/m"), rate(600, 60));
        assert_eq!(parse("10 / s"), rate(10, 1));
        assert_eq!(parse("5000/h"), rate(5000, 3600));
        assert_eq!(parse("off"), Some(None));
        for text in ["", "600", "0/m", "-1/m", "600/d", "many/m"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
