//! Writing campaigns over HTTP: the shape, the schedule, and everything that is refused.

use crate::book::{self, Entry};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use domain::permissions::SystemRole;
use serde_json::{Value, json};
use tests::http::{Answer, TestApi, TestUser};
use tokio_postgres::Client;

/// An API with a book and a template, and somebody who may send.
pub struct Ground {
    pub api: TestApi,
    pub client: Client,
    pub manager: TestUser,
    pub upload: i64,
    pub template: i64,
}

impl Ground {
    pub async fn new(entries: &[Entry]) -> Self {
        Self::with(entries, &[]).await
    }

    pub async fn with(entries: &[Entry], variables: &[(&str, &str)]) -> Self {
        let api = TestApi::with(variables).await;
        let client = book::connect(&api.base).await;
        let manager = api.user(SystemRole::CampaignManager).await;
        let upload = book::write(&client, entries).await;
        let template = book::template(&client, "Dear {name}").await;
        Self { api, client, manager, upload, template }
    }

    /// As the guide writes it, on the one channel there is.
    pub fn request(&self) -> Value {
        json!({
            "name": "May Renewals Campaign",
            "type": ["whatsapp"],
            "uploadId": format!("upload-{}", self.upload),
            "templates": {"whatsapp": format!("template-{}", self.template)},
            "scheduleType": "immediate",
            "targetAudience": "all"
        })
    }

    pub fn with_field(&self, field: &str, value: Value) -> Value {
        let mut request = self.request();
        request[field] = value;
        request
    }

    pub async fn post(&self, request: &Value) -> Answer {
        self.api.post("/api/campaigns").by(&self.manager).json(request).send().await
    }

    /// Writes a campaign; its id.
    pub async fn create(&self, request: &Value) -> String {
        let answer = self.post(request).await;
        assert!(answer.status.is_success(), "{answer:?}");
        answer.json()["data"]["campaigns"][0]["id"].as_str().unwrap().to_owned()
    }

    pub async fn get(&self, path: &str) -> Value {
        self.api.get(path).by(&self.manager).send().await.data(200)
    }

    /// That many minutes from now, as the API writes times.
    pub fn ahead(&self, minutes: i64) -> String {
        let at = self.api.state.services.clock.now() + TimeDelta::minutes(minutes);
        at.to_rfc3339_opts(SecondsFormat::Micros, true)
    }
}

/// A time in an answer.
pub fn instant(time: &Value) -> DateTime<Utc> {
    time.as_str().unwrap().parse().unwrap()
}

/// The fields at fault and what is said about them.
fn faults(answer: &Answer) -> Vec<String> {
    let error = answer.error(400, "validation_failed");
    let fields = error["details"]["fields"].as_array().unwrap().clone();
    let text = |fault: &Value| format!("{}: {}", fault["field"].as_str().unwrap(), fault["message"].as_str().unwrap());
    fields.iter().map(text).collect()
}

#[tokio::test]
async fn an_immediate_campaign_begins_with_its_audience() {
    let ground = Ground::new(&[Entry::new(1), Entry::new(2), Entry { phone: None, ..Entry::new(3) }]).await;
    let mut request = ground.request();
    request["description"] = json!("For those whose policies end in May");
    request["budget"] = json!("2500.50");
    let created = ground.post(&request).await.data(202);
    let campaign = &created["campaigns"][0];
    assert_eq!(created["campaigns"].as_array().unwrap().len(), 1);
    assert_eq!((&campaign["name"], &campaign["type"]), (&json!("May Renewals Campaign"), &json!("whatsapp")));
    assert_eq!((&campaign["status"], &campaign["targetCount"]), (&json!("preparing"), &json!(2)));
    assert_eq!(campaign["scheduledAt"], Value::Null);
    assert_eq!((&created["jobId"], created["groupId"].is_string()), (&campaign["jobId"], true));
    let job = ground.get(&format!("/api/jobs/{}", created["jobId"].as_str().unwrap())).await;
    assert_eq!((&job["kind"], &job["state"]), (&json!("build_audience"), &json!("available")));

    let id = campaign["id"].as_str().unwrap();
    let read = ground.get(&format!("/api/campaigns/{id}")).await;
    assert_eq!((&read["id"], &read["status"], &read["budget"]), (&json!(id), &json!("preparing"), &json!("2500.50")));
    assert_eq!((&read["targetAudience"], &read["timeZone"]), (&json!("all"), &json!("Asia/Kolkata")));
    assert_eq!((&read["uploadId"], &read["templateId"]), (&request["uploadId"], &request["templates"]["whatsapp"]));
    assert_eq!(
        (&read["targetCount"], &read["estimatedCount"], &read["audienceReady"]),
        (&json!(2), &json!(2), &json!(false))
    );
    assert_eq!((&read["groupId"], &read["createdBy"]), (&created["groupId"], &json!(ground.manager.id)));
}

