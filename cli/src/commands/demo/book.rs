//! A book of policies as an office would send it: real enough, and messy in the ways such books are.
//!
//! Most rows are good once read with care; a few in a hundred are wrong, each in one way, so that every kind of fault
//! is seen. The same generator makes the same book.

use chrono::{Datelike, Days, Months, NaiveDate, NaiveTime};
use domain::upload::Cell;
use rand::{Rng, RngExt};

/// The headings, as the office words them.
pub const HEADINGS: [&str; 12] = [
    "Sr. No.",
    "Policy No.",
    "Cust ID",
    "Insured Name",
    "Mobile No",
    "E-mail ID",
    "Product Type",
    "Premium (₹)",
    "Risk Start Date",
    "Expiry Date",
    "Branch",
    "Remarks",
];

const FIRST_NAMES: [&str; 24] = [
    "Aarav", "Aditi", "Amit", "Ananya", "Arjun", "Deepa", "Farhan", "Gurpreet", "Ishaan", "Kavya", "Lakshmi", "Manoj",
    "Meera", "Mohammed", "Neha", "Pooja", "Priya", "Rahul", "Ravi", "Rohan", "Sanjay", "Sunita", "Vikram", "Zara",
];
const LAST_NAMES: [&str; 24] = [
    "Agarwal",
    "Banerjee",
    "Bhat",
    "Chatterjee",
    "Das",
    "D'Souza",
    "Gupta",
    "Iyer",
    "Jain",
    "Joshi",
    "Kapoor",
    "Khan",
    "Kulkarni",
    "Kumar",
    "Menon",
    "Nair",
    "Patel",
    "Pillai",
    "Rao",
    "Reddy",
    "Shah",
    "Sharma",
    "Singh",
    "Verma",
];
const PRODUCTS: [&str; 10] = [
    "Motor",
    "MOTOR",
    "Private Car Package",
    "Two Wheeler",
    "Health",
    "health ",
    "Home",
    "Travel",
    "Personal Accident",
    "Life",
];
const REMARKS: [&str; 5] = ["call after 6 pm", "NCB 20%", "met branch manager", "wants EMI", "-"];
/// Beginnings of Indian mobile numbers.
const MOBILE: [&str; 8] = ["98", "99", "97", "96", "95", "94", "93", "90"];

/// In how many of 1,000 rows something happens.
const SAME_CUSTOMER: u32 = 40;
const FAULTY: u32 = 45;
const BLANK_ROW: u32 = 4;
const NO_PHONE: u32 = 30;
const NO_EMAIL: u32 = 200;

/// Somebody with policies.
#[derive(Clone)]
struct Customer {
    code: String,
    name: String,
    mobile: String,
    email: String,
}

/// The rows below the headings, one after the other.
pub struct Book<R> {
    rng: R,
    today: NaiveDate,
    tag: String,
    customer: Option<Customer>,
    last_policy: String,
    number: u32,
    left: u32,
}

impl<R: Rng> Book<R> {
    /// `count` rows, blank ones included. `tag` tells this book's policy numbers from those of others.
    pub fn new(rng: R, today: NaiveDate, tag: impl Into<String>, count: u32) -> Self {
        Self { rng, today, tag: tag.into(), customer: None, last_policy: String::new(), number: 0, left: count }
    }

