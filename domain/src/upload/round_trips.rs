//! Properties: what is written in a supported form is read back the same, and no input makes a parser fail otherwise
//! than by its error.

use super::*;
use chrono::{Datelike, NaiveDate};
use proptest::prelude::*;
use rust_decimal::Decimal;

fn dates() -> impl Strategy<Value = NaiveDate> {
    (0i64..73_000).prop_map(|days| NaiveDate::from_ymd_opt(1970, 1, 1).unwrap() + chrono::Duration::days(days))
}

fn read(text: &str, order: DateOrder, century: Century) -> Result<NaiveDate, DateError> {
    parse_date(&text.into(), order, DateSystem::From1900, century)
}

/// 12345678 as 1,23,45,678.
fn lakhs(digits: &str) -> String {
    let (head, last) = digits.split_at(digits.len().saturating_sub(3));
    let pairs: Vec<&str> = head.as_bytes().rchunks(2).rev().map(|pair| std::str::from_utf8(pair).unwrap()).collect();
    pairs.into_iter().chain([last]).collect::<Vec<_>>().join(",")
}

/// 12345678 as 12,345,678.
fn thousands(digits: &str, mark: &str) -> String {
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
    groups.join(mark)
}

/// Text with the characters that parsers have rules for.
fn odd_text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[0-9./,:TZ+()Ee₹$ \u{a0}-]{0,24}", "[a-zA-Z0-9 .,#@/()_-]{0,40}", "\\PC{0,80}"]
}

fn cells() -> impl Strategy<Value = Cell> {
    prop_oneof![
        Just(Cell::Empty),
        odd_text().prop_map(Cell::Text),
        any::<f64>().prop_map(Cell::Number),
        (-1e12..1e12f64).prop_map(Cell::Number),
        any::<bool>().prop_map(Cell::Bool),
        dates().prop_map(|date| Cell::DateTime(date.and_hms_opt(10, 0, 0).unwrap())),
        odd_text().prop_map(Cell::Error),
    ]
}