#[tokio::test]
async fn a_scheduled_campaign_waits_for_an_instant_or_a_local_time() {
    let ground = Ground::new(&[Entry::new(1)]).await;
    let mut request = ground.request();
    request["scheduleType"] = json!("scheduled");
    request["scheduledAt"] = json!(ground.ahead(90));
    request["latestStart"] = json!(ground.ahead(120));
    let created = ground.post(&request).await.data(201);
    let campaign = &created["campaigns"][0];
    assert_eq!(
        (&campaign["status"], &campaign["jobId"], &created["jobId"]),
        (&json!("scheduled"), &Value::Null, &Value::Null)
    );
    assert_eq!(instant(&campaign["scheduledAt"]), instant(&request["scheduledAt"]));
    let read = ground.get(&format!("/api/campaigns/{}", campaign["id"].as_str().unwrap())).await;
    assert_eq!(instant(&read["scheduledAt"]), instant(&request["scheduledAt"]));
    assert_eq!(instant(&read["latestStart"]), instant(&request["latestStart"]));
    assert_eq!(book::number(&ground.client, "SELECT count(*) FROM jobs").await, 0);

    // a year ahead, when it is winter in New York
    let year = ground.api.state.services.clock.now().format("%Y").to_string().parse::<i32>().unwrap() + 1;
    let mut local = ground.request();
    local["scheduleType"] = json!("scheduled");
    local["timeZone"] = json!("America/New_York");
    local["scheduledAt"] = json!(format!("{year}-01-15T09:00"));
    let created = ground.post(&local).await.data(201);
    assert_eq!(instant(&created["campaigns"][0]["scheduledAt"]), instant(&json!(format!("{year}-01-15T14:00:00Z"))));
    local["scheduleType"] = Value::Null;
    ground.post(&local).await.data(201);
}

#[tokio::test]
async fn a_schedule_that_cannot_be_meant_says_what_would_be_right() {
    let ground = Ground::new(&[]).await;
    let scheduled = |time: Value| {
        let mut request = ground.request();
        request["scheduleType"] = json!("scheduled");
        request["scheduledAt"] = time;
        request
    };
    let local = |time: &str, zone: &str| {
        let mut request = scheduled(json!(time));
        request["timeZone"] = json!(zone);
        request
    };
    let mut late = scheduled(json!(ground.ahead(60)));
    late["latestStart"] = json!(ground.ahead(30));
    for (request, expected) in [
        (scheduled(Value::Null), "scheduledAt: a scheduled campaign needs its time"),
        (scheduled(json!("soon")), "scheduledAt: expected a time such as"),
        (scheduled(json!("2030-01-15T09:00")), "scheduledAt: a local time needs a timeZone"),
        (scheduled(json!(ground.ahead(-1))), "scheduledAt: is in the past"),
        (scheduled(json!("2099-01-15T09:00:00Z")), "scheduledAt: is more than two years ahead"),
        (local("2030-01-15T09:00", "Mars/Olympus"), "timeZone: \"Mars/Olympus\" is not a time zone"),
        (
            local("2027-03-14T02:30", "America/New_York"),
            "scheduledAt: 2027-03-14T02:30 does not exist in America/New_York",
        ),
        (late, "latestStart: is before scheduledAt"),
        (ground.with_field("scheduledAt", json!(ground.ahead(60))), "scheduledAt: an immediate campaign has no time"),
        (ground.with_field("scheduleType", json!("someday")), "scheduleType: expected one of immediate, scheduled"),
    ] {
        let told = faults(&ground.post(&request).await);
        assert!(told.len() == 1 && told[0].starts_with(expected), "{told:?}, not {expected}");
    }
}

#[tokio::test]
async fn what_is_referred_to_has_to_be_there_and_ready() {
    let ground = Ground::new(&[]).await;
    let other = ground.api.post("/api/templates").by(&ground.manager);
    let other = other.json(&json!({"name": "x", "type": "sms", "content": "Hi {name}"})).send().await.data(201);
    let template = |id: Value| ground.with_field("templates", json!({"whatsapp": id}));
    for (request, expected) in [
        (template(json!("template-999")), "templates.whatsapp: there is no such template"),
        (template(other["templateId"].clone()), "templates.whatsapp: is a template for sms"),
        (template(Value::Null), "templates.whatsapp: is required"),
        (template(json!("upload-1")), "templates.whatsapp: expected an id such as template-123"),
        (ground.with_field("uploadId", json!("upload-999")), "uploadId: there is no such upload"),
        (
            ground.with_field("templates", json!({"whatsapp": "template-1", "sms": "template-1"})),
            "templates.sms: sms is not among the types",
        ),
    ] {
        assert_eq!(faults(&ground.post(&request).await), [expected]);
    }
    ground.client.batch_execute("UPDATE file_uploads SET dry_run = TRUE").await.unwrap();
    assert!(faults(&ground.post(&ground.request()).await)[0].starts_with("uploadId: was only tried out"));
    ground.client.batch_execute("UPDATE file_uploads SET dry_run = FALSE, upload_status = 'processing'").await.unwrap();
    let unready = ground.post(&ground.request()).await.error(409, "upload_not_ready");
    assert_eq!(unready["details"], json!({"field": "uploadId", "status": "processing"}));
    ground.client.batch_execute("UPDATE templates SET is_active = FALSE").await.unwrap();
    assert_eq!(faults(&ground.post(&ground.request()).await), ["templates.whatsapp: is not active any more"]);
    assert_eq!(book::number(&ground.client, "SELECT count(*) FROM campaigns").await, 0);
}