    fn often(&mut self, per_mille: u32) -> bool {
        self.rng.random_range(0..1000) < per_mille
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.rng.random_range(0..of.len())]
    }

    fn row(&mut self) -> [Cell; 12] {
        self.number += 1;
        let customer = self.next_customer();
        let policy = format!("POL/{}/{:05}", self.tag, self.number);
        let end = self.today - Days::new(15) + Days::new(self.rng.random_range(0..75));
        let start = end - Months::new(12) + Days::new(1);
        let premium = self.rng.random_range(1_500..180_000);
        let mut row = [
            Cell::Number(f64::from(self.number)),
            Cell::Text(policy.clone()),
            Cell::Text(customer.code.clone()),
            self.name(&customer.name),
            self.mobile(&customer.mobile),
            self.email(&customer.email),
            Cell::Text(self.one(&PRODUCTS).to_owned()),
            self.premium(premium),
            self.date(start),
            self.date(end),
            Cell::Text(self.one(&["HO", "HO", "ho", "Head office"]).to_owned()),
            if self.often(150) { Cell::Text(self.one(&REMARKS).to_owned()) } else { Cell::Empty },
        ];
        if self.often(FAULTY) {
            self.spoil(&mut row);
        }
        self.last_policy = policy;
        row
    }

    /// Mostly somebody new; sometimes the one before, with another policy.
    fn next_customer(&mut self) -> Customer {
        if let Some(customer) = self.customer.clone()
            && self.often(SAME_CUSTOMER)
        {
            return customer;
        }
        let (first, last) = (self.one(&FIRST_NAMES), self.one(&LAST_NAMES));
        let digits: String = (0..8).map(|_| char::from(b'0' + self.rng.random_range(0..10_u8))).collect();
        let mailbox = format!("{first}.{last}{}", self.number).to_lowercase().replace('\'', "");
        let customer = Customer {
            code: format!("C-{}-{:05}", self.tag, self.number),
            name: format!("{first} {last}"),
            mobile: format!("{}{digits}", self.one(&MOBILE)),
            // a domain that never receives mail (RFC 2606)
            email: format!("{mailbox}@example.com"),
        };
        self.customer = Some(customer.clone());
        customer
    }

    fn name(&mut self, name: &str) -> Cell {
        Cell::Text(match self.rng.random_range(0..10) {
            0 => name.to_uppercase(),
            1 => format!("Mr. {name}"),
            2 => format!("  {} ", name.replace(' ', "  ")),
            3 => name.to_lowercase(),
            _ => name.to_owned(),
        })
    }

    fn mobile(&mut self, mobile: &str) -> Cell {
        if self.often(NO_PHONE) {
            return if self.often(500) { Cell::Empty } else { Cell::from("N/A") };
        }
        let (head, tail) = mobile.split_at(5);
        match self.rng.random_range(0..10) {
            0 => Cell::Text(format!("+91 {head} {tail}")),
            1 => Cell::Text(format!("0{head}-{tail}")),
            2 => Cell::Text(format!("91-{mobile}")),
            3..=5 => mobile.parse().map_or(Cell::Empty, Cell::Number),
            _ => Cell::Text(mobile.to_owned()),
        }
    }

    fn email(&mut self, email: &str) -> Cell {
        if self.often(NO_EMAIL) {
            return Cell::Text(self.one(&["", "-", "NA", "n/a"]).to_owned());
        }
        Cell::Text(if self.often(100) { format!(" {} ", email.to_uppercase()) } else { email.to_owned() })
    }

    fn premium(&mut self, rupees: u32) -> Cell {
        match self.rng.random_range(0..10) {
            0 | 1 => Cell::Text(format!("₹{}.00", lakhs(rupees))),
            2 => Cell::Text(format!("Rs. {}", lakhs(rupees))),
            3 => Cell::Text(rupees.to_string()),
            4 => Cell::Number(f64::from(rupees) + 0.5),
            _ => Cell::Number(f64::from(rupees)),
        }
    }

    fn date(&mut self, date: NaiveDate) -> Cell {
        match self.rng.random_range(0..10) {
            0 | 1 => Cell::Text(date.format("%d/%m/%Y").to_string()),
            2 => Cell::Text(date.format("%d-%b-%y").to_string()),
            3 => Cell::Text(date.format("%Y-%m-%d").to_string()),
            4 => Cell::Text(date.format("%d.%m.%Y").to_string()),
            _ => Cell::DateTime(date.and_time(NaiveTime::MIN)),
        }
    }

    /// One thing wrong with it.
    fn spoil(&mut self, row: &mut [Cell; 12]) {
        const POLICY: usize = 1;
        const NAME: usize = 3;
        const MOBILE: usize = 4;
        const EMAIL: usize = 5;
        const PRODUCT: usize = 6;
        const PREMIUM: usize = 7;
        const START: usize = 8;
        const END: usize = 9;
        const BRANCH: usize = 10;
        match self.rng.random_range(0..12) {
            0 if !self.last_policy.is_empty() => row[POLICY] = Cell::Text(self.last_policy.clone()),
            0 | 1 => row[POLICY] = Cell::Empty,
            2 => row[NAME] = Cell::from("N/A"),
            3 => row[MOBILE] = Cell::from("98765"),
            4 => row[MOBILE] = Cell::from("not known, ask agent"),
            5 => row[EMAIL] = Cell::from("rahul@@mail"),
            6 => row[PRODUCT] = Cell::from("Gold Plan B"),
            7 => row[PREMIUM] = Cell::from("TBD"),
            8 => row[PREMIUM] = Cell::Number(-2500.0),
            9 => row[END] = Cell::Text(format!("31/02/{}", self.today.year())),
            10 => row.swap(START, END),
            _ => row[BRANCH] = Cell::from("Atlantis"),
        }
    }
}

