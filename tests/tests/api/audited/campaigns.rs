//! What is done with campaigns.

use super::cases::{Case, case};
use serde_json::json;

/// Somebody else's, who waits for a second person's word.
const AWAITING: &str =
    "UPDATE campaigns SET status = 'awaiting_approval', approval = 'pending', created_by = NULL WHERE id = $1";
/// One whose only message was refused.
const REFUSED: &str = "WITH open AS ( \
        UPDATE campaigns SET status = 'completed', audience_ready = TRUE WHERE id = $1 RETURNING id \
    ) \
    INSERT INTO messages (campaign_id, channel, address, status, failed_at) \
    SELECT id, 'whatsapp', '+919876543210', 'failed', now() FROM open";
/// One that tries something.
const TRYING: &str = "WITH open AS ( \
        UPDATE campaigns SET status = 'active', audience_ready = TRUE WHERE id = $1 RETURNING id, template_id \
    ) \
    INSERT INTO campaign_variants (campaign_id, label, weight, channel, template_id, template_version) \
    SELECT id, 'A', 1, 'whatsapp', template_id, 1 FROM open";

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!("post /api/campaigns" => "campaign.created", |stage| {
            let request = stage.campaign_request().await;
            stage.post("/api/campaigns").json(&request)
        }),
        case!("put /api/campaigns/{id}/status" => "campaign.stopped", |stage| {
            let id = stage.campaign().await;
            stage.put(&format!("/api/campaigns/{id}/status")).json(&json!({"status": "cancelled"}))
        }),
        case!("put /api/campaigns/{id}" => "campaign.rewritten", |stage| {
            let (id, request) = (stage.draft().await, stage.campaign_request().await);
            stage.put(&format!("/api/campaigns/{id}")).json(&request)
        }),
        case!("delete /api/campaigns/{id}" => "campaign.deleted", |stage| {
            let id = stage.draft().await;
            stage.delete(&format!("/api/campaigns/{id}"))
        }),
        case!("post /api/campaigns/{id}/clone" => "campaign.copied", |stage| {
            let id = stage.campaign().await;
            stage.post(&format!("/api/campaigns/{id}/clone")).json(&json!({}))
        }),
        case!("post /api/campaigns/{id}/rehearsal" => "campaign.rehearsed", |stage| {
            let id = stage.campaign().await;
            stage.post(&format!("/api/campaigns/{id}/rehearsal"))
        }),
        case!("post /api/campaigns/{id}/approval" => "campaign.approved", |stage| {
            let id = stage.campaign_after(AWAITING).await;
            stage.post(&format!("/api/campaigns/{id}/approval")).json(&json!({"approved": true}))
        }),
        case!("post /api/campaigns/{id}/extension" => "campaign.extended", |stage| {
            let (id, later) = (stage.campaign().await, "2999-01-01T00:00:00Z");
            stage.post(&format!("/api/campaigns/{id}/extension")).json(&json!({"latestStart": later}))
        }),
        case!("post /api/campaigns/{id}/retry" => "campaign.retried", |stage| {
            let id = stage.campaign_after(REFUSED).await;
            stage.post(&format!("/api/campaigns/{id}/retry")).json(&json!({}))
        }),
        case!("post /api/campaigns/{id}/winner" => "campaign.winner_named", |stage| {
            let id = stage.campaign_after(TRYING).await;
            stage.post(&format!("/api/campaigns/{id}/winner")).json(&json!({"variant": "A"}))
        }),
        case!("post /api/campaigns/sequences" => "campaign.created", |stage| {
            let ladder = stage.ladder_request().await;
            stage.post("/api/campaigns/sequences").json(&ladder)
        }),
        case!("put /api/campaigns/{id}/steps" => "campaign.steps_changed", |stage| {
            let ladder = stage.ladder_request().await;
            let written = stage.post("/api/campaigns/sequences").json(&ladder).send().await.data(201);
            let path = format!("/api/campaigns/{}/steps", written["id"].as_str().unwrap());
            stage.put(&path).json(&json!({"steps": ladder["steps"]}))
        }),
        case!("post /api/campaigns/{id}/test-send" => "message.asked", |stage| {
            let id = stage.campaign().await;
            stage.post(&format!("/api/campaigns/{id}/test-send")).json(&json!({"to": "+919876543210"}))
        }),
    ]
}
