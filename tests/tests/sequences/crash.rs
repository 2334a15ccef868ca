//! Steps that are cut off in the middle: everybody gets theirs once all the same.

use crate::ground::{Ground, SENDING};
use chrono::TimeDelta;
use jobs::{Job, JobContext, kinds::advance_sequence::AdvanceSequence};
use serde_json::json;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

#[tokio::test]
async fn a_run_that_is_cut_off_again_and_again_repeats_nothing_and_loses_nothing() {
    let ground = Ground::new().await;
    let ends = ground.day(40);
    ground
        .run(&format!(
            "INSERT INTO customers (customer_code, first_name, last_name, email) \
                SELECT 'C' || n, 'First', 'Last', 'p' || n || '@example.com' FROM generate_series(1, 5000) n; \
             INSERT INTO policies (policy_number, customer_id, policy_type, premium_amount, start_date, end_date) \
                SELECT 'P' || id, id, 'motor', 10000, '{ends}'::DATE - 364, '{ends}' FROM customers; ANALYZE;"
        ))
        .await;
    let planning = ground.workers(&["campaigns=1"]);
    let campaign = ground.ladder(&[ground.step(-30), ground.step(-7)], &json!({})).await;
    ground.settle_on("'campaigns'").await;
    assert_eq!(ground.number("SELECT count(*) FROM campaign_enrolments WHERE state = 'active'").await, 5_000);
    planning.stop().await;
    let at = (ends - TimeDelta::days(30)).and_hms_opt(4, 31, 0).unwrap().and_utc();
    ground.services().clock.advance(at - ground.now());
    for milliseconds in [1, 5, 20, 60, 120, 250] {
        let context = JobContext {
            services: ground.services().clone(),
            id: Uuid::now_v7(),
            attempt: 1,
            max_attempts: 5,
            created_by: None,
            stopping: CancellationToken::new(),
            progress: Default::default(),
            successors: Default::default(),
        };
        let _cut =
            tokio::time::timeout(Duration::from_millis(milliseconds), AdvanceSequence { campaign }.run(context)).await;
        let torn = "SELECT count(*) FROM campaign_enrolments e WHERE (e.written = 1) \
                    <> EXISTS (SELECT 1 FROM messages m WHERE m.enrolment_id = e.id)";
        assert_eq!(ground.number(torn).await, 0, "cut off after {milliseconds} ms");
    }
    let workers = ground.workers(&SENDING);
    ground.settle().await;
    assert_eq!(ground.number("SELECT count(*) FROM messages").await, 5_000);
    assert_eq!(ground.number("SELECT count(DISTINCT policy_id) FROM messages WHERE step = 0").await, 5_000);
    assert_eq!(ground.number("SELECT count(*) FROM messages WHERE status = 'pending'").await, 0);
    workers.stop().await;
}
