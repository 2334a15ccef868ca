//! A customer as the book has it, and what a row adds to it.
//!
//! A blank cell changes nothing: only what a row says replaces what is known.

use super::difference::{Difference, Differences};
use crate::upload::PolicyRow;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The fields a book of policies can change; named as the columns are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CustomerData {
    pub first_name: String,
    pub last_name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub date_of_birth: Option<NaiveDate>,
    /// An object; may have parts that no upload knows.
    pub address: Option<Value>,
}

/// A customer of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCustomer {
    pub id: i64,
    /// As the table has it now.
    pub data: CustomerData,
    /// As it was before this upload touched it; `None`: the upload itself created it.
    pub before: Option<CustomerData>,
    /// Whether `before` is on record already.
    pub recorded: bool,
    /// Whether the uploader reaches them.
    pub reached: bool,
}

impl CustomerData {
    /// A customer who is known by this row only.
    pub fn new(row: &PolicyRow) -> Self {
        Self {
            first_name: row.first_name.clone(),
            last_name: row.last_name.clone(),
            email: row.email.clone().map(String::from),
            phone: row.phone.clone().map(String::from),
            date_of_birth: row.date_of_birth,
            address: row.address.as_ref().map(address_of),
        }
    }

    /// Takes over what the row says.
    pub fn apply(&mut self, row: &PolicyRow) {
        replace(&mut self.first_name, &row.first_name);
        replace(&mut self.last_name, &row.last_name);
        fill(&mut self.email, row.email.as_ref().map(|email| email.as_str()));
        fill(&mut self.phone, row.phone.as_ref().map(|phone| phone.as_str()));
        self.date_of_birth = row.date_of_birth.or(self.date_of_birth);
        if let Some(address) = &row.address {
            let known = self.address.take();
            self.address = Some(merged(known, address_of(address)));
        }
    }

    /// Whether the row says anything new.
    pub fn is_changed_by(&self, row: &PolicyRow) -> bool {
        let other = |known: &Option<String>, new: Option<&str>| new.is_some() && known.as_deref() != new;
        (!row.first_name.is_empty() && row.first_name != self.first_name)
            || (!row.last_name.is_empty() && row.last_name != self.last_name)
            || other(&self.email, row.email.as_ref().map(|email| email.as_str()))
            || other(&self.phone, row.phone.as_ref().map(|phone| phone.as_str()))
            || (row.date_of_birth.is_some() && row.date_of_birth != self.date_of_birth)
            || row.address.as_ref().is_some_and(|address| {
                self.address.as_ref() != Some(&merged(self.address.clone(), address_of(address)))
            })
    }

    /// What would change, field by field.
    pub fn differences(&self, next: &Self) -> Vec<Difference> {
        let mut found = Differences::default();
        found.note("firstName", &self.first_name, &next.first_name);
        found.note("lastName", &self.last_name, &next.last_name);
        found.note("email", &self.email, &next.email);
        found.note("phone", &self.phone, &next.phone);
        found.note("dateOfBirth", &self.date_of_birth, &next.date_of_birth);
        found.note("address", &self.address, &next.address);
        found.0
    }
}

fn replace(known: &mut String, new: &str) {
    if !new.is_empty() && known != new {
        new.clone_into(known);
    }
}

fn fill(known: &mut Option<String>, new: Option<&str>) {
    if let Some(new) = new
        && known.as_deref() != Some(new)
    {
        *known = Some(new.to_owned());
    }
}

fn address_of(address: &crate::upload::Address) -> Value {
    // five optional strings: nothing that could fail to be written
    serde_json::to_value(address).unwrap_or_default()
}

/// The parts of both; where both have one, the new.
fn merged(known: Option<Value>, new: Value) -> Value {
    let mut parts = match known {
        Some(Value::Object(parts)) => parts,
        _ => Map::new(),
    };
    if let Value::Object(new) = new {
        parts.extend(new);
    }
    Value::Object(parts)
}
