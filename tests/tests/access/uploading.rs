//! Books of policies touch only what their uploader reaches: other rows are refused with the reason, and the rest goes in.

use crate::ground::{Ground, HEAD, SOLE};
use jobs::kinds::registry;
use serde_json::{Value, json};
use tests::{
    crew::{Feeder, Workers},
    http::TestUser,
};
use workers::WorkerConfig;

const HEADER: &str =
    "Policy Number,Customer Code,Customer Name,Policy Type,Premium,Start Date,End Date,Branch,Agent Email";

/// Uploads rows of policy number, customer code, branch and agent; how the upload stands in the end.
async fn upload(ground: &Ground, by: &TestUser, query: &str, rows: &[[&str; 4]]) -> Value {
    let line = |[number, code, branch, agent]: &[&str; 4]| {
        format!("{number},{code},Somebody Else,motor,99000,01/04/2026,31/03/2027,{branch},{agent}\r\n")
    };
    let book = format!("{HEADER}\r\n{}", rows.iter().map(line).collect::<String>());
    let form = format!(
        "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n{book}\r\n--XX--\r\n"
    );
    let call = ground.api.post(&format!("/api/upload/file{query}")).by(by);
    let accepted = call.body("multipart/form-data; boundary=XX", form).send().await.data(202);
    let job = format!("/api/jobs/{}?wait=20s", accepted["jobId"].as_str().expect("a job"));
    ground.api.get(&job).by(by).send().await.data(200);
    let status = format!("/api/upload/status/{}", accepted["uploadId"].as_str().expect("an upload"));
    ground.api.get(&status).by(by).send().await.data(200)
}

/// The rows that were refused: row, column and code.
fn refused(status: &Value) -> Vec<(i64, String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let fault = |fault: &Value| (fault["row"].as_i64().expect("a row"), text(&fault["column"]), text(&fault["code"]));
    status["errors"].as_array().expect("faults").iter().map(fault).collect()
}

fn elsewhere(row: i64, column: &str) -> (i64, String, String) {
    (row, column.to_owned(), "belongs_elsewhere".to_owned())
}

#[tokio::test]
async fn rows_of_another_branch_are_refused() {
    let ground = Ground::new().await;
    let services = &ground.api.state.services;
    let _feeder = Feeder::start(services);
    let workers = Workers::start(services, registry::all(), WorkerConfig::all_queues());
    let other = ground.world_there().await;
    let head = ground.person(HEAD, ground.here).await;
    let (policy, customer) = (format!("{}-P", other.mark), format!("{}-C", other.mark));
    let rows = [
        // 2: new, and by default of the uploader's branch; 3: says so
        ["N-1", "C-1", "", ""],
        ["N-2", "C-1", "HERE", ""],
        // 4: into another branch; 5: another branch's policy; 6: its customer
        ["N-3", "C-3", "THERE", ""],
        [&policy, "", "", ""],
        ["N-4", &customer, "", ""],
    ];
    let before = "SELECT md5(string_agg(c::text || p::text, '' ORDER BY p.id))::text FROM policies p \
        JOIN customers c ON c.id = p.customer_id WHERE c.customer_code = $1";
    let look = async || ground.client.query_one(before, &[&customer]).await.expect("rows").get::<_, String>(0);
    let as_it_was = look().await;
    for query in ["?dryRun=true", ""] {
        let status = upload(&ground, &head, query, &rows).await;
        let expected = vec![
            elsewhere(4, "Branch"),
            elsewhere(5, "Policy Number"),
            elsewhere(5, "Customer Code"),
            elsewhere(6, "Customer Code"),
        ];
        assert_eq!(refused(&status), expected, "{status}");
        assert_eq!((&status["successfulRecords"], &status["failedRecords"]), (&json!(2), &json!(3)), "{status}");
        assert_eq!(look().await, as_it_was);
    }
    let here = format!(
        "SELECT count(*) FROM policies WHERE policy_number IN ('N-1', 'N-2') AND branch_id = {}",
        ground.here.0
    );
    assert_eq!(ground.number(&here).await, 2);
    let page = ground.api.get("/api/cases").by(&head).send().await.data(200);
    assert_eq!(page["pagination"]["total"], 2, "an import's cases are its branch's: {page}");

    // who reaches everything may; and then it is not the branch's file, whoever's branch they are of
    let all = ground.person("administrator", ground.here).await;
    let status = upload(&ground, &all, "", &rows[2..]).await;
    assert_eq!(status["failedRecords"], 0, "{status}");
    let file = format!("/api/upload/download/{}", status["uploadId"].as_str().expect("an upload"));
    ground.api.get(&file).by(&head).send().await.error(404, "not_found");
    ground.api.get(&file).by(&all).send().await;
    workers.stop().await;
}

#[tokio::test]
async fn who_sees_only_their_own_uploads_only_that() {
    let ground = Ground::new().await;
    let services = &ground.api.state.services;
    let _feeder = Feeder::start(services);
    let workers = Workers::start(services, registry::all(), WorkerConfig::all_queues());
    let sole = ground.person(SOLE, ground.here).await;
    let colleague = ground.person(HEAD, ground.here).await;
    let theirs = ground.world(colleague.id, ground.here).await;
    let policy = format!("{}-P", theirs.mark);
    let rows = [["N-1", "C-1", "", ""], ["N-2", "C-2", "", &colleague.email], [&policy, "", "", ""]];
    let status = upload(&ground, &sole, "", &rows).await;
    let expected = vec![elsewhere(3, "Agent Email"), elsewhere(4, "Policy Number"), elsewhere(4, "Customer Code")];
    assert_eq!(refused(&status), expected, "{status}");
    let page = ground.api.get("/api/policies").by(&sole).send().await.data(200);
    assert_eq!(page["policies"][0]["policyNumber"], "N-1");
    assert_eq!(page["policies"][0]["agentId"], json!(sole.id), "what is nobody's would be lost to them");
    workers.stop().await;
}

#[tokio::test]
async fn the_same_file_of_another_branch_is_not_told_of() {
    let ground = Ground::new().await;
    let services = &ground.api.state.services;
    let _feeder = Feeder::start(services);
    let workers = Workers::start(services, registry::all(), WorkerConfig::all_queues());
    let (here, there) = (ground.person(HEAD, ground.here).await, ground.person(HEAD, ground.there).await);
    let rows = [["N-1", "C-1", "", ""]];
    upload(&ground, &there, "", &rows).await;
    let status = upload(&ground, &here, "", &rows).await;
    assert_eq!(refused(&status), [elsewhere(2, "Policy Number"), elsewhere(2, "Customer Code")], "{status}");
    workers.stop().await;
}
