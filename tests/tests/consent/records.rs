//! The statements: whose word counts, what holds, what is told of a page of messages, and by which indexes.

use crate::ground::{client, customer, message, value};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    campaigns::ExclusionReason,
    ids::CustomerId,
    messaging::{
        Channel, Purpose, SuppressionReason, SuppressionScope, SuppressionSource,
        restraint::{Cap, ConsentSource, DeferReason, Rules, Verdict},
    },
};
use schema::consent::{
    Holidays,
    consents::{self, NewConsent},
    facts,
    suppressions::{self, NewSuppression},
};
use serde_json::json;
use tests::base::Base;

#[expect(clippy::disallowed_methods, reason = "rows are written by the database's clock, which is the machine's")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

fn word(customer: CustomerId, granted: bool, source: ConsentSource, at: DateTime<Utc>) -> NewConsent {
    let (channel, purpose) = (Channel::Email, Purpose::Marketing);
    NewConsent { customer, channel, purpose, granted, source, proof: None, given_at: at, recorded_by: None }
}

fn entry(address: &str, reason: SuppressionReason, scope: SuppressionScope, days: Option<i64>) -> NewSuppression {
    NewSuppression {
        channel: Channel::Sms,
        address: address.to_owned(),
        reason,
        scope,
        source: SuppressionSource::Import,
        detail: None,
        message: None,
        created_by: None,
        expires_at: days.map(|days| now() + TimeDelta::days(days)),
    }
}

#[tokio::test]
async fn an_import_does_not_undo_what_a_person_chose_and_all_is_logged() {
    let base = Base::new().await;
    let plain = client(base.database.url()).await;
    let asha = customer(&plain, "C1", "+919876543210").await;
    let (db, at) = (base.db(), now());
    let mut connection = db.get().await.unwrap();
    let hour = |hours| at + TimeDelta::hours(hours);
    let effects = async |connection: &mut schema::AsyncPgConnection, words: &[NewConsent]| {
        let recorded = consents::record(connection, words, at).await.unwrap();
        recorded.iter().map(|one| one.took_effect).collect::<Vec<_>>()
    };
    let import = |granted, hours| word(asha, granted, ConsentSource::Import, hour(hours));
    let own = |granted, hours| word(asha, granted, ConsentSource::Reply, hour(hours));
    assert_eq!(
        effects(&mut connection, &[import(true, 1), word(CustomerId(999), true, ConsentSource::Staff, at)]).await,
        [true]
    );
    assert_eq!(effects(&mut connection, &[import(false, 0)]).await, [false], "older news of the same kind");
    assert_eq!(effects(&mut connection, &[own(false, 0)]).await, [true], "the person's own word");
    assert_eq!(effects(&mut connection, &[import(true, 9)]).await, [false]);
    assert_eq!(effects(&mut connection, &[own(true, 2), import(false, 8), own(false, 1)]).await, [true, false, false]);
    let held = consents::of_customer(&mut connection, asha).await.unwrap();
    assert_eq!(held.len(), 1);
    assert!(held[0].granted && held[0].own_choice && held[0].source == "reply");
    let log = consents::log(&mut connection, asha, 100).await.unwrap();
    assert_eq!(log.iter().filter(|one| one.took_effect).count(), 3);
    assert_eq!(log.len(), 7);
}

#[tokio::test]
async fn no_reason_hides_another_and_none_comes_to_hold_less() {
    let base = Base::new().await;
    let plain = client(base.database.url()).await;
    let db = base.db();
    let mut connection = db.get().await.unwrap();
    use SuppressionReason::{DoNotDisturb, Manual};
    use SuppressionScope::{All, Marketing};
    let address = "+919876543210";
    let first = [entry(address, DoNotDisturb, All, None), entry(address, Manual, Marketing, Some(2))];
    assert_eq!(suppressions::suppress(&mut connection, &first, now()).await.unwrap().len(), 2);
    let weaker = [entry(address, DoNotDisturb, Marketing, Some(1)), entry(address, Manual, Marketing, Some(1))];
    assert_eq!(suppressions::suppress(&mut connection, &weaker, now()).await.unwrap().len(), 0);
    let stronger = [entry(address, Manual, All, Some(1)), entry(address, Manual, Marketing, None)];
    assert_eq!(suppressions::suppress(&mut connection, &stronger, now()).await.unwrap().len(), 1);
    let query = "SELECT reason, scope, expires_at IS NULL AS for_good FROM suppressions ORDER BY reason";
    assert_eq!(
        value(&plain, query).await,
        json!([
            {"reason": "do_not_disturb", "scope": "all", "for_good": true},
            {"reason": "manual", "scope": "all", "for_good": false},
        ])
    );
    let lifted =
        suppressions::unsuppress(&mut connection, Channel::Sms, &[address.to_owned()], &[Manual]).await.unwrap();
    assert_eq!(lifted, 1);
    let left = suppressions::of_address(&mut connection, Channel::Sms, address).await.unwrap();
    assert_eq!(left.len(), 1);
    // what has run out does not hold back what is new
    plain.execute("UPDATE suppressions SET expires_at = now() - interval '1 hour'", &[]).await.unwrap();
    let again = [entry(address, DoNotDisturb, Marketing, Some(3))];
    assert_eq!(suppressions::suppress(&mut connection, &again, now()).await.unwrap().len(), 1);
    assert_eq!(value(&plain, "SELECT scope FROM suppressions").await, json!([{"scope": "marketing"}]));
}

