//! What a template may do to a value, and how values enter the engine.
//!
//! A filter fails on a value it cannot read; the recipient is then left out with the reason.

use super::{
    policies::{self, Form},
    present::{date_text, money_text},
    variables::Variable,
};
use crate::money::Money;
use chrono::{NaiveDate, format::Item, format::StrftimeItems};
use minijinja::{
    Environment, Error, ErrorKind, Value, filters, tests,
    value::{Object, ObjectRepr},
};
use rust_decimal::Decimal;
use std::{fmt, fmt::Write as _, sync::Arc};

pub(super) fn install(environment: &mut Environment<'static>) {
    environment.add_filter("date", date);
    environment.add_filter("money", money);
    environment.add_filter("upper", filters::upper);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("title", filters::title);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("default", filters::default);
    environment.add_test("defined", tests::is_defined);
    environment.add_test("undefined", tests::is_undefined);
}

/// A date that prints as people read it and still knows its day, month and year.
#[derive(Debug)]
struct DateValue(NaiveDate);

impl Object for DateValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }
    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&date_text(self.0))
    }
}

/// An amount that prints with its currency.
#[derive(Debug)]
struct MoneyValue(Money, String);

impl Object for MoneyValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }
    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&money_text(self.0, &self.1))
    }
}

pub(super) fn value_of(variable: Variable<'_>, form: Form) -> Value {
    match variable {
        Variable::Text(text) => Value::from(text.as_ref()),
        Variable::Number(number) => Value::from(number),
        Variable::Date(date) => Value::from_object(DateValue(date)),
        Variable::Money(money, currency) => Value::from_object(MoneyValue(money, currency.to_owned())),
        Variable::Policies(all) => policies::value(&all, form),
    }
}

fn refuse(detail: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail)
}

/// `{{ expiry_date | date("%d/%m/%Y") }}`: strftime, without times; without a format `15 Jun 2024`.
fn date(value: &Value, format: Option<&str>) -> Result<String, Error> {
    let date = match value.downcast_object_ref::<DateValue>() {
        Some(date) => date.0,
        None => value
            .as_str()
            .and_then(|text| text.trim().parse::<NaiveDate>().ok())
            .ok_or_else(|| refuse("date takes a date such as 2024-06-15"))?,
    };
    let Some(format) = format else { return Ok(date_text(date)) };
    let known = StrftimeItems::new(format).all(|item| !matches!(item, Item::Error));
    let mut text = String::new();
    if !known || write!(text, "{}", date.format(format)).is_err() {
        return Err(refuse("date takes a format such as \"%d/%m/%Y\""));
    }
    Ok(text)
}

/// `{{ premium | money }}` or `{{ premium | money("USD") }}`: rupees unless the value or the call says otherwise.
fn money(value: &Value, currency: Option<&str>) -> Result<String, Error> {
    if let Some(MoneyValue(money, own)) = value.downcast_object_ref::<MoneyValue>() {
        return Ok(money_text(*money, currency.unwrap_or(own)));
    }
    let text = value.to_string();
    let amount = text.trim().parse::<Decimal>().map_err(|_| refuse("money takes an amount such as 12500.50"))?;
    let money =
        Money::try_from(amount.round_dp(2)).map_err(|_| refuse("money takes an amount under 10,000,000,000"))?;
    Ok(money_text(money, currency.unwrap_or("INR")))
}
