//! Rows as a whole: what a good one gives, and that every fault of a bad one is named.

use super::*;
use chrono::NaiveDate;

const HEADERS: [&str; 14] = [
    "Policy No.",
    "Customer Name",
    "Mobile No",
    "Email",
    "DOB",
    "City",
    "PIN Code",
    "Policy Type",
    "Premium (₹)",
    "Currency",
    "Start Date",
    "End Date",
    "Renewal Date",
    "Grace Period Days",
];

const GOOD: [&str; 14] = [
    "P-1001",
    "Mr. Asha Rao",
    "98765 43210",
    "asha@example.com",
    "12-Mar-85",
    "Pune",
    "411001",
    "Two Wheeler",
    "1,23,456.50",
    "",
    "01/04/2024",
    "31/03/2025",
    "",
    "30",
];

fn layout() -> Layout {
    Layout::new(&HEADERS.map(str::to_owned), None).unwrap()
}

fn rules() -> RowRules {
    RowRules::new(date(2025, 3, 1))
}

fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

/// The good row with some cells replaced.
fn row(changes: &[(usize, Cell)]) -> Vec<Cell> {
    let mut cells = GOOD.map(Cell::from).to_vec();
    for (place, cell) in changes {
        cells[*place] = cell.clone();
    }
    cells
}

fn check(changes: &[(usize, Cell)]) -> RowOutcome {
    check_row(&layout(), 7, &row(changes), &rules())
}

fn good(changes: &[(usize, Cell)]) -> PolicyRow {
    match check(changes) {
        RowOutcome::Good(row) => *row,
        other => panic!("{other:?}"),
    }
}

fn faults(changes: &[(usize, Cell)]) -> Vec<RowFault> {
    match check(changes) {
        RowOutcome::Bad(faults) => faults,
        other => panic!("{other:?}"),
    }
}

fn only_code(place: usize, cell: impl Into<Cell>) -> FaultCode {
    let faults = faults(&[(place, cell.into())]);
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults[0].code
}

#[test]
fn a_good_row_is_typed() {
    let row = good(&[]);
    assert_eq!((row.row, row.policy_number.as_str()), (7, "P-1001"));
    assert_eq!((row.first_name.as_str(), row.last_name.as_str()), ("Asha", "Rao"));
    assert_eq!(row.phone.as_ref().unwrap().as_str(), "+919876543210");
    assert_eq!(row.date_of_birth, Some(date(1985, 3, 12)));
    assert_eq!(row.address.as_ref().unwrap().postal_code.as_deref(), Some("411001"));
    assert_eq!((row.policy_type, row.premium.to_string().as_str()), (PolicyType::Motor, "123456.50"));
    assert_eq!(row.currency, Currency::INR);
    assert_eq!((row.start_date, row.end_date), (date(2024, 4, 1), date(2025, 3, 31)));
    assert_eq!((row.renewal_date, row.grace_period_days, row.branch), (None, Some(30), None));
    assert!(row.customer_code.starts_with("CUS-") && row.customer_code.len() == 16 && !row.customer_code_given);
}

#[test]
fn the_same_person_has_the_same_code() {
    let code = good(&[]).customer_code;
    assert_eq!(good(&[(0, "P-2".into()), (1, "RAO, Asha".into()), (2, "+91 9876543210".into())]).customer_code, code);
    assert_ne!(good(&[(2, "9876543211".into())]).customer_code, code);
    assert_ne!(good(&[(1, "Usha Rao".into())]).customer_code, code);
    assert_eq!(code, "CUS-N2PGCGDMHXFY", "codes are stored and must not change");
}

