//! The book of a world: customers on many clocks, some without an address, some who want nothing, some twice.

use crate::{chance::Chance, ground::Ground};
use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;
use std::{collections::BTreeMap, fmt::Write};

/// Clocks that are far apart, and change in different ways.
const ZONES: [&str; 8] = [
    "Asia/Kolkata",
    "America/New_York",
    "Pacific/Auckland",
    "Australia/Lord_Howe",
    "Europe/London",
    "Pacific/Kiritimati",
    "America/Los_Angeles",
    "Asia/Kathmandu",
];

/// What the model knows of the people.
pub struct Book {
    /// By customer.
    pub zones: BTreeMap<i64, Tz>,
    /// The last day of each policy.
    pub ends: BTreeMap<i64, NaiveDate>,
}

/// Writes it.
pub async fn write(ground: &Ground, chance: &mut Chance) -> Book {
    let today = ground.now().date_naive();
    let (mut zones, mut ends) = (BTreeMap::new(), BTreeMap::new());
    let mut all = "INSERT INTO file_uploads (id, filename, original_filename, file_size, file_type, upload_status) \
                   VALUES (1, 'book.csv', 'book.csv', 1, 'csv', 'completed');"
        .to_owned();
    for number in 1..=chance.within(20, 50) {
        let zone = chance.of(&ZONES);
        zones.insert(number, zone.parse::<Tz>().unwrap());
        let phone = match chance.below(12) {
            0 => "NULL".to_owned(),
            // somebody else's
            1 if number > 1 => format!("'+9198765{:05}'", number - 1),
            _ => format!("'+9198765{number:05}'"),
        };
        let email = if chance.one_in(10) { "NULL".to_owned() } else { format!("'p{number}@example.com'") };
        // where nothing is said, the insurer's own clocks count
        let told = if zone == "Asia/Kolkata" { "NULL".to_owned() } else { format!("'{zone}'") };
        let refuses = ["whatsapp", "email", "sms"].map(|name| (name, chance.one_in(15)));
        let refuses: Vec<_> =
            refuses.iter().filter(|(_, no)| *no).map(|(name, _)| format!("\"{name}\": false")).collect();
        let (last, refuses) = (if number % 7 == 0 { 7 } else { number }, refuses.join(", "));
        write!(
            all,
            "INSERT INTO customers (id, customer_code, first_name, last_name, phone, email, time_zone, upload_id, \
                communication_preferences) \
             VALUES ({number}, 'C{number}', 'First{number}', 'Last{last}', {phone}, {email}, {told}, 1, '{{{refuses}}}');"
        )
        .unwrap();
        let policies = if chance.one_in(6) { 2 } else { 1 };
        for policy in (0..policies).map(|place| number + place * 1_000) {
            // few days, so that a ladder is climbed in few moves of the clock
            let last = today + TimeDelta::days(chance.of(&[20, 27, 41, 55]));
            ends.insert(policy, last);
            write!(
                all,
                "INSERT INTO policies (id, policy_number, customer_id, policy_type, premium_amount, start_date, end_date, \
                    upload_id, created_by_upload) \
                 VALUES ({policy}, 'P{policy}', {number}, 'motor', 10000, '{last}'::DATE - 364, '{last}', 1, 1); \
                 INSERT INTO renewal_cases (policy_id, term_end, renewal_amount) VALUES ({policy}, '{last}', 10000);"
            )
            .unwrap();
        }
        if chance.one_in(3) {
            // something they opened on a day before, in some hour
            let hours = chance.within(48, 120);
            write!(
                all,
                "INSERT INTO messages (customer_id, channel, address, status, due_at, sent_at, opened_at, created_at) \
                 SELECT {number}, 'email', 'x', 'delivered', at, at, at, at \
                 FROM (SELECT '{}'::TIMESTAMPTZ - make_interval(hours => {hours}) AS at) AS x;",
                ground.now().to_rfc3339()
            )
            .unwrap();
        }
    }
    ground.execute(&all).await;
    Book { zones, ends }
}
