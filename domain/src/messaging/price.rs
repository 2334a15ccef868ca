//! What a message costs: an estimate from published prices, which are data with a date.
//!
//! A message whose price nobody entered has no estimate rather than a wrong one.

use super::{Channel, Purpose, restraint::country_of};
use rust_decimal::Decimal;

/// The price of a message, or of a segment of a text message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// By whom it is asked.
    pub provider: String,
    /// Where the recipient is, as ISO 3166 alpha-2; `*`: anywhere else.
    pub country: String,
    /// The provider's category, such as `marketing`; `*`: any other.
    pub category: String,
    /// ISO 4217.
    pub currency: String,
    /// For one.
    pub price: Decimal,
}

/// What a message costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// How much.
    pub amount: Decimal,
    /// ISO 4217.
    pub currency: String,
}

impl Cost {
    /// What a provider says that it charged; some write what is taken from an account with a minus.
    pub fn charged(amount: &str, currency: &str) -> Option<Self> {
        let amount: Decimal = amount.trim().parse().ok()?;
        let currency = currency.trim().to_ascii_uppercase();
        let is_currency = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
        is_currency.then(|| Self { amount: amount.abs(), currency })
    }
}

/// The cost of a message of so many segments (1 where there are none). A price for the country and category wins over
/// one for the country, that over one for the category, and that over one for all.
pub fn cost(prices: &[Price], provider: &str, country: Option<&str>, category: &str, segments: u16) -> Option<Cost> {
    let fits = |price: &&Price| {
        price.provider == provider
            && (price.country == "*" || Some(price.country.as_str()) == country)
            && (price.category == "*" || price.category == category)
    };
    let best = prices.iter().filter(fits).max_by_key(|price| (price.country != "*", price.category != "*"))?;
    Some(Cost { amount: best.price * Decimal::from(segments.max(1)), currency: best.currency.clone() })
}

/// The cost of a message to an address: what providers charge by is the recipient's country, and for chats the purpose.
pub fn of_message(
    prices: &[Price],
    provider: &str,
    (channel, purpose): (Channel, Purpose),
    address: &str,
    segments: Option<u16>,
) -> Option<Cost> {
    let (country, category) = match (channel, purpose) {
        (Channel::Whatsapp, Purpose::Marketing) => (country_of(address), "marketing"),
        (Channel::Whatsapp, Purpose::Service) => (country_of(address), "utility"),
        (Channel::Sms, _) => (country_of(address), "*"),
        (Channel::Email, _) => (None, "*"),
    };
    cost(prices, provider, country.as_deref(), category, segments.unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_price_counts_for_each_segment() {
        let price = |country: &str, category: &str, cents: i64| Price {
            provider: "p".to_owned(),
            country: country.to_owned(),
            category: category.to_owned(),
            currency: "USD".to_owned(),
            price: Decimal::new(cents, 2),
        };
        let prices = [price("*", "*", 1), price("*", "m", 2), price("IN", "*", 3), price("IN", "m", 4)];
        let of = |country, category| cost(&prices, "p", country, category, 1).map(|cost| cost.amount);
        assert_eq!(of(Some("IN"), "m"), Some(Decimal::new(4, 2)));
        assert_eq!(of(Some("IN"), "u"), Some(Decimal::new(3, 2)));
        assert_eq!(of(Some("US"), "m"), Some(Decimal::new(2, 2)));
        assert_eq!(of(None, "u"), Some(Decimal::new(1, 2)));
        assert_eq!(cost(&prices, "p", None, "u", 3).unwrap().amount, Decimal::new(3, 2));
        assert_eq!(cost(&prices, "other", None, "u", 1), None);
    }
}
