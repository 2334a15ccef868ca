//! Durations and sizes as people write them: `30s`, `15m`, `7d`; `1048576`, `64 MiB`.

use std::time::Duration;

/// A whole number with `ms`, `s`, `m`, `h` or `d`; a bare number is seconds.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let milliseconds = match unit {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60 * 1000,
        "h" => 3600 * 1000,
        "d" => 24 * 3600 * 1000,
        _ => return None,
    };
    number.checked_mul(milliseconds).map(Duration::from_millis)
}

/// A whole number of bytes, or with `KiB`, `MiB`, `GiB` (also `K`, `M`, `G`, `KB`, `MB`, `GB`: the same powers of 1024).
pub fn parse_bytes(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let bytes: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(bytes)
}

fn split(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, milliseconds) in
            [("250ms", 250), ("30", 30_000), ("30s", 30_000), (" 5 m ", 300_000), ("2h", 7_200_000)]
        {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        assert_eq!(parse_duration("7d"), Some(Duration::from_secs(604_800)));
        for text in ["", "s", "-1s", "1.5s", "3 weeks", "99999999999999999999d", "18446744073709551615d"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [("0", 0), ("1048576", 1 << 20), ("64MiB", 64 << 20), ("1 GB", 1 << 30), ("2k", 2048)] {
            assert_eq!(parse_bytes(text), Some(bytes), "{text}");
        }
        for text in ["", "MiB", "-1", "1.5G", "1TiB", "18446744073709551615G"] {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }
}