proptest! {
    #[test]
    fn dates_in_every_form(date in dates()) {
        for form in ["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%-d/%-m/%Y", "%d-%b-%Y",
            "%-d %b %Y", "%-d %B %Y", "%B %-d, %Y", "%Y-%m-%dT00:00:00", "%d/%m/%Y %I:%M %p", "%d-%m-%Y %H:%M"]
        {
            let text = date.and_hms_opt(10, 30, 0).unwrap().format(form).to_string();
            prop_assert_eq!(read(&text, DateOrder::DayFirst, Century::Pivot), Ok(date), "{}", text);
        }
        let text = date.format("%m/%d/%Y").to_string();
        prop_assert_eq!(read(&text, DateOrder::MonthFirst, Century::Pivot), Ok(date));
    }

    #[test]
    fn a_date_is_never_read_in_the_other_order(date in dates()) {
        let text = date.format("%m/%d/%Y").to_string();
        let swapped = NaiveDate::from_ymd_opt(date.year(), date.day(), date.month());
        match read(&text, DateOrder::DayFirst, Century::Pivot) {
            Ok(found) => prop_assert_eq!(Some(found), swapped),
            Err(error) => prop_assert_eq!(error, DateError::MonthFirst { month_first: date, day_first: date.format("%d/%m/%Y").to_string() }),
        }
    }

    #[test]
    fn years_of_two_digits_in_their_century(days in 0i64..36_500) {
        let date = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap() + chrono::Duration::days(days);
        prop_assume!(date.year() < 2070);
        for form in ["%d/%m/%y", "%d-%b-%y"] {
            prop_assert_eq!(read(&date.format(form).to_string(), DateOrder::DayFirst, Century::Pivot), Ok(date));
        }
        let born = date - chrono::Duration::days(20_000);
        let last = born.year() + 99;
        prop_assert_eq!(read(&born.format("%d/%m/%y").to_string(), DateOrder::DayFirst, Century::NotAfter(last)), Ok(born));
    }

    #[test]
    fn serial_numbers_count_days(serial in 61u32..2_958_466) {
        let day = |serial: u32| DateSystem::From1900.day(f64::from(serial)).unwrap();
        prop_assert_eq!(day(serial) - day(61), chrono::Duration::days(i64::from(serial) - 61));
        if serial > 1_462 {
            prop_assert_eq!(DateSystem::From1904.day(f64::from(serial - 1_462)), Some(day(serial)));
        }
    }

    #[test]
    fn amounts_in_every_form(cents in 0i64..1_000_000_000_000) {
        let value = Decimal::new(cents, 2);
        let (whole, rest) = (format!("{}", cents / 100), format!("{:02}", cents % 100));
        let grouped = [
            whole.clone(), lakhs(&whole), thousands(&whole, ","), thousands(&whole, " "), thousands(&whole, "\u{a0}"),
            thousands(&whole, "'"),
        ];
        for digits in grouped {
            for (front, back) in [("", ""), ("₹", ""), ("Rs. ", ""), ("INR ", ""), ("", " INR"), ("$", ""), ("+", "")] {
                let text = format!("{front}{digits}.{rest}{back}");
                prop_assert_eq!(parse_amount(&text.as_str().into()).map(|amount| amount.value), Ok(value), "{}", text);
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 cents")]
        let number = cents as f64 / 100.0;
        prop_assert_eq!(parse_amount(&number.into()).map(|amount| amount.value), Ok(value));
    }

    #[test]
    fn a_decimal_comma_is_never_read_as_grouping(whole in 0u32..1_000_000, rest in 0u32..100) {
        let dotted = thousands(&whole.to_string(), ".");
        let text = format!("{dotted},{rest:02}");
        prop_assert!(parse_amount(&text.as_str().into()).is_err(), "{}", text);
    }

    #[test]
    fn indian_mobiles_in_every_form(number in 9_000_000_000u64..9_999_999_999) {
        let digits = number.to_string();
        let Ok(phone) = parse_phone(&digits.as_str().into(), "IN") else { return Ok(()) };
        prop_assert_eq!(phone.as_str(), format!("+91{digits}"));
        let (head, tail) = digits.split_at(5);
        #[expect(clippy::cast_precision_loss, reason = "ten digits")]
        let cell = Cell::Number(number as f64);
        prop_assert_eq!(parse_phone(&cell, "IN"), Ok(phone.clone()));
        for text in [format!("{head} {tail}"), format!("0{head}{tail}"), format!("+91-{head}-{tail}"), format!("91{digits}"), format!("{digits}.0")] {
            prop_assert_eq!(parse_phone(&text.as_str().into(), "IN"), Ok(phone.clone()), "{}", text);
        }
    }

    #[test]
    fn nothing_makes_a_parser_panic(cell in cells()) {
        let _ = parse_date(&cell, DateOrder::DayFirst, DateSystem::From1904, Century::Pivot);
        let _ = parse_date(&cell, DateOrder::MonthFirst, DateSystem::From1900, Century::NotAfter(2025));
        let _ = parse_amount(&cell);
        let _ = parse_email(&cell);
        let text = cell.display();
        let _ = (text.parse::<PolicyType>(), text.parse::<Currency>(), split_name(&text), clean_notes(&text, 10));
        let _ = Mapping::from_headers(std::slice::from_ref(&text));
        let _ = kind::sniff(text.as_bytes());
    }

    #[test]
    fn cleaned_text_holds_nothing_that_cannot_be_kept(text in any::<String>()) {
        if let Ok(clean) = clean_line(&text, 1_000) {
            prop_assert!(!clean.chars().any(char::is_control) && clean.trim() == clean);
            prop_assert_eq!(clean_line(&clean, 1_000), Ok(clean.clone()));
        }
        if let Ok(clean) = clean_notes(&text, 1_000) {
            prop_assert!(!clean.contains('\0'));
            prop_assert_eq!(clean_notes(&clean, 1_000), Ok(clean.clone()));
        }
    }
}

proptest! {
    // phone numbers are slow to read in an unoptimised build
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_row_is_good_bad_or_blank(cells in proptest::collection::vec(cells(), 0..30), row in 1u32..2_000_000) {
        let headers: Vec<String> = Column::ALL.iter().map(|column| column.title().to_owned()).collect();
        let layout = Layout::new(&headers, None).unwrap();
        let rules = RowRules::new(NaiveDate::from_ymd_opt(2025, 3, 1).unwrap());
        match check_row(&layout, row, &cells, &rules) {
            RowOutcome::Good(good) => {
                prop_assert!(good.end_date > good.start_date && good.premium.is_positive());
                prop_assert!(good.policy_number.chars().count() <= 100 && !good.policy_number.contains('\0'));
            }
            RowOutcome::Bad(faults) => {
                prop_assert!(!faults.is_empty());
                for fault in faults {
                    prop_assert!(fault.row == row && fault.column.is_some());
                    prop_assert!(fault.value.is_none_or(|value| value.chars().count() <= RowFault::VALUE_LIMIT && !value.contains('\0')));
                }
            }
            RowOutcome::Blank => {}
        }
    }
}