impl<R: Rng> Iterator for Book<R> {
    type Item = [Cell; 12];

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some(if self.often(BLANK_ROW) { Default::default() } else { self.row() })
    }
}

/// 1234567 as 12,34,567.
fn lakhs(number: u32) -> String {
    let digits = number.to_string();
    let (mut head, tail) = digits.split_at(digits.len().saturating_sub(3));
    let mut groups = vec![tail];
    while !head.is_empty() {
        let (rest, group) = head.split_at(head.len().saturating_sub(2));
        groups.insert(0, group);
        head = rest;
    }
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::upload::{Column, Layout, RowOutcome, RowRules, check_row};
    use rand::{SeedableRng, rngs::StdRng};
    use std::collections::{BTreeMap, HashSet};

    fn book(count: u32) -> Book<StdRng> {
        let today = NaiveDate::from_ymd_opt(2026, 3, 31).unwrap();
        Book::new(StdRng::seed_from_u64(7), today, "T1", count)
    }

    #[test]
    fn most_rows_are_good_and_every_kind_of_fault_is_there() {
        let layout = Layout::new(&HEADINGS.map(str::to_owned), None).unwrap();
        assert_eq!(layout.ignored().collect::<Vec<_>>(), ["Sr. No."]);
        let rules = RowRules::new(book(1).today);
        let (mut good, mut blank, mut phones) = (0, 0, 0);
        let mut faults: BTreeMap<&str, u32> = BTreeMap::new();
        let mut numbers = HashSet::new();
        let mut duplicates = 0;
        for (index, row) in book(5000).enumerate() {
            match check_row(&layout, u32::try_from(index).unwrap() + 5, &row, &rules) {
                RowOutcome::Good(row) => {
                    good += 1;
                    phones += u32::from(row.phone.is_some());
                    duplicates += u32::from(!numbers.insert(row.policy_number));
                }
                RowOutcome::Blank => blank += 1,
                RowOutcome::Bad(found) => {
                    assert_eq!(found.len(), 1, "{found:?}");
                    *faults.entry(found[0].code.as_str()).or_default() += 1;
                }
            }
        }
        assert!((4700..4850).contains(&good) && blank > 5 && duplicates > 5, "{good} {blank} {duplicates} {faults:?}");
        assert!(phones > 4500, "{phones}");
        let kinds: Vec<_> = faults.keys().copied().collect();
        assert_eq!(
            kinds,
            [
                "bad_amount",
                "bad_date",
                "bad_email",
                "bad_phone",
                "end_before_start",
                "missing_required",
                "non_positive_premium",
                "unknown_policy_type"
            ]
        );
        assert!(layout.place(Column::Branch).is_some());
    }

    #[test]
    fn the_same_generator_makes_the_same_book() {
        assert_eq!(book(50).collect::<Vec<_>>(), book(50).collect::<Vec<_>>());
    }

    #[test]
    fn lakhs_are_grouped_as_in_india() {
        let grouped = [7, 999, 1_000, 99_999, 100_000, 12_345_678].map(lakhs);
        assert_eq!(grouped, ["7", "999", "1,000", "99,999", "1,00,000", "1,23,45,678"]);
    }
}