#[tokio::test]
async fn a_page_of_messages_is_judged_by_what_is_known() {
    let base = Base::new().await;
    let plain = client(base.database.url()).await;
    let db = base.db();
    let mut connection = db.get().await.unwrap();
    let asha = customer(&plain, "C1", "+919876543210").await;
    let ben = customer(&plain, "C2", "+971501234567").await;
    let service = message(&plain, asha, "sms", "service", "pending", None).await;
    let offer = message(&plain, asha, "email", "marketing", "pending", None).await;
    let abroad = message(&plain, ben, "email", "service", "pending", None).await;
    for (status, hours) in [("delivered", Some(5)), ("sent", Some(50)), ("unconfirmed", None), ("failed", None)] {
        message(&plain, asha, "whatsapp", "service", status, hours).await;
    }
    let ids = [service, offer, abroad];
    let rules = Rules { overall_cap: Some(Cap { count: 2, days: 1 }), ..Rules::default() };
    let since = now() - TimeDelta::days(1);
    let found = facts(&mut connection, &ids, now(), Some(since)).await.unwrap();
    assert_eq!(found.iter().map(|one| one.id).collect::<Vec<_>>(), ids);
    assert_eq!(found[0].contacts().unwrap().len(), 2, "one sent today, one in flight");
    assert_eq!(found[2].place(&rules).country, "AE");
    let judged = found[0].judge(&rules, (&Holidays::default(), &[]), now()).unwrap();
    assert!(matches!(judged, Verdict::Defer { reason: DeferReason::FrequencyCap, .. }), "{judged:?}");
    let exclude = |reason| Verdict::Exclude { reason };
    let verdicts = async |connection: &mut schema::AsyncPgConnection| {
        let found = facts(connection, &ids, now(), None).await.unwrap();
        let judge = |one: &schema::consent::MessageFacts| {
            one.judge(&Rules::default(), (&Holidays::default(), &[]), now()).unwrap()
        };
        found.iter().map(judge).collect::<Vec<_>>()
    };
    assert_eq!(verdicts(&mut connection).await, [Verdict::Send, exclude(ExclusionReason::NoConsent), Verdict::Send]);
    consents::record(&mut connection, &[word(asha, true, ConsentSource::Preferences, now())], now()).await.unwrap();
    suppressions::suppress(
        &mut connection,
        &[entry("+919876543210", SuppressionReason::Manual, SuppressionScope::All, None)],
        now(),
    )
    .await
    .unwrap();
    plain
        .execute("UPDATE customers SET communication_preferences = '{\"email\": false}' WHERE id = $1", &[&ben.0])
        .await
        .unwrap();
    let after = verdicts(&mut connection).await;
    assert_eq!(after, [exclude(ExclusionReason::Suppressed), Verdict::Send, exclude(ExclusionReason::OptedOut)]);
    consents::refuse_topics(&mut connection, asha, &["offers".to_owned()], now()).await.unwrap();
    assert_eq!(verdicts(&mut connection).await[1], exclude(ExclusionReason::TopicRefused));
    consents::refuse_topics(&mut connection, asha, &[], now()).await.unwrap();
    consents::switch_on(&mut connection, &[ben], Channel::Email, now()).await.unwrap();
    assert_eq!(verdicts(&mut connection).await[1..], [Verdict::Send, Verdict::Send]);
}

#[tokio::test]
async fn lists_and_facts_are_read_by_indexes() {
    let base = Base::new().await;
    let plain = client(base.database.url()).await;
    plain
        .batch_execute(
            "INSERT INTO suppressions (channel, address, reason, source, created_at) \
             SELECT 'sms', '+9198' || lpad(n::TEXT, 8, '0'), \
                 CASE WHEN n % 100 = 0 THEN 'manual' ELSE 'do_not_disturb' END, 'import', now() \
             FROM generate_series(1, 20000) n; ANALYZE suppressions",
        )
        .await
        .unwrap();
    for (query, index) in [
        ("SELECT * FROM suppressions WHERE channel = 'email' ORDER BY id DESC LIMIT 20", "suppressions_list"),
        ("SELECT * FROM suppressions WHERE reason = 'manual' ORDER BY id DESC LIMIT 20", "suppressions_reason"),
        (
            "SELECT * FROM suppressions WHERE channel = ANY('{email,whatsapp,sms}') AND address = '+919800000009'",
            "suppressions_channel_address_reason_key",
        ),
        ("SELECT * FROM suppressions WHERE id > 500 ORDER BY id LIMIT 1000", "suppressions_pkey"),
    ] {
        let plan = plain.query(&format!("EXPLAIN {query}"), &[]).await.unwrap();
        let text: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        assert!(text.join("\n").contains(index), "{query}: {text:#?}");
    }
}