#[tokio::test]
async fn every_fault_is_told_at_once() {
    let ground = Ground::new(&[]).await;
    let faulty = json!({
        "name": " ", "type": ["whatsapp", "whatsapp"], "templates": {"whatsapp": "template-1"}, "timeZone": "Nowhere",
        "scheduledAt": "2030-01-01T10:00", "targetAudience": {"daysToExpiry": {"min": 9, "max": 1}}, "budget": -1
    });
    assert_eq!(
        faults(&ground.post(&faulty).await),
        [
            "name: is required",
            "type: whatsapp is there more than once",
            "timeZone: \"Nowhere\" is not a time zone such as \"Asia/Kolkata\"",
            "targetAudience: daysToExpiry: min is above max",
            "budget: must not be negative",
        ]
    );
    for (field, value, expected) in [
        ("type", json!([]), "type: expected at least 1 items"),
        ("type", json!(["fax"]), "type[0]: expected one of email, whatsapp, sms"),
        ("targetAudience", json!("everyone"), "targetAudience: expected \"all\" or a filter"),
        ("targetAudience", json!({"age": 3}), "targetAudience: unknown field `age`"),
        ("budget", json!("much"), "budget: expected a decimal number"),
        ("budget", json!("1.005"), "budget: an amount must be under"),
    ] {
        let told = faults(&ground.post(&ground.with_field(field, value)).await);
        assert!(told.len() == 1 && told[0].starts_with(expected), "{told:?}, not {expected}");
    }
}

#[tokio::test]
async fn a_filter_aims_the_campaign() {
    let entries = [
        Entry { days: 20, ..Entry::new(1) },
        Entry { days: 50, ..Entry::new(2) },
        Entry { days: 20, kind: "Health", ..Entry::new(3) },
        Entry { days: 20, premium: 500, ..Entry::new(4) },
    ];
    let ground = Ground::new(&entries).await;
    let filter = json!({"daysToExpiry": {"min": 15, "max": 30}, "policyTypes": ["motor"], "premium": {"min": "1000"}});
    let created = ground.post(&ground.with_field("targetAudience", filter.clone())).await.data(202);
    assert_eq!(created["campaigns"][0]["targetCount"], 1);
    let read = ground.get(&format!("/api/campaigns/{}", created["campaigns"][0]["id"].as_str().unwrap())).await;
    assert_eq!(read["targetAudience"], filter);
    let mut whole = ground.request();
    whole["uploadId"] = Value::Null;
    assert_eq!(ground.post(&whole).await.data(202)["campaigns"][0]["targetCount"], 4);
}

#[tokio::test]
async fn the_same_request_twice_makes_one_campaign() {
    let ground = Ground::new(&[Entry::new(1)]).await;
    let send = async || {
        let call = ground.api.post("/api/campaigns").by(&ground.manager).header("idempotency-key", "may");
        call.json(&ground.request()).send().await
    };
    let (first, again) = (send().await, send().await);
    assert_eq!(first.data(202), again.data(202));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(book::number(&ground.client, "SELECT count(*) FROM campaigns").await, 1);
    assert_eq!(book::number(&ground.client, "SELECT count(*) FROM jobs").await, 1);
}

#[tokio::test]
async fn writing_needs_the_permission_to_send() {
    let ground = Ground::new(&[]).await;
    let agent = ground.api.user(SystemRole::ReadOnly).await;
    let denied = ground.api.post("/api/campaigns").by(&agent).json(&ground.request()).send().await;
    assert_eq!(denied.error(403, "permission_denied")["details"]["permission"], "campaigns.create");
    let strip = "UPDATE roles SET permissions = permissions - 'campaigns.send' WHERE name = 'campaign_manager'";
    assert_eq!(ground.client.execute(strip, &[]).await.unwrap(), 1);
    let preparer = ground.api.user(SystemRole::CampaignManager).await;
    let denied = ground.api.post("/api/campaigns").by(&preparer).json(&ground.request()).send().await;
    assert_eq!(denied.error(403, "permission_denied")["details"]["permission"], "campaigns.send");
    ground.api.post("/api/campaigns").json(&ground.request()).send().await.error(401, "missing_token");
}
