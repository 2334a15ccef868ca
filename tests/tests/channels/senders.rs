//! What a text message is from: the account's sender, or the one that its recipient's country knows.

use crate::ground::Ground;
use serde_json::json;
use tests::vendors::{Behaviour, SnsServer};

/// The sender of a form of SNS, after its name.
fn sender(body: &str) -> Option<String> {
    let form: Vec<(String, String)> = body
        .split('&')
        .filter_map(|field| field.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let (entry, _) = form.iter().find(|(_, value)| value == "AWS.SNS.SMS.SenderID")?;
    let wanted = entry.replace(".Name", ".Value.StringValue");
    form.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.clone())
}

#[tokio::test]
async fn each_country_sees_the_sender_it_knows() {
    let sns = SnsServer::start(Behaviour::default()).await.unwrap();
    let mut variables = sns.environment();
    variables.push(("SNS_SENDERS", "IN=ACMEIN,GB=AcmeUK".to_owned()));
    variables.push(("SNS_SENDER_ID", "Acme".to_owned()));
    let ground = Ground::new(&variables).await;
    let workers = ground.workers();
    for (to, expected) in [("+919876543210", "ACMEIN"), ("+447400123456", "AcmeUK"), ("+33612345678", "Acme")] {
        let asked = ground.post("/api/communication/sms/send", json!({"to": to, "message": "Renew"})).await;
        ground.until_status(asked["messageId"].as_str().unwrap(), "sent").await;
        let bodies = sns.bodies();
        assert_eq!(sender(bodies.last().unwrap()).as_deref(), Some(expected), "{to}");
    }
    assert_eq!((sns.accepted_count(), sns.violations()), (3, Vec::new()));
    workers.stop().await;
}
