//! `/api/communication/holidays`: days on which marketing rests, a country and year at a time.

use crate::{
    auth::{Guard, permit},
    envelope::{FieldFault, Reply, ok},
    error::{ApiError, ApiResult},
    request::StrictBody,
    state::SharedState,
    tags::Tag,
};
use chrono::{Datelike, NaiveDate};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, param::Query};
use schema::{
    AsyncConnection,
    audit::{self, Entity},
    consent::holidays::{self, HolidayRow},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Holidays.
pub struct HolidaysApi;

/// A day off.
#[derive(Object)]
struct Holiday {
    /// The day.
    day: NaiveDate,
    /// What it is called.
    #[oai(validator(min_length = 1, max_length = 100))]
    name: String,
}

/// A country's days off in a year.
#[derive(Object)]
struct Holidays {
    /// ISO 3166 alpha-2.
    #[oai(validator(max_length = 2))]
    country: String,
    /// The year.
    #[oai(validator(minimum(value = "2000"), maximum(value = "2200")))]
    year: i32,
    /// By day.
    #[oai(validator(max_items = 366))]
    holidays: Vec<Holiday>,
}

impl Holidays {
    fn of(country: String, year: i32, rows: Vec<HolidayRow>) -> Self {
        let holidays = rows.into_iter().map(|row| Holiday { day: row.day, name: row.name }).collect();
        Self { country, year, holidays }
    }

    fn checked(&self) -> ApiResult<Vec<HolidayRow>> {
        let (mut seen, mut faults) = (BTreeSet::new(), Vec::new());
        if self.country.len() != 2 || !self.country.bytes().all(|byte| byte.is_ascii_uppercase()) {
            let message = format!("{:?} is not a country code such as IN", self.country);
            faults.push(FieldFault { field: "country".to_owned(), message });
        }
        for (index, holiday) in self.holidays.iter().enumerate() {
            let field = format!("holidays[{index}].day");
            if holiday.day.year() != self.year {
                faults.push(FieldFault { field, message: format!("is not a day of {}", self.year) });
            } else if !seen.insert(holiday.day) {
                faults.push(FieldFault { field, message: "is given twice".to_owned() });
            }
        }
        if !faults.is_empty() {
            return Err(ApiError::faults(faults));
        }
        let row = |one: &Holiday| HolidayRow {
            country: self.country.clone(),
            day: one.day,
            name: one.name.trim().to_owned(),
        };
        Ok(self.holidays.iter().map(row).collect())
    }
}

#[OpenApi(prefix_path = "/api/communication/holidays", tag = "Tag::Consent")]
impl HolidaysApi {
    /// List a country's holidays
    #[oai(path = "/", method = "get")]
    async fn get(
        &self,
        state: Data<&SharedState>,
        _caller: Guard<permit::SettingsView>,
        /// ISO 3166 alpha-2; `IN`, if nothing is said.
        #[oai(validator(max_length = 2))]
        country: Query<Option<String>>,
        /// This year, if nothing is said.
        #[oai(validator(minimum(value = "2000"), maximum(value = "2200")))]
        year: Query<Option<i32>>,
    ) -> ApiResult<Reply<Holidays>> {
        let country = country.0.unwrap_or_else(|| "IN".to_owned());
        let year = year.0.unwrap_or_else(|| state.services.clock.now().year());
        let rows = holidays::of_year(&mut *state.services.db.get().await?, &country, year).await?;
        ok(Holidays::of(country, year, rows))
    }

    /// Change a country's holidays
    ///
    /// Replaces those of the year.
    #[oai(path = "/", method = "put")]
    async fn put(
        &self,
        state: Data<&SharedState>,
        caller: Guard<permit::SettingsManage>,
        body: StrictBody<Holidays>,
    ) -> ApiResult<Reply<Holidays>> {
        let (body, rows) = (&body.0, body.0.checked()?);
        let mut connection = state.services.db.get().await?;
        let after = connection
            .transaction::<_, ApiError, _>(async |connection| {
                let before = holidays::of_year(connection, &body.country, body.year).await?;
                holidays::replace(connection, &body.country, body.year, &rows).await?;
                let after = holidays::of_year(connection, &body.country, body.year).await?;
                let key = format!("{}-{}", body.country, body.year);
                let entry = caller.entry("holidays.changed", Entity::named("holidays", key));
                audit::record(connection, &[entry.before(told(&before)).after(told(&after))]).await?;
                Ok(after)
            })
            .await?;
        ok(Holidays::of(body.country.clone(), body.year, after))
    }
}

fn told(rows: &[HolidayRow]) -> Value {
    rows.iter().map(|row| json!({"day": row.day, "name": row.name})).collect()
}