#[test]
fn cells_of_a_workbook_are_read_as_well() {
    let start = date(2024, 4, 1).and_hms_opt(0, 0, 0).unwrap();
    let row = good(&[
        (0, 1001.0.into()),
        (2, 9_876_543_210.0.into()),
        (6, 411_001.0.into()),
        (8, 123_456.499_999_999_99.into()),
        (10, Cell::DateTime(start)),
        (11, 45_747.0.into()),
        (13, 15.0.into()),
    ]);
    assert_eq!(
        (row.policy_number.as_str(), row.start_date, row.end_date),
        ("1001", date(2024, 4, 1), date(2025, 3, 31))
    );
    assert_eq!((row.premium.to_string().as_str(), row.grace_period_days), ("123456.50", Some(15)));
}

#[test]
fn neither_phone_nor_email_is_no_fault() {
    let row = good(&[(2, "N/A".into()), (3, "-".into()), (4, Cell::Error("#N/A".to_owned()))]);
    assert_eq!((row.phone, row.email, row.date_of_birth), (None, None, None));
}

#[test]
fn a_row_of_nothing_is_blank() {
    let blank = vec![Cell::Empty, " ".into(), Cell::Empty];
    assert_eq!(check_row(&layout(), 8, &blank, &rules()), RowOutcome::Blank);
    assert_eq!(check_row(&layout(), 8, &[], &rules()), RowOutcome::Blank);
}

#[test]
fn a_short_row_misses_what_it_does_not_reach() {
    let RowOutcome::Bad(faults) = check_row(&layout(), 9, &["P-1".into()], &rules()) else { panic!() };
    assert_eq!(
        faults.iter().map(|fault| (fault.column.unwrap(), fault.code)).collect::<Vec<_>>(),
        [Column::FullName, Column::PolicyType, Column::Premium, Column::StartDate, Column::EndDate]
            .map(|column| (column, FaultCode::MissingRequired))
    );
}

#[test]
fn every_fault_of_a_row_is_reported() {
    let faults = faults(&[
        (0, "".into()),
        (2, "123".into()),
        (3, "x@".into()),
        (7, "Gold".into()),
        (8, "12.345,67".into()),
        (10, "31/02/2024".into()),
        (11, "soon".into()),
        (13, "many".into()),
    ]);
    let codes: Vec<FaultCode> = faults.iter().map(|fault| fault.code).collect();
    assert_eq!(
        codes,
        [
            FaultCode::MissingRequired,
            FaultCode::BadEmail,
            FaultCode::BadPhone,
            FaultCode::UnknownPolicyType,
            FaultCode::AmbiguousAmount,
            FaultCode::BadDate,
            FaultCode::BadDate,
            FaultCode::BadNumber,
        ]
    );
    assert!(faults.iter().all(|fault| fault.row == 7 && fault.header.is_some()));
    assert_eq!(faults[4].header.as_deref(), Some("Premium (₹)"));
    assert_eq!(faults[4].value.as_deref(), Some("12.345,67"));
}

#[test]
fn messages_say_what_to_do() {
    let message = |place: usize, cell: &str| faults(&[(place, cell.into())])[0].message.clone();
    assert_eq!(message(0, ""), "Policy Number is missing; fill in the cell");
    assert_eq!(message(10, "soon"), "Start Date is not a date; write it as 31/12/2025, 2025-12-31 or 31-Dec-2025");
    assert_eq!(
        message(2, "123"),
        "Phone is not a valid phone number; write ten digits, or + and the country code before a number from abroad"
    );
}

