//! Good books go in, and go in again.

use super::jobs_ground::{Ask, Ground, Line, csv, xlsx};
use jobs::queue::admin::JobState;
use serde_json::json;

/// A thousand policies of nine hundred customers.
fn thousand(ground: &Ground) -> Vec<Line> {
    let mut lines: Vec<Line> = (0..1000).map(|n| Line::new(n, ground.in_days(3 + u64::from(n % 40)))).collect();
    for n in 900..1000 {
        (lines[n].name, lines[n].phone) = (lines[n - 900].name.clone(), lines[n - 900].phone.clone());
    }
    lines[7].premium = "1,23,456.50".to_owned();
    lines
}

async fn a_thousand_rows_become_customers_policies_and_cases(file: fn(&[Line]) -> Vec<u8>) {
    let ground = Ground::new().await;
    let upload = ground.process("book", &file(&thousand(&ground)), Ask::default()).await;
    assert_eq!(upload.status, "completed", "{:?}", upload.error_details);
    assert_eq!((upload.total_records, upload.processed_records), (Some(1000), 1000));
    assert_eq!((upload.created_records, upload.updated_records, upload.failed_records), (1000, 0, 0));
    assert_eq!(ground.book().await, (900, 1000, 1000));

    let job = ground.job(upload.job_id.unwrap()).await;
    assert_eq!((job.state, job.progress_done, job.progress_total), (JobState::Succeeded, 1000, Some(1000)));
    assert_eq!(job.result.unwrap()["successfulRecords"], 1000);

    let found = ground
        .rows(
            "SELECT c.first_name, c.last_name, c.phone, p.policy_type, p.premium_amount::text AS premium, p.currency, \
               p.end_date::text AS ends, p.status, k.priority, k.status AS case_status, \
               k.renewal_amount::text AS amount, k.case_number LIKE 'CASE-%' AS numbered, p.upload_row \
             FROM policies p JOIN customers c ON c.id = p.customer_id JOIN renewal_cases k ON k.policy_id = p.id \
             WHERE p.policy_number IN ('POL-000007', 'POL-000020') ORDER BY p.policy_number",
        )
        .await;
    let expected = |number: u32, premium: &str, priority: &str, days: u64| {
        json!({
            "first_name": "Asha Rao", "last_name": number.to_string(), "phone": format!("+9198{number:08}"),
            "policy_type": "motor", "premium": premium, "currency": "INR", "ends": ground.in_days(days).to_string(),
            "status": "active", "priority": priority, "case_status": "new", "amount": premium, "numbered": true,
            "upload_row": number + 2,
        })
    };
    // ten days are high, and a large premium raises that; twenty-three are medium
    assert_eq!(found, [expected(7, "123456.50", "urgent", 10), expected(20, "12500.00", "medium", 23)]);
}

#[tokio::test]
async fn a_thousand_rows_of_a_workbook() {
    a_thousand_rows_become_customers_policies_and_cases(xlsx).await;
}

#[tokio::test]
async fn a_thousand_rows_of_a_csv_file() {
    a_thousand_rows_become_customers_policies_and_cases(csv).await;
}

#[tokio::test]
async fn the_same_policies_again_are_updates_renewals_or_nothing_new() {
    let ground = Ground::new().await;
    let first: Vec<Line> = (0..60).map(|n| Line::new(n, ground.in_days(20))).collect();
    ground.process("first.csv", &csv(&first), Ask::default()).await;
    let again: Vec<Line> = first
        .iter()
        .enumerate()
        .map(|(n, line)| match n {
            0..20 => line.clone(),
            20..35 => line.clone().premium("15000"),
            35..55 => line.clone().renewed(),
            _ => Line {
                start: line.start - chrono::Days::new(365),
                end: line.end - chrono::Days::new(365),
                ..line.clone()
            },
        })
        .collect();
    let upload = ground.process("again.csv", &csv(&again), Ask::default()).await;
    assert_eq!(upload.status, "completed");
    assert_eq!((upload.created_records, upload.updated_records), (0, 35));
    assert_eq!((upload.successful_records, upload.failed_records), (55, 5));
    assert_eq!(ground.book().await, (60, 60, 80));
    assert_eq!(ground.count("SELECT count(*) FROM policies WHERE premium_amount = 15000", &[]).await, 15);
    assert_eq!(ground.count("SELECT count(*) FROM renewal_cases WHERE status = 'renewed'", &[]).await, 20);
    let renewed = ground.in_days(20 + 365);
    assert_eq!(ground.count("SELECT count(*) FROM policies WHERE end_date = $1", &[&renewed]).await, 20);
    let faults = ground.faults(domain::ids::UploadId(upload.id)).await;
    assert_eq!(faults.len(), 5);
    assert!(faults.iter().all(|(row, column, _, code)| *row > 56 && column == "Expiry Date" && code == "older_term"));
}

#[tokio::test]
async fn a_file_is_read_as_its_uploader_says() {
    let ground = Ground::new().await;
    let file = "Renewals of a broker\n\nRef;Who;Tel;Product;Price;Start Date;Expiry Date\n\
        A-1;Asha Rao;050 123 4567;Motor;900;12/31/2025;12/30/2030\n";
    let options = json!({
        "headerRow": 3, "dateOrder": "monthFirst", "defaultCountry": "AE", "defaultCurrency": "AED",
        "mapping": {"Ref": "policyNumber", "Who": "fullName", "Tel": "phone", "Price": "premium"},
    });
    let upload = ground.process("broker.csv", file.as_bytes(), Ask { options: Some(options), dry_run: false }).await;
    assert_eq!((upload.status.as_str(), upload.created_records), ("completed", 1), "{:?}", upload.error_details);
    let found = ground
        .rows(
            "SELECT p.policy_number, c.phone, p.currency, p.end_date::text AS ends \
             FROM policies p JOIN customers c ON c.id = p.customer_id",
        )
        .await;
    let expected = json!({"policy_number": "A-1", "phone": "+971501234567", "currency": "AED", "ends": "2030-12-30"});
    assert_eq!(found, [expected]);
}
