//! Jobs and queues over HTTP: who sees what, waiting, cancelling, retrying, pausing.

use domain::{ids::UserId, permissions::SystemRole};
use jobs::{NewJob, Priority, Queue};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::http::{Answer, TestApi, TestUser};
use uuid::Uuid;

/// A job of a kind that no worker of the test runs.
fn job(queue: Queue, by: Option<UserId>) -> NewJob {
    NewJob {
        id: Uuid::now_v7(),
        kind: "for_the_test",
        queue,
        priority: Priority::High,
        payload: json!({"uploadId": 7}),
        run_at: None,
        max_attempts: 3,
        unique_key: None,
        parent: None,
        waits_for: None,
        created_by: by.map(|user| user.0),
        wakes: false,
    }
}

async fn enqueue(api: &TestApi, job: NewJob) -> Uuid {
    api.state.services.enqueue_now(&[job]).await.unwrap()[0].id
}

async fn get(api: &TestApi, by: &TestUser, path: &str) -> Answer {
    api.get(&format!("/api/jobs{path}")).by(by).send().await
}

fn ids(list: &Value) -> Vec<&str> {
    list["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_job_is_shown_to_who_asked_for_it_and_to_who_manages_queues() {
    let api = TestApi::new().await;
    let (agent, manager) = (api.user(SystemRole::Agent).await, api.user(SystemRole::OperationsManager).await);
    let own = enqueue(&api, job(Queue::Uploads, Some(agent.id))).await;
    let other = enqueue(&api, job(Queue::Whatsapp, Some(manager.id))).await;
    let shown = get(&api, &agent, &format!("/{own}")).await.data(200);
    assert_eq!(
        (&shown["kind"], &shown["queue"], &shown["state"]),
        (&json!("for_the_test"), &json!("uploads"), &json!("available"))
    );
    assert_eq!(
        (&shown["priority"], &shown["createdBy"], &shown["maxAttempts"]),
        (&json!("high"), &json!(agent.id), &json!(3))
    );
    assert_eq!(shown["progress"], json!({"done": 0, "total": null, "note": null}));
    get(&api, &manager, &format!("/{own}")).await.data(200);
    get(&api, &agent, &format!("/{other}")).await.error(404, "not_found");
    for action in ["cancel", "retry"] {
        let refused = api.post(&format!("/api/jobs/{other}/{action}")).by(&agent).send().await;
        refused.error(404, "not_found");
    }
    for unknown in [Uuid::now_v7().to_string(), "upload-1".to_owned()] {
        get(&api, &manager, &format!("/{unknown}")).await.error(404, "not_found");
    }
}

#[tokio::test]
async fn the_list_is_filtered_and_never_shows_others_jobs() {
    let api = TestApi::new().await;
    let (agent, manager) = (api.user(SystemRole::Agent).await, api.user(SystemRole::OperationsManager).await);
    let mut own = Vec::new();
    for _ in 0..3 {
        own.push(enqueue(&api, job(Queue::Uploads, Some(agent.id))).await.to_string());
    }
    own.reverse();
    let other = enqueue(&api, job(Queue::Whatsapp, Some(manager.id))).await;
    let child = enqueue(&api, job(Queue::Whatsapp, None).child_of(other)).await.to_string();
    let list = async |by: &TestUser, query: &str| get(&api, by, &format!("?{query}")).await;

    let mine = list(&agent, "").await.data(200);
    assert_eq!(ids(&mine), own);
    assert_eq!(mine["pagination"], json!({"page": 1, "limit": 20, "total": 3, "totalPages": 1, "atLeast": false}));
    assert_eq!(ids(&list(&agent, "page=2&limit=2").await.data(200)), own[2..]);
    assert_eq!(ids(&list(&agent, &format!("before={}", own[0])).await.data(200)), own[1..]);
    assert_eq!(ids(&list(&agent, &format!("createdBy={}", agent.id)).await.data(200)), own);
    list(&agent, &format!("createdBy={}", manager.id)).await.error(403, "permission_denied");
    assert!(ids(&list(&agent, "queue=whatsapp").await.data(200)).is_empty());

    assert_eq!(ids(&list(&manager, "").await.data(200)).len(), 5);
    assert_eq!(ids(&list(&manager, &format!("createdBy={}", agent.id)).await.data(200)), own);
    assert_eq!(ids(&list(&manager, &format!("parent={other}")).await.data(200)), [child.as_str()]);
    assert_eq!(ids(&list(&manager, "queue=whatsapp&state=available").await.data(200)).len(), 2);
    assert!(ids(&list(&manager, "state=running").await.data(200)).is_empty());
    assert_eq!(ids(&list(&manager, "kind=for_the_test&limit=1").await.data(200)).len(), 1);
    for (query, field) in
        [("state=lost", "state"), ("queue=nowhere", "queue"), ("parent=x", "parent"), ("createdBy=case-1", "createdBy")]
    {
        let refused = list(&manager, query).await.error(400, "validation_failed");
        assert_eq!(refused["details"]["fields"][0]["field"], field);
    }
}

#[tokio::test]
async fn whoever_waits_is_answered_when_the_job_ends() {
    let api = TestApi::new().await;
    let agent = api.user(SystemRole::Agent).await;
    let id = enqueue(&api, job(Queue::Uploads, Some(agent.id))).await;
    let started = Instant::now();
    let path = format!("/{id}?wait=30s");
    let wait = get(&api, &agent, &path);
    let cancel = async {
        let waiting = get(&api, &agent, &format!("/{id}?wait=1s")).await.data(200);
        assert_eq!(waiting["state"], "available", "the time is up");
        api.post(&format!("/api/jobs/{id}/cancel")).by(&agent).send().await.data(200)
    };
    let (ended, cancelled) = tokio::join!(wait, cancel);
    assert_eq!((&ended.data(200)["state"], &cancelled["state"]), (&json!("cancelled"), &json!("cancelled")));
    assert!((1..10).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    assert_eq!(get(&api, &agent, &format!("/{id}?wait=60")).await.data(200)["state"], "cancelled", "at once");
    for wait in ["61s", "soon", "-1s"] {
        let refused = get(&api, &agent, &format!("/{id}?wait={wait}")).await.error(400, "validation_failed");
        assert_eq!(refused["details"]["fields"][0]["field"], "wait");
    }
}

#[tokio::test]
async fn a_stop_of_the_process_answers_whoever_waits() {
    let api = TestApi::new().await;
    let agent = api.user(SystemRole::Agent).await;
    let id = enqueue(&api, job(Queue::Uploads, Some(agent.id))).await;
    let path = format!("/{id}?wait=50s");
    let wait = get(&api, &agent, &path);
    let stop = async { api.state.stopping.cancel() };
    let (answer, ()) = tokio::time::timeout(Duration::from_secs(10), async { tokio::join!(wait, stop) }).await.unwrap();
    assert_eq!(answer.data(200)["state"], "available");
}

#[tokio::test]
async fn a_job_is_cancelled_and_retried_only_where_that_makes_sense() {
    let api = TestApi::new().await;
    let agent = api.user(SystemRole::Agent).await;
    let id = enqueue(&api, job(Queue::Uploads, Some(agent.id))).await;
    let act = async |action: &str| api.post(&format!("/api/jobs/{id}/{action}/")).by(&agent).send().await;
    act("retry").await.error(409, "job_not_ended");
    assert_eq!(act("cancel").await.data(200)["state"], "cancelled");
    act("cancel").await.error(409, "job_already_ended");
    let again = act("retry").await.data(200);
    assert_eq!((&again["state"], &again["finishedAt"]), (&json!("available"), &Value::Null));
}

#[tokio::test]
async fn queues_are_shown_paused_and_resumed() {
    let api = TestApi::new().await;
    let manager = api.user(SystemRole::OperationsManager).await;
    enqueue(&api, job(Queue::Uploads, None)).await;
    let queue = async |name: &str| {
        let list = api.get("/api/queues").by(&manager).send().await.data(200);
        let found = list["queues"].as_array().unwrap().iter().find(|queue| queue["name"] == name).cloned();
        found.unwrap_or_else(|| panic!("{list}"))
    };
    let uploads = queue("uploads").await;
    assert_eq!(uploads["depth"]["available"], json!({"count": 1, "atLeast": false}));
    assert_eq!((&uploads["paused"], &uploads["workers"]), (&json!(false), &json!([])));
    assert!(uploads["oldestAgeSeconds"].as_i64().unwrap() < 60);
    let switch = async |path: &str| api.post(&format!("/api/queues/{path}")).by(&manager).send().await;
    assert_eq!(switch("uploads/pause").await.data(200), json!({"name": "uploads", "paused": true, "changed": true}));
    assert_eq!(switch("uploads/pause").await.data(200)["changed"], false);
    assert_eq!(queue("uploads").await["pausedBy"], manager.email.as_str());
    assert_eq!(switch("uploads/resume").await.data(200), json!({"name": "uploads", "paused": false, "changed": true}));
    switch("nowhere/pause").await.error(404, "not_found");
    let looker = api.user(SystemRole::Auditor).await;
    api.get("/api/queues").by(&looker).send().await.data(200);
    let denied = api.post("/api/queues/uploads/pause").by(&looker).send().await;
    assert_eq!(denied.error(403, "permission_denied")["details"]["permission"], "queues.manage");
}
