//! Holidays, a country and year at a time.

use crate::{DbError, tables::holidays};
use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use std::collections::HashMap;

/// A day off.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = holidays)]
pub struct HolidayRow {
    /// ISO 3166 alpha-2.
    pub country: String,
    pub day: NaiveDate,
    pub name: String,
}

/// The days off around now, by country.
#[derive(Debug, Clone, Default)]
pub struct Holidays(HashMap<String, Vec<NaiveDate>>);

/// How far ahead a deferral may end, and a day for the zones.
const AHEAD: Days = Days::new(16);
/// A day for the zones.
const BEHIND: Days = Days::new(1);

impl Holidays {
    /// Those of a country.
    pub fn of(&self, country: &str) -> &[NaiveDate] {
        self.0.get(country).map_or(&[], Vec::as_slice)
    }

    /// Those of all countries that a deferral from now on may meet. They are few.
    pub async fn around(connection: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<Self, DbError> {
        let today = now.date_naive();
        let (first, last) = (today - BEHIND, today + AHEAD);
        let rows: Vec<(String, NaiveDate)> = holidays::table
            .filter(holidays::day.between(first, last))
            .select((holidays::country, holidays::day))
            .load(connection)
            .await?;
        let mut days = HashMap::<String, Vec<NaiveDate>>::new();
        for (country, day) in rows {
            days.entry(country).or_default().push(day);
        }
        Ok(Self(days))
    }
}

/// Those of a country's year, by day.
pub async fn of_year(connection: &mut AsyncPgConnection, country: &str, year: i32) -> Result<Vec<HolidayRow>, DbError> {
    let Some((first, last)) = bounds(year) else { return Ok(Vec::new()) };
    let listed = holidays::table.filter(holidays::country.eq(country).and(holidays::day.between(first, last)));
    Ok(listed.order(holidays::day).select(HolidayRow::as_select()).load(connection).await?)
}

/// Puts these days in place of the country's year. Days of other years, or two names for a day, are the caller's fault.
pub async fn replace(
    connection: &mut AsyncPgConnection,
    country: &str,
    year: i32,
    rows: &[HolidayRow],
) -> Result<(), DbError> {
    let Some((first, last)) = bounds(year) else { return Ok(()) };
    let known = holidays::table.filter(holidays::country.eq(country).and(holidays::day.between(first, last)));
    diesel::delete(known).execute(connection).await?;
    let rows: Vec<&HolidayRow> = rows.iter().filter(|row| row.country == country && row.day.year() == year).collect();
    if !rows.is_empty() {
        diesel::insert_into(holidays::table).values(rows).execute(connection).await?;
    }
    Ok(())
}

fn bounds(year: i32) -> Option<(NaiveDate, NaiveDate)> {
    NaiveDate::from_ymd_opt(year, 1, 1).zip(NaiveDate::from_ymd_opt(year, 12, 31))
}
