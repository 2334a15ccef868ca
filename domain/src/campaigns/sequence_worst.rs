//! The worst that a ladder comes to: every step taken, and every fallback tried, as far as the cap allows.
//!
//! What it really comes to is less: who enters late has fewer steps, and whoever renews, answers or was reached gets no
//! more. A second person's word is asked on the worst.

use super::Forecast;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// What one message of a step, or of its fallback, comes to on average.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Message {
    /// Parts, of a text message.
    pub segments: Option<Decimal>,
    /// By currency.
    pub cost: BTreeMap<String, Decimal>,
}

/// What so many policies come to at worst. `most`: the most messages that one gets.
pub fn worst(recipients: Option<i64>, messages: &[Message], most: Option<usize>) -> Forecast {
    let each = most.unwrap_or(usize::MAX).min(messages.len());
    let count = Decimal::from(recipients.unwrap_or_default());
    let largest = |mut amounts: Vec<Decimal>| -> Decimal {
        amounts.sort_unstable_by(|one, other| other.cmp(one));
        amounts.into_iter().take(each).sum()
    };
    let mut by_currency: BTreeMap<&str, Vec<Decimal>> = BTreeMap::new();
    for (currency, amount) in messages.iter().flat_map(|message| &message.cost) {
        by_currency.entry(currency).or_default().push(*amount);
    }
    let cost = by_currency.into_iter().map(|(currency, amounts)| (currency.to_owned(), largest(amounts) * count));
    let segments: Vec<Decimal> = messages.iter().filter_map(|message| message.segments).collect();
    let in_parts = !segments.is_empty();
    Forecast {
        recipients,
        messages: recipients.map(|count| count.saturating_mul(i64::try_from(each).unwrap_or(i64::MAX))),
        segments: recipients.filter(|_| in_parts).and_then(|_| whole(largest(segments) * count)),
        cost: cost.map(|(currency, amount)| (currency, amount.round_dp(4))).collect(),
        ..Forecast::default()
    }
}

fn whole(amount: Decimal) -> Option<i64> {
    amount.ceil().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(segments: Option<i64>, paise: i64) -> Message {
        let cost = [("INR".to_owned(), Decimal::new(paise, 2))].into();
        Message { segments: segments.map(Decimal::from), cost }
    }

    #[test]
    fn every_step_counts_as_far_as_the_cap_allows() {
        let ladder = [message(None, 80), message(Some(2), 40), message(None, 10)];
        let all = worst(Some(100), &ladder, None);
        assert_eq!((all.recipients, all.messages, all.segments), (Some(100), Some(300), Some(200)));
        assert_eq!(all.cost["INR"], Decimal::from(130));
        let capped = worst(Some(100), &ladder, Some(2));
        assert_eq!((capped.messages, capped.cost["INR"]), (Some(200), Decimal::from(120)), "the dearest");
        assert_eq!(worst(Some(100), &ladder, Some(9)), all);
    }

    #[test]
    fn what_nobody_could_count_comes_to_nothing_known() {
        let unknown = worst(None, &[message(Some(1), 10)], None);
        assert_eq!((unknown.recipients, unknown.messages, unknown.segments), (None, None, None));
        assert_eq!(worst(Some(3), &[], None).messages, Some(0));
    }
}
