//! Writes made-up customers into the tables.

use crate::world::{LISTS, OTHERS};
use domain::campaigns::audience::{Held, MessageEvent, Person, Sent};
use domain::ids::SegmentId;
use serde_json::{Value, json};
use tokio_postgres::Client;

/// Everything that customers refer to: branches, users, templates, campaigns, surveys, uploads, static segments.
pub async fn others(client: &Client) {
    let lists: Vec<i64> = LISTS.iter().map(|id| id.0).collect();
    let sql = format!(
        "INSERT INTO branches (id, code, name) OVERRIDING SYSTEM VALUE \
             SELECT n, 'b' || n, 'Branch ' || n FROM generate_series(1, {OTHERS}) n; \
         INSERT INTO users (id, email, first_name, last_name) OVERRIDING SYSTEM VALUE \
             SELECT n, 'u' || n || '@example.com', 'U', 'Ser' FROM generate_series(1, {OTHERS}) n; \
         INSERT INTO templates (id, name, template_type, content) OVERRIDING SYSTEM VALUE \
             SELECT n, 't' || n, 'sms', 'Hello' FROM generate_series(1, {OTHERS}) n; \
         INSERT INTO campaigns (id, group_id, name, campaign_type, target_audience_filter, schedule_type, status) \
             OVERRIDING SYSTEM VALUE \
             SELECT n, gen_random_uuid(), 'c' || n, 'sms', '\"all\"', 'immediate', 'preparing' \
             FROM generate_series(1, {OTHERS}) n; \
         INSERT INTO surveys (id, title, questions) OVERRIDING SYSTEM VALUE \
             SELECT n, 's' || n, '[]' FROM generate_series(1, {OTHERS}) n; \
         INSERT INTO file_uploads (id, filename, original_filename, file_size, file_type, upload_status) \
             OVERRIDING SYSTEM VALUE \
             SELECT n, 'f', 'f', 1, 'csv', 'completed' FROM generate_series(1, {OTHERS}) n; \
         INSERT INTO segments (id, name, kind) OVERRIDING SYSTEM VALUE \
             SELECT n, 'list ' || n, 'static' FROM unnest(ARRAY{lists:?}::BIGINT[]) n; \
         SELECT setval(pg_get_serial_sequence('segments', 'id'), 100)"
    );
    client.batch_execute(&sql).await.expect("what is referred to");
}

/// One customer with all that belongs to them.
pub async fn person(client: &Client, person: &Person) {
    let mut address =
        json!({"line": "1 Road", "city": person.city, "state": person.state, "postalCode": person.postal_code});
    if let Some(parts) = address.as_object_mut() {
        parts.retain(|_, part| !part.is_null());
    }
    let row = json!({
        "id": person.id.0, "customer_code": person.code, "first_name": person.first_name,
        "last_name": person.last_name, "email": person.email, "phone": person.phone,
        "date_of_birth": person.date_of_birth, "address": address, "kyc_status": person.kyc_status,
        "created_at": person.created_at, "updated_at": person.created_at, "time_zone": person.time_zone,
        "language": person.language, "country": person.country,
    });
    insert(client, "customers", &row).await;
    for (channel, purpose, granted) in &person.consents {
        let row = json!({
            "customer_id": person.id.0, "channel": channel, "purpose": purpose, "granted": granted,
            "own_choice": false, "source": "import", "given_at": person.created_at,
        });
        insert(client, "consents", &row).await;
    }
    for tag in &person.tags {
        let row = json!({"customer_id": person.id.0, "tag": tag, "added_at": person.created_at});
        insert(client, "customer_tags", &row).await;
    }
    for SegmentId(list) in &person.lists {
        let row = json!({"customer_id": person.id.0, "segment_id": list, "added_at": person.created_at});
        insert(client, "segment_members", &row).await;
    }
    for held in &person.policies {
        policy(client, person, held).await;
    }
    for sent in &person.messages {
        message(client, person, sent).await;
    }
    for answer in &person.surveys {
        let score = answer.score.map(|score| score.to_string().parse::<f64>().unwrap());
        let responses = match score {
            Some(score) => json!({"score": score}),
            None => json!({"score": "good", "text": "fine"}),
        };
        let row = json!({
            "survey_id": answer.survey.0, "customer_id": person.id.0, "responses": responses, "created_at": answer.at,
        });
        insert(client, "survey_responses", &row).await;
    }
}

async fn policy(client: &Client, person: &Person, held: &Held) {
    let row = json!({
        "id": held.id.0, "policy_number": held.number, "customer_id": person.id.0, "policy_type": held.kind,
        "premium_amount": held.premium, "currency": held.currency, "start_date": held.start, "end_date": held.end,
        "status": held.status, "renewal_date": held.renewal, "grace_period_days": held.grace_days,
        "agent_id": held.agent.map(|id| id.0), "branch_id": held.branch.map(|id| id.0),
        "upload_id": held.uploads.first().map(|id| id.0), "created_at": held.created_at, "updated_at": held.created_at,
    });
    insert(client, "policies", &row).await;
    // the renewal of another term is not this one's
    let old = json!({
        "policy_id": held.id.0, "term_end": held.start, "status": "contacted", "priority": "urgent",
        "payment_status": "failed", "communication_attempts": 3,
    });
    insert(client, "renewal_cases", &old).await;
    if let Some(case) = &held.case {
        let row = json!({
            "policy_id": held.id.0, "term_end": held.end, "status": case.status, "priority": case.priority,
            "assigned_to": case.assigned_to.map(|id| id.0), "payment_status": case.payment_status,
            "renewal_amount": case.amount, "communication_attempts": case.attempts,
            "last_contact_date": case.last_contact,
        });
        insert(client, "renewal_cases", &row).await;
    }
    for (index, claim) in held.claims.iter().enumerate() {
        let row = json!({
            "claim_number": format!("CL-{}-{index}", held.id.0), "policy_id": held.id.0, "claim_type": claim.kind,
            "claim_amount": claim.amount, "description": "x", "status": claim.status,
            "incident_date": claim.reported, "reported_date": claim.reported,
        });
        insert(client, "claims", &row).await;
    }
}

async fn message(client: &Client, person: &Person, sent: &Sent) {
    let at = |event: MessageEvent| sent.events.iter().find(|(known, _)| *known == event).map(|(_, at)| *at);
    let campaign = sent.campaign.map(|id| id.0);
    let unit: i64 = client.query_one("SELECT count(*) FROM messages", &[]).await.expect("a count").get(0);
    let row = json!({
        "campaign_id": campaign, "customer_id": person.id.0, "policy_id": sent.policy.map(|id| id.0),
        "channel": sent.channel, "unit": unit, "template_id": sent.template.map(|id| id.0), "address": "x",
        "status": "sent", "sent_at": at(MessageEvent::Sent), "opened_at": at(MessageEvent::Opened),
        "clicked_at": at(MessageEvent::Clicked), "replied_at": at(MessageEvent::Replied),
        "bounced_at": at(MessageEvent::Bounced), "rehearsal": sent.rehearsal, "due_at": person.created_at,
    });
    insert(client, "messages", &row).await;
}

/// A row given as JSON; columns that are not named get their defaults.
pub async fn insert(client: &Client, table: &str, row: &Value) {
    let columns: Vec<String> = row.as_object().expect("a row").keys().cloned().collect();
    let columns = columns.join(", ");
    let sql = format!(
        "INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE \
         SELECT {columns} FROM jsonb_populate_record(NULL::{table}, $1)"
    );
    client.execute(&sql, &[row]).await.unwrap_or_else(|error| panic!("{table}: {row}: {error:?}"));
}
