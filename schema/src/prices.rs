//! What messages cost, by day.

use crate::DbError;
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Date, Numeric, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::messaging::{Channel, price::Price};
use rust_decimal::Decimal;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    provider: String,
    #[diesel(sql_type = Text)]
    country: String,
    #[diesel(sql_type = Text)]
    category: String,
    #[diesel(sql_type = Text)]
    currency: String,
    #[diesel(sql_type = Numeric)]
    price: Decimal,
}

/// The prices of a channel that hold on a day.
pub async fn on(connection: &mut AsyncPgConnection, channel: Channel, day: NaiveDate) -> Result<Vec<Price>, DbError> {
    let rows: Vec<Row> = sql_query(
        "SELECT DISTINCT ON (provider, country, category) provider, country, category, currency, price \
         FROM message_prices WHERE channel = $1 AND valid_from <= $2 \
         ORDER BY provider, country, category, valid_from DESC",
    )
    .bind::<Text, _>(channel.as_str())
    .bind::<Date, _>(day)
    .load(connection)
    .await?;
    let read = |row: Row| Price {
        provider: row.provider,
        country: row.country,
        category: row.category,
        currency: row.currency,
        price: row.price,
    };
    Ok(rows.into_iter().map(read).collect())
}
