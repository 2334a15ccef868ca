//! When things happened, in spans wide enough to be shown and narrow enough to say something.

use super::report::Span;
use chrono::{DateTime, TimeZone, Utc};

/// Widths of spans, in seconds: a minute to a week.
pub const WIDTHS: [i64; 8] = [60, 300, 900, 3_600, 21_600, 86_400, 259_200, 604_800];
/// The most spans a timeline should have.
const SPANS: i64 = 60;

/// What happened in the piece of time that begins so many seconds after 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Piece {
    /// Its start.
    pub at: i64,
    /// Accepted in it.
    pub sent: i64,
    /// Delivered in it.
    pub delivered: i64,
    /// Opened in it.
    pub opened: i64,
    /// Links followed for the first time in it.
    pub clicked: i64,
    /// Answered in it.
    pub replied: i64,
    /// Failed in it.
    pub failed: i64,
}

/// The narrowest width that does not make too many spans of pieces, which are in order.
pub fn width(pieces: &[Piece]) -> i64 {
    let long = match pieces {
        [first, .., last] => last.at - first.at,
        _ => 0,
    };
    WIDTHS.into_iter().find(|width| long / width < SPANS).unwrap_or(WIDTHS[WIDTHS.len() - 1])
}

/// Puts pieces together, which are in order and no wider than `width`; spans in which nothing happened are left out.
pub fn spans(pieces: &[Piece], width: i64) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for piece in pieces {
        let Some(at) = instant(piece.at.div_euclid(width) * width) else { continue };
        if spans.last().is_none_or(|last| last.at != at) {
            spans.push(Span { at, sent: 0, delivered: 0, opened: 0, clicked: 0, replied: 0, failed: 0 });
        }
        let Some(span) = spans.last_mut() else { continue };
        span.sent += piece.sent;
        span.delivered += piece.delivered;
        span.opened += piece.opened;
        span.clicked += piece.clicked;
        span.replied += piece.replied;
        span.failed += piece.failed;
    }
    spans
}

fn instant(seconds: i64) -> Option<DateTime<Utc>> {
    Utc.timestamp_opt(seconds, 0).single()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_as_wide_as_they_must() {
        let at = |at: i64| Piece { at, sent: 1, ..Piece::default() };
        assert_eq!(width(&[]), 60);
        assert_eq!(width(&[at(0), at(59 * 60)]), 60);
        assert_eq!(width(&[at(0), at(60 * 60)]), 300);
        assert_eq!(width(&[at(0), at(400 * 86_400)]), 604_800);
        assert_eq!(width(&[at(0), at(4_000 * 86_400)]), 604_800);
        let found = spans(&[at(60), at(120), at(300), at(3_000)], 300);
        assert_eq!(
            found.iter().map(|span| (span.at.timestamp(), span.sent)).collect::<Vec<_>>(),
            [(0, 2), (300, 1), (3_000, 1)]
        );
    }
}
