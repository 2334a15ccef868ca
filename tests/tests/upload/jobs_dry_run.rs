//! A dry run tells what would happen, and nothing happens.

use super::jobs_ground::{Ask, Ground, Line, csv};
use domain::ids::UploadId;
use serde_json::{Value, json};

const BOOK: &str = "SELECT p.*, to_jsonb(c) AS customer, \
    (SELECT jsonb_agg(to_jsonb(k) ORDER BY k.id) FROM renewal_cases k WHERE k.policy_id = p.id) AS cases \
    FROM policies p JOIN customers c ON c.id = p.customer_id ORDER BY p.id";

#[tokio::test]
async fn it_reports_every_row_and_writes_nothing_to_the_book() {
    let ground = Ground::new().await;
    let first: Vec<Line> = (0..4).map(|n| Line::new(n, ground.in_days(20))).collect();
    ground.process("first.csv", &csv(&first), Ask::default()).await;
    let before = ground.rows(BOOK).await;

    let mut lines = first.clone();
    lines[1] = lines[1].clone().premium("15000");
    lines[2] = lines[2].clone().renewed();
    lines[3].name = "Asha Iyer".to_owned();
    lines.push(Line::new(9, ground.in_days(20)));
    lines.push(Line::new(10, ground.in_days(20)).premium("0"));
    lines.push(lines[4].clone());
    let upload = ground.process("dry.csv", &csv(&lines), Ask { dry_run: true, options: None }).await;

    assert_eq!(upload.status, "completed");
    assert_eq!((upload.created_records, upload.updated_records, upload.failed_records), (1, 3, 2));
    let previews = ground
        .rows(&format!(
            "SELECT row_number, action, changes FROM upload_previews WHERE upload_id = {} ORDER BY row_number",
            upload.id
        ))
        .await;
    let told: Vec<(&Value, &Value)> =
        previews.iter().map(|preview| (&preview["row_number"], &preview["action"])).collect();
    let actions = [(2, "unchanged"), (3, "update"), (4, "renew"), (5, "update"), (6, "create")];
    let expected: Vec<(Value, Value)> = actions.iter().map(|(row, action)| (json!(row), json!(action))).collect();
    assert_eq!(told, expected.iter().map(|(row, action)| (row, action)).collect::<Vec<_>>());
    let premium = &previews[1]["changes"]["premiumAmount"];
    assert_eq!((&premium["from"], &premium["to"]), (&json!("12500.00"), &json!("15000.00")));
    let end = &previews[2]["changes"]["endDate"];
    assert_eq!(end["to"], json!(ground.in_days(385).to_string()));
    let name = &previews[3]["changes"];
    assert_eq!((&name["lastName"]["from"], &name["lastName"]["to"]), (&json!("3"), &json!("Iyer")));
    let refused: Vec<String> =
        ground.faults(UploadId(upload.id)).await.into_iter().map(|(row, _, _, code)| format!("{row} {code}")).collect();
    assert_eq!(refused, ["7 non_positive_premium", "8 duplicate_in_file"]);

    assert_eq!(ground.rows(BOOK).await, before, "the book is as it was");
    assert_eq!(ground.count("SELECT count(*) FROM upload_changes", &[]).await, 0);
    assert_eq!(ground.count("SELECT count(*) FROM customers", &[]).await, 4);
}
