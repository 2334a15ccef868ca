//! What a person reaches: the ways in which rows are somebody's, and that what they set going reaches no further.

use crate::ground::{Ground, HEAD, SOLE};
use domain::ids::{BranchId, UserId};
use jobs::kinds::registry;
use serde_json::{Value, json};
use std::time::Duration;
use tests::{
    crew::{Feeder, Workers},
    http::TestUser,
    wait::until,
};
use workers::WorkerConfig;

/// The ids of a list.
async fn ids(ground: &Ground, by: &TestUser, list: &str) -> Vec<String> {
    let page = ground.api.get(&format!("/api/{list}")).by(by).send().await.data(200);
    let id = |entry: &Value| entry["id"].as_str().expect("an id").to_owned();
    page[list].as_array().expect("a list").iter().map(id).collect()
}

#[tokio::test]
async fn a_case_comes_to_whom_it_is_assigned_and_brings_its_customer() {
    let ground = Ground::new().await;
    let other = ground.world_there().await;
    let agent = ground.person("agent", ground.here).await;
    for list in ["cases", "customers", "policies"] {
        assert_eq!(ids(&ground, &agent, list).await, Vec::<String>::new(), "{list}");
    }
    let assign = "UPDATE renewal_cases SET assigned_to = $1 WHERE id = $2";
    ground.client.execute(assign, &[&agent.id.0, &other.case]).await.unwrap();
    assert_eq!(ids(&ground, &agent, "cases").await, [format!("case-{}", other.case)]);
    assert_eq!(ids(&ground, &agent, "customers").await, [format!("customer-{}", other.customer)]);
    assert_eq!(ids(&ground, &agent, "policies").await, Vec::<String>::new());
    ground.api.get(&format!("/api/customers/customer-{}", other.customer)).by(&agent).send().await.data(200);
}

#[tokio::test]
async fn cases_follow_their_policy_to_another_branch() {
    let ground = Ground::new().await;
    let (colleague, owner) = (UserId(0), ground.person(HEAD, ground.there).await);
    let world = ground.world(owner.id, ground.there).await;
    let head = ground.person(HEAD, ground.here).await;
    assert_ne!(head.id, colleague);
    assert!(ids(&ground, &head, "cases").await.is_empty());
    let more = "INSERT INTO renewal_cases (policy_id, term_end) VALUES ($1, '2027-03-31')";
    ground.client.execute(more, &[&world.policy]).await.unwrap();
    let copied = "SELECT count(*) FROM renewal_cases WHERE branch_id IS NULL";
    assert_eq!(ground.number(copied).await, 0, "a new case belongs where its policy does");
    let moved = "UPDATE policies SET branch_id = $1, agent_id = NULL WHERE id = $2";
    ground.client.execute(moved, &[&ground.here.0, &world.policy]).await.unwrap();
    assert_eq!(ids(&ground, &head, "cases").await.len(), 2);
    assert!(ids(&ground, &owner, "cases").await.is_empty());
}

#[tokio::test]
async fn who_looks_after_a_policy_sees_it_and_a_colleague_without_the_branch_does_not() {
    let ground = Ground::new().await;
    let sole = ground.person(SOLE, ground.here).await;
    let own = ground.world(sole.id, ground.here).await;
    let colleague = ground.person(SOLE, ground.here).await;
    let head = ground.person(HEAD, ground.here).await;
    for list in ["policies", "cases", "customers", "campaigns"] {
        assert_eq!(ids(&ground, &sole, list).await.len(), 1, "{list}");
        assert_eq!(ids(&ground, &head, list).await.len(), 1, "{list}");
        assert!(ids(&ground, &colleague, list).await.is_empty(), "{list}");
    }
    let path = format!("/api/campaigns/campaign-{}", own.campaign);
    ground.api.get(&path).by(&colleague).send().await.error(404, "not_found");
}