#[test]
fn each_fault_has_its_code() {
    let error = |text: &str| Cell::Error(text.to_owned());
    let when = Cell::DateTime(date(2024, 4, 1).and_hms_opt(0, 0, 0).unwrap());
    for (place, cell, code) in [
        (0, "x".repeat(101).as_str().into(), FaultCode::TooLong),
        (0, "P\0".into(), FaultCode::ForbiddenCharacter),
        (0, "1.23457E+15".into(), FaultCode::NumberLostDigits),
        (0, 1e17.into(), FaultCode::NumberLostDigits),
        (0, when, FaultCode::TurnedIntoDate),
        (0, error("#REF!"), FaultCode::CellError),
        (1, "Jos\u{fffd}".into(), FaultCode::UnreadableText),
        (1, "".into(), FaultCode::MissingRequired),
        (1, "x".repeat(150).as_str().into(), FaultCode::TooLong),
        (2, 12.5.into(), FaultCode::BadPhone),
        (3, 12.5.into(), FaultCode::BadEmail),
        (4, "01/01/2030".into(), FaultCode::DateOutOfRange),
        (4, Cell::Bool(true), FaultCode::BadDate),
        (8, "0".into(), FaultCode::NonPositivePremium),
        (8, "-5".into(), FaultCode::NonPositivePremium),
        (8, "(5)".into(), FaultCode::NonPositivePremium),
        (8, "1.234".into(), FaultCode::TooManyDecimals),
        (8, "1e10x".into(), FaultCode::BadAmount),
        (8, 1e12.into(), FaultCode::AmountTooLarge),
        (8, error("#VALUE!"), FaultCode::CellError),
        (9, "XYZ".into(), FaultCode::UnknownCurrency),
        (10, "04/13/2024".into(), FaultCode::BadDateOrder),
        (10, "01/04/1204".into(), FaultCode::DateOutOfRange),
        (11, "01/04/2024".into(), FaultCode::EndBeforeStart),
        (12, "01/03/2024".into(), FaultCode::RenewalBeforeStart),
        (13, "400".into(), FaultCode::NumberOutOfRange),
        (13, 1.5.into(), FaultCode::BadNumber),
    ] {
        assert_eq!(only_code(place, cell.clone()), code, "{place} {cell:?}");
    }
}

#[test]
fn currencies_are_settled() {
    assert_eq!(good(&[(8, "$100".into())]).currency.as_str(), "USD");
    assert_eq!(good(&[(8, "Rs. 100".into())]).currency.as_str(), "INR");
    assert_eq!(good(&[(8, "$100".into()), (9, "sgd".into())]).currency.as_str(), "SGD");
    let faults = faults(&[(8, "₹100".into()), (9, "USD".into())]);
    assert_eq!(faults[0].code, FaultCode::CurrencyMismatch);
}

#[test]
fn values_in_faults_are_bounded() {
    let faults = faults(&[(0, "x".repeat(5_000).as_str().into())]);
    assert_eq!(faults[0].value.as_ref().unwrap().chars().count(), RowFault::VALUE_LIMIT);
}

#[test]
fn a_name_in_parts_or_whole() {
    let headers = ["Policy No.", "First Name", "Surname", "Product", "Premium", "Start Date", "End Date"];
    let layout = Layout::new(&headers.map(str::to_owned), None).unwrap();
    let name = |first: &str, last: &str| {
        let cells = ["P", first, last, "car", "5", "01/04/2024", "31/03/2025"].map(Cell::from);
        match check_row(&layout, 1, &cells, &rules()) {
            RowOutcome::Good(row) => Ok((row.first_name, row.last_name)),
            RowOutcome::Bad(faults) => Err(faults[0].column.unwrap()),
            RowOutcome::Blank => panic!(),
        }
    };
    assert_eq!(name("Asha", "Rao"), Ok(("Asha".to_owned(), "Rao".to_owned())));
    assert_eq!(name("Asha", ""), Ok(("Asha".to_owned(), String::new())));
    assert_eq!(name("", "Rao"), Ok(("Rao".to_owned(), String::new())));
    assert_eq!(name("Na", "Nil"), Ok(("Na".to_owned(), "Nil".to_owned())));
    assert_eq!(name("NA", "-"), Err(Column::FirstName));
}

#[test]
fn month_first_files_are_read_as_the_caller_says() {
    let rules = RowRules { date_order: DateOrder::MonthFirst, ..rules() };
    let cells = row(&[(10, "04/30/2024".into()), (11, "03/31/2025".into())]);
    let RowOutcome::Good(row) = check_row(&layout(), 2, &cells, &rules) else { panic!() };
    assert_eq!((row.start_date, row.end_date), (date(2024, 4, 30), date(2025, 3, 31)));
}
