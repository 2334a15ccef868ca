//! A book's whole way over HTTP, with workers: in, looked at, its refused rows fetched, and back out.

use crate::http_ground::{file, manager, stored, upload};
use calamine::Reader;
use chrono::{Days, Utc};
use jobs::kinds::registry;
use serde_json::{Value, json};
use std::time::Duration;
use tests::{
    crew::{Feeder, Workers},
    http::{TestApi, TestUser},
    wait::until_some,
};
use workers::WorkerConfig;

/// Four policies, one of which cannot be right.
fn book(premium: &str) -> Vec<u8> {
    #[expect(clippy::disallowed_methods, reason = "any day a month from now will do")]
    let today = Utc::now().date_naive();
    let (begin, end) = (today - Days::new(300), today + Days::new(30));
    let rows = (1..=4).map(|number| {
        let premium = if number == 3 { "free" } else { premium };
        format!("P-{number},Asha Rao{number},+9198765432{number}0,motor,{premium},{begin},{end}\n")
    });
    let header = "Policy No.,Customer Name,Mobile,Policy Type,Premium,Start Date,End Date\n".to_owned();
    std::iter::once(header).chain(rows).collect::<String>().into_bytes()
}

async fn job_ended(api: &TestApi, by: &TestUser, job: &Value) {
    let path = format!("/api/jobs/{}?wait=20s", job.as_str().unwrap());
    let ended = api.get(&path).by(by).send().await.data(200);
    assert_eq!(ended["state"], "succeeded", "{ended}");
}

#[tokio::test]
async fn a_book_goes_in_is_looked_at_and_comes_out_again() {
    let api = TestApi::new().await;
    let services = &api.state.services;
    let _feeder = Feeder::start(services);
    let workers = Workers::start(services, registry::all(), WorkerConfig::all_queues());
    let user = manager(&api).await;
    let get = async |path: &str| api.get(path).by(&user).send().await.data(200);

    let tried = upload(&api, "?dryRun=true", &user, vec![file("May.csv", book("12500"))]).send().await.data(202);
    job_ended(&api, &user, &tried["jobId"]).await;
    let status = get(&format!("/api/upload/status/{}", tried["uploadId"].as_str().unwrap())).await;
    let report = &status["dryRunReport"];
    assert_eq!((&report["create"], &report["refused"]), (&json!(3), &json!(1)), "{status}");
    assert_eq!(get("/api/policies").await["pagination"]["total"], 0);

    let accepted = upload(&api, "", &user, vec![file("May.csv", book("12500"))]).send().await.data(202);
    job_ended(&api, &user, &accepted["jobId"]).await;
    let id = accepted["uploadId"].as_str().unwrap();
    let status = get(&format!("/api/upload/status/{id}")).await;
    assert_eq!(status["status"], "completed", "{status}");
    let figures = ["totalRecords", "successfulRecords", "failedRecords", "createdRecords"];
    assert_eq!(figures.map(|name| status[name].as_i64().unwrap()), [4, 3, 1, 3]);
    assert_eq!((&status["errors"][0]["row"], &status["errors"][0]["value"]), (&json!(4), &json!("free")));
    for list in ["customers", "policies", "cases"] {
        let found = get(&format!("/api/{list}?uploadId={id}")).await;
        assert_eq!(found["pagination"]["total"], 3, "{list}: {found}");
    }
    assert_eq!(get("/api/policies?search=P-2").await["policies"][0]["premiumAmount"], "12500.00");

    let errors = status["errorsUrl"].as_str().unwrap();
    let workbook = until_some("the refused rows", Duration::from_secs(20), || async {
        let answer = api.get(errors).by(&user).send().await;
        (answer.status == 200).then_some(answer)
    })
    .await;
    assert_eq!(workbook.header("content-disposition"), "attachment; filename=\"May_errors.xlsx\"");
    let mut sheets = calamine::Xlsx::new(std::io::Cursor::new(workbook.body.to_vec())).unwrap();
    let (_, rows) = sheets.worksheets().into_iter().next().unwrap();
    assert_eq!(rows.height(), 2, "the header and the refused row");

    let undoing = api.post(&format!("/api/upload/undo/{id}")).by(&user).send().await.data(202);
    job_ended(&api, &user, &undoing["jobId"]).await;
    assert_eq!(get(&format!("/api/upload/status/{id}")).await["status"], "undone");
    for list in ["customers", "policies", "cases"] {
        assert_eq!(get(&format!("/api/{list}")).await["pagination"]["total"], 0, "{list}");
    }
    // what was undone may come again
    let again = upload(&api, "", &user, vec![file("May.csv", book("12500"))]).send().await.data(202);
    job_ended(&api, &user, &again["jobId"]).await;
    assert_eq!(get("/api/policies").await["pagination"]["total"], 3);
    assert!(stored(&api).len() >= 4, "three originals and a report");
    workers.stop().await;
}
