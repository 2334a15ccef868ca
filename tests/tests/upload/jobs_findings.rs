//! Bad rows stay out, each with what is wrong with it; the uploader gets them back in a workbook.

use super::jobs_ground::{Ask, Ground, HEADERS, Line, csv, xlsx};
use calamine::{Data, Reader, Xlsx};
use domain::ids::UploadId;
use std::io::Cursor;

/// Five good rows and five bad ones.
fn messy(ground: &Ground) -> Vec<Line> {
    let mut lines: Vec<Line> = (0..10).map(|n| Line::new(n, ground.in_days(20))).collect();
    lines[1].phone = "12".to_owned();
    lines[3].premium = "-5".to_owned();
    lines[3].product = "Yacht race".to_owned();
    lines[5].number = "POL-000000".to_owned();
    lines[6].name = "=HYPERLINK(\"http://example.com\")".to_owned();
    lines[6].premium = "lots".to_owned();
    lines[8].start = lines[8].end;
    lines
}

#[tokio::test]
async fn good_rows_go_in_and_bad_rows_are_told_with_what_is_wrong() {
    let ground = Ground::new().await;
    let upload = ground.process("messy.csv", &csv(&messy(&ground)), Ask::default()).await;
    assert_eq!(upload.status, "completed");
    assert_eq!((upload.total_records, upload.successful_records, upload.failed_records), (Some(10), 5, 5));
    assert_eq!(ground.book().await, (5, 5, 5));
    let end = ground.in_days(20).format("%d/%m/%Y").to_string();
    let faults = ground.faults(UploadId(upload.id)).await;
    let told: Vec<(i32, &str, &str, &str)> = faults
        .iter()
        .map(|(row, column, value, code)| (*row, column.as_str(), value.as_str(), code.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (3, "Mobile No", "12", "bad_phone"),
            (5, "Product", "Yacht race", "unknown_policy_type"),
            (5, "Premium (₹)", "-5", "non_positive_premium"),
            (7, "Policy No.", "POL-000000", "duplicate_in_file"),
            (8, "Premium (₹)", "lots", "bad_amount"),
            (10, "Expiry Date", end.as_str(), "end_before_start"),
        ]
    );
}

#[tokio::test]
async fn the_uploader_gets_the_refused_rows_back() {
    let ground = Ground::new().await;
    let upload = ground.process("messy.xlsx", &xlsx(&messy(&ground)), Ask::default()).await;
    let report = ground.fetch(upload.error_report_path.as_deref().expect("a report")).await;
    let mut workbook: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(report)).unwrap();
    let sheet = workbook.worksheet_range("Errors").unwrap();
    let rows: Vec<&[Data]> = sheet.rows().collect();
    let headers: Vec<String> = rows[0].iter().map(ToString::to_string).collect();
    assert_eq!(headers[..7], HEADERS);
    assert_eq!(headers[7..], ["What is wrong", "Row in your file"]);
    let numbers: Vec<String> = rows[1..].iter().map(|row| row[0].to_string()).collect();
    assert_eq!(numbers, ["POL-000001", "POL-000003", "POL-000000", "POL-000006", "POL-000008"]);
    let own: Vec<String> = rows[1..].iter().map(|row| row[8].to_string()).collect();
    assert_eq!(own, ["3", "5", "7", "8", "10"]);
    assert!(rows.iter().skip(1).all(|row| !row[7].to_string().is_empty()), "every row is told what is wrong");
    assert_eq!(rows[4][1], Data::String("=HYPERLINK(\"http://example.com\")".to_owned()), "a text, not a formula");
    let formulas = workbook.worksheet_formula("Errors").unwrap();
    assert!(formulas.used_cells().next().is_none());
}

#[tokio::test]
async fn a_wholly_wrong_file_says_so_in_one_line() {
    let ground = Ground::new().await;
    let bad: Vec<Line> = (0..4).map(|n| Line::new(n, ground.in_days(20)).premium("none")).collect();
    let header_only = csv(&[]);
    let cases: [(&str, Vec<u8>, &str, &str); 4] = [
        (
            "headers.csv",
            b"Policy No,Premium\nP-1,100\n".to_vec(),
            "bad_headers",
            "sheet \"CSV\": no column for Policy Type, Start Date, End Date, Customer Name; headers seen: Policy No, Premium",
        ),
        ("empty.csv", header_only, "no_rows", "sheet \"CSV\" has a header in row 1 and no policies below it"),
        ("blank.csv", b"\n\n\n".to_vec(), "no_rows", "the file holds no rows"),
        (
            "bad.csv",
            csv(&bad),
            "no_good_row",
            "none of the 4 rows can be imported; most common (4 times), first in row 2",
        ),
    ];
    for (name, bytes, code, message) in cases {
        let upload = ground.process(name, &bytes, Ask::default()).await;
        let details = upload.error_details.expect(name);
        let told = details["message"].as_str().unwrap();
        assert_eq!((upload.status.as_str(), details["code"].as_str()), ("failed", Some(code)), "{name}");
        assert!(told.starts_with(message) && !told.contains('\n'), "{told}");
        assert_eq!(upload.error_report_path.is_some(), name == "bad.csv", "{name}");
    }
    assert_eq!(ground.book().await, (0, 0, 0));
}
