//! What a campaign comes to, and whether one person may send it.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a campaign comes to: foretold from its target, or counted once its audience is written.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Forecast {
    /// People who get a message; `None`: it took too long to tell.
    pub recipients: Option<i64>,
    /// Of a ladder: the most messages that they get, over all steps and channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<i64>,
    /// People of the target who do not, by reason.
    #[serde(default)]
    pub exclusions: BTreeMap<String, i64>,
    /// Parts of text messages, over all recipients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<i64>,
    /// What it costs, by currency; empty where no price is known.
    #[serde(default)]
    pub cost: BTreeMap<String, Decimal>,
    /// Whether every text was counted; else it is told from a sample.
    #[serde(default)]
    pub exact: bool,
}

/// From where on a second person has to agree; `None`: never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Thresholds {
    /// More recipients than this.
    pub recipients: Option<u32>,
    /// More than this, of any one currency.
    pub cost: Option<Decimal>,
}

/// Why a second person has to agree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TooMuch {
    /// Too many people.
    #[error("it goes to {0} people: more than {1} need a second person's word")]
    Recipients(i64, u32),
    /// Too many messages, of a ladder.
    #[error("it may send {0} messages: more than {1} need a second person's word")]
    Messages(i64, u32),
    /// Nobody could tell how many.
    #[error("it could not be told how many people it goes to: more than {0} need a second person's word")]
    Unknown(u32),
    /// Too dear.
    #[error("it costs {0} {1}: more than {2} needs a second person's word")]
    Cost(Decimal, String, Decimal),
}

impl Thresholds {
    /// Why the campaign needs a second person's word, if it does.
    pub fn exceeded(&self, forecast: &Forecast) -> Option<TooMuch> {
        if let Some(most) = self.recipients {
            match forecast.recipients {
                Some(recipients) if recipients > i64::from(most) => {
                    return Some(TooMuch::Recipients(recipients, most));
                }
                None => return Some(TooMuch::Unknown(most)),
                Some(_) => {}
            }
            if let Some(messages) = forecast.messages.filter(|messages| *messages > i64::from(most)) {
                return Some(TooMuch::Messages(messages, most));
            }
        }
        let most = self.cost?;
        let dear = forecast.cost.iter().find(|(_, amount)| **amount > most)?;
        Some(TooMuch::Cost(*dear.1, dear.0.clone(), most))
    }
}

/// Whether what was agreed to still holds for what it has become: up to a tenth more is the same campaign.
pub fn still_agreed(agreed: &Forecast, counted: &Forecast) -> bool {
    let grown = |before: i64, after: i64| after > before.saturating_add(before / 10);
    let people = match (agreed.recipients, counted.recipients) {
        (Some(before), Some(after)) => !grown(before, after),
        // they agreed to what nobody could tell
        (None, _) => true,
        (_, None) => false,
    };
    let tenth = Decimal::new(11, 1);
    let dearer = counted
        .cost
        .iter()
        .any(|(currency, amount)| agreed.cost.get(currency).is_some_and(|before| *amount > *before * tenth));
    people && !dearer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forecast(recipients: Option<i64>, cost: i64) -> Forecast {
        Forecast { recipients, cost: [("INR".to_owned(), cost.into())].into(), ..Forecast::default() }
    }

    #[test]
    fn large_dear_and_unknown_ones_need_a_second_word() {
        let both = Thresholds { recipients: Some(100), cost: Some(50.into()) };
        assert_eq!(both.exceeded(&forecast(Some(100), 50)), None);
        let large = both.exceeded(&forecast(Some(101), 0)).unwrap();
        assert_eq!(large.to_string(), "it goes to 101 people: more than 100 need a second person's word");
        assert!(matches!(both.exceeded(&forecast(None, 0)), Some(TooMuch::Unknown(100))));
        assert!(matches!(both.exceeded(&forecast(Some(1), 51)), Some(TooMuch::Cost(..))));
        assert_eq!(Thresholds::default().exceeded(&forecast(None, 1_000_000)), None);
        let ladder = Forecast { messages: Some(101), ..forecast(Some(20), 0) };
        assert_eq!(both.exceeded(&ladder), Some(TooMuch::Messages(101, 100)));
        assert_eq!(both.exceeded(&Forecast { messages: Some(100), ..ladder }), None);
    }

    #[test]
    fn a_word_holds_for_a_tenth_more() {
        let agreed = forecast(Some(1_000), 100);
        assert!(still_agreed(&agreed, &forecast(Some(1_100), 110)));
        assert!(!still_agreed(&agreed, &forecast(Some(1_101), 100)));
        assert!(!still_agreed(&agreed, &forecast(Some(1_000), 111)));
    }
}