#[tokio::test]
async fn of_a_campaign_over_all_branches_a_branch_sees_its_own_people() {
    let ground = Ground::new().await;
    let head = ground.person(HEAD, ground.here).await;
    let own = ground.world(head.id, ground.here).await;
    let other = ground.world_there().await;
    for table in ["messages", "campaign_exclusions"] {
        let join = format!("UPDATE {table} SET campaign_id = $1 WHERE campaign_id = $2");
        ground.client.execute(&join, &[&own.campaign, &other.campaign]).await.unwrap();
    }
    for list in ["recipients", "exclusions"] {
        let path = format!("/api/campaigns/campaign-{}/{list}", own.campaign);
        let page = ground.api.get(&path).by(&head).send().await.data(200);
        assert_eq!(page[list].as_array().unwrap().len(), 1, "{page}");
        assert_eq!(page[list][0]["customerId"], format!("customer-{}", own.customer));
        let all = ground.person("administrator", ground.here).await;
        let page = ground.api.get(&path).by(&all).send().await.data(200);
        assert_eq!(page[list].as_array().unwrap().len(), 2, "{page}");
    }
}

#[tokio::test]
async fn a_campaign_addresses_only_whom_its_author_reaches() {
    let ground = Ground::new().await;
    let services = &ground.api.state.services;
    let _feeder = Feeder::start(services);
    let workers = Workers::start(services, registry::all(), WorkerConfig::all_queues());
    let head = ground.person(HEAD, ground.here).await;
    let sole = ground.person(SOLE, ground.here).await;
    let all = ground.person("administrator", ground.here).await;
    let (first, own) = (ground.world(head.id, ground.here).await, ground.world(sole.id, ground.here).await);
    let other = ground.world_there().await;
    for (author, reached) in [
        (&sole, vec![own.customer]),
        (&head, vec![first.customer, own.customer]),
        (&all, vec![first.customer, own.customer, other.customer]),
    ] {
        let request = json!({
            "name": "Everybody", "type": ["whatsapp"], "templates": {"whatsapp": format!("template-{}", own.template)},
            "targetAudience": "all",
        });
        let launched = ground.api.post("/api/campaigns").by(author).json(&request).send().await.data(202);
        let campaign = &launched["campaigns"][0];
        assert_eq!(campaign["targetCount"], reached.len(), "{launched}");
        let id: i64 = campaign["id"].as_str().unwrap()["campaign-".len()..].parse().unwrap();
        let written = format!("SELECT count(*) FROM messages WHERE campaign_id = {id}");
        until("its audience is written", Duration::from_secs(20), || async {
            usize::try_from(ground.number(&written).await) == Ok(reached.len())
        })
        .await;
        let rows = ground
            .client
            .query("SELECT customer_id FROM messages WHERE campaign_id = $1 ORDER BY 1", &[&id])
            .await
            .unwrap();
        assert_eq!(rows.iter().map(|row| row.get::<_, i64>(0)).collect::<Vec<_>>(), reached);
    }
    workers.stop().await;
}

#[tokio::test]
async fn an_answer_of_before_is_not_given_to_who_sees_less_by_now() {
    let ground = Ground::new().await;
    let head = ground.person(HEAD, ground.here).await;
    let template = json!({"name": "a", "type": "sms", "content": "Hi {name}"});
    let post = |user: &TestUser| {
        ground.api.post("/api/templates").by(user).header("idempotency-key", "k1").json(&template).send()
    };
    post(&head).await.data(201);
    assert_eq!(post(&head).await.header("idempotency-replayed"), "true");
    let moved = "UPDATE users SET branch_id = $1 WHERE id = $2";
    let BranchId(there) = ground.there;
    ground.client.execute(moved, &[&there, &head.id.0]).await.unwrap();
    let head = TestUser { token: ground.api.session(head.id).await, ..head };
    post(&head).await.error(422, "idempotency_key_reused");
}
